"""Transactions inside Python: own writes are seen, conflicts are told, and what is written is written whole."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import kvark
import pytest


@pytest.fixture(params=["memory", "os", "disk"])
def db(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[kvark.Store]:
    with kvark.open(tmp_path / "store", durability=request.param) as store:
        yield store


def test_reads_see_own_writes_and_others_see_them_at_the_end(db: kvark.Store) -> None:
    db["a"] = b"1"
    with db.transaction() as tx:
        tx["a"] = b"2"
        tx["b"] = bytearray(b"new")
        assert tx["a"] == b"2"
        assert tx.get("b") == b"new"
        assert "b" in tx
        assert db["a"] == b"1"
        assert "b" not in db
        del tx["a"]
        assert "a" not in tx
        assert tx.get("a", b"gone") == b"gone"
        assert tx.incr("n", 5) == 5
        assert tx.incr("n") == 6
        assert tx.setdefault("b", b"other") == b"new"
        assert tx.setdefault("c", b"c") == b"c"
        assert tx.pop("c") == b"c"
        assert tx.pop("c", None) is None
        tx.update({"d": b"d"})
    assert dict(db) == {b"b": b"new", b"d": b"d", b"n": b"6"}


def test_nothing_is_written_when_the_block_raises(db: kvark.Store) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:  # noqa: PT012
        tx["a"] = b"1"
        raise ZeroDivisionError
    assert len(db) == 0
    with db.transaction() as tx:
        tx["a"] = b"1"
        tx.rollback()
    assert len(db) == 0
    with pytest.raises(kvark.InvalidInput):
        tx["a"] = b"2"


def write(db: kvark.Store) -> None:
    db["k"] = b"other"


@pytest.mark.parametrize(
    "interfere",
    [
        write,
        lambda db: db.delete("k"),
        lambda db: db.expire("k", 100),
        lambda db: db.incr("k"),
        lambda db: db.execute("APPEND", "k", ""),
        lambda db: db.execute("RENAME", "k", "j"),
        lambda db: db.clear(),
    ],
    ids=["set", "delete", "expire", "incr", "append", "rename", "clear"],
)
def test_what_was_read_must_stay_until_the_end(db: kvark.Store, interfere: object) -> None:
    db["k"] = b"1"
    tx = db.transaction()
    assert tx["k"] == b"1"
    tx["written"] = b"x"
    before = db.execute("GET", "k"), db.execute("PTTL", "k")
    interfere(db)  # type: ignore[operator]
    if (db.execute("GET", "k"), db.execute("PTTL", "k")) == before:
        tx.commit()
        return
    with pytest.raises(kvark.TransactionConflict):
        tx.commit()
    assert "written" not in db


def test_a_missing_key_that_comes_is_a_conflict_and_a_blind_write_is_none(db: kvark.Store) -> None:
    with pytest.raises(kvark.TransactionConflict), db.transaction() as tx:  # noqa: PT012
        assert "k" not in tx
        db["k"] = b"1"
        tx["other"] = b"x"
    with db.transaction() as tx:
        tx["k"] = b"2"
        db["k"] = b"3"
    assert dict(db) == {b"k": b"2"}


def test_a_key_that_expires_meanwhile_is_a_conflict(db: kvark.Store) -> None:
    db.set("k", b"1", ttl=0.03)
    with pytest.raises(kvark.TransactionConflict), db.transaction() as tx:  # noqa: PT012
        assert tx["k"] == b"1"
        tx["copy"] = tx["k"]
        time.sleep(0.05)
    assert "copy" not in db
    assert "k" not in db


def test_deadlines_are_part_of_it(db: kvark.Store) -> None:
    db.set("k", b"1", ttl=100)
    with db.transaction() as tx:
        assert 99 < (tx.ttl("k") or 0) <= 100
        assert tx.set("k", b"2", keep_ttl=True)
        assert tx.set("brief", b"x", ttl=0.01)
        assert tx.expire("k", 50)
        assert 49 < (tx.ttl("k") or 0) <= 50
        assert not tx.expire("missing", 5)
        assert not tx.set("k", b"3", nx=True)
        assert not tx.set("missing", b"3", xx=True)
        assert tx.persist("k")
        assert not tx.persist("k")
        assert tx.ttl("k") is None
        tx.expire("k", 70)
        with pytest.raises(KeyError):
            tx.ttl("missing")
        time.sleep(0.02)
        assert "brief" not in tx
    assert list(db) == [b"k"]
    assert 69 < (db.ttl("k") or 0) <= 70


def test_other_types_can_be_removed_and_not_read(db: kvark.Store) -> None:
    db.execute("RPUSH", "list", "x")
    with db.transaction() as tx:
        with pytest.raises(kvark.WrongType):
            tx.get("list")
        assert "list" in tx
        assert tx.delete("list")
    assert len(db) == 0


def test_bad_arguments_are_refused_before_anything_is_written(db: kvark.Store) -> None:
    with db.transaction() as tx:
        tx["text"] = b"x"
        for call in (lambda: tx.get(1), lambda: tx.set("k", "text"), lambda: tx.incr("text")):
            with pytest.raises((TypeError, kvark.InvalidInput)):
                call()
        with pytest.raises(kvark.InvalidInput):
            tx.incr("n", 1 << 63)
    assert dict(db) == {b"text": b"x"}
    with pytest.raises(kvark.InvalidInput), db.transaction() as tx:  # noqa: PT012
        tx["a"] = b"1"
        tx["k" * 65_001] = b"1"
    assert "a" not in db


def test_a_transactional_function_is_tried_again(db: kvark.Store) -> None:
    @db.transactional
    def add(tx: kvark.Transaction, key: str, by: int = 1) -> int:
        total = int(tx.get(key, b"0")) + by
        tx[key] = b"%d" % total
        return total

    threads = [threading.Thread(target=lambda: [add("n") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db["n"] == b"200"
    assert add("n", by=5) == 205
    assert add.__name__ == "add"


def test_the_number_of_attempts_is_bounded(db: kvark.Store) -> None:
    tried = []

    @db.transactional(attempts=3)
    def hopeless(tx: kvark.Transaction) -> None:
        tx.get("k")
        db.incr("k")
        tried.append(1)

    with pytest.raises(kvark.TransactionConflict):
        hopeless()
    assert len(tried) == 3
    with pytest.raises(kvark.InvalidInput):
        db.transactional(attempts=0)(hopeless)


def test_it_survives_a_restart_as_a_whole(tmp_path: Path) -> None:
    with kvark.open(tmp_path / "store") as db:
        with db.transaction() as tx:
            for number in range(100):
                tx[f"k{number}"] = b"x" * number
        before = dict(db)
    with kvark.open(tmp_path / "store") as db:
        assert dict(db) == before
        assert len(before) == 100


@pytest.mark.parametrize("durability", ["memory", "disk"])
def test_the_async_twin(tmp_path: Path, durability: str) -> None:
    async def run() -> None:
        async with kvark.aopen(tmp_path / "store", durability=durability) as db:  # type: ignore[arg-type]
            async with db.transaction() as tx:
                assert await tx.set("a", b"1")
                assert await tx.get("a") == b"1"
                assert await tx.incr("a") == 2
                assert await db.get("a") is None
                assert await tx.exists("a")
            assert await db.get("a") == b"2"
            with pytest.raises(kvark.TransactionConflict):  # noqa: PT012
                async with db.transaction() as tx:
                    await tx.get("a")
                    await db.incr("a")

            @db.transactional
            async def add(tx: kvark.AsyncTransaction, by: int) -> int:
                total = int(await tx.get("n", b"0")) + by
                await asyncio.sleep(0)
                await tx.set("n", b"%d" % total)
                return total

            await asyncio.gather(*(add(1) for _ in range(10)))
            assert await db.get("n") == b"10"

    asyncio.run(run())
