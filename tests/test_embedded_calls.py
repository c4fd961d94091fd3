"""The calls of a store that a `dict` does not have, and the arguments that none of them takes."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import kvark
import pytest


@pytest.fixture(params=["memory", "os", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[kvark.Store]:
    path = ":memory:" if request.param == "memory" else tmp_path / "store"
    with kvark.open(path, durability=request.param) as store:
        yield store


def test_set_tells_whether_it_did(db: kvark.Store) -> None:
    assert db.set("a", b"1") is True
    assert db.set("a", b"2", nx=True) is False
    assert db.set("b", b"2", xx=True) is False
    assert db.set("a", b"3", xx=True) is True
    assert db.set("b", b"4", nx=True) is True
    assert dict(db) == {b"a": b"3", b"b": b"4"}


def test_set_with_get_returns_the_value_before(db: kvark.Store) -> None:
    assert db.set("a", b"1", get=True) is None
    assert db.set("a", b"2", get=True) == b"1"
    assert db.set("a", b"3", nx=True, get=True) == b"2"
    assert db.set("b", b"3", xx=True, get=True) is None
    assert dict(db) == {b"a": b"2"}


def test_a_key_expires(db: kvark.Store) -> None:
    db.set("a", b"1", ttl=0.05)
    db.set("b", b"1", ttl=timedelta(hours=1))
    assert db["a"] == b"1"
    time.sleep(0.06)
    assert db.get("a") is None
    assert "a" not in db
    assert list(db) == [b"b"]
    assert db.pop("a", None) is None
    assert 3590 < (db.ttl("b") or 0) <= 3600


def test_ttl_of_a_key_without_one_and_of_no_key(db: kvark.Store) -> None:
    db["a"] = b"1"
    assert db.ttl("a") is None
    with pytest.raises(KeyError, match="nobody"):
        db.ttl("nobody")


def test_a_plain_set_ends_a_ttl_and_keep_ttl_keeps_it(db: kvark.Store) -> None:
    db.set("a", b"1", ttl=100)
    db.set("a", b"2", keep_ttl=True)
    assert 90 < (db.ttl("a") or 0) <= 100
    db["a"] = b"3"
    assert db.ttl("a") is None


def test_expire_and_persist(db: kvark.Store) -> None:
    db["a"] = b"1"
    assert db.persist("a") is False
    assert db.expire("a", 50) is True
    assert 40 < (db.ttl("a") or 0) <= 50
    assert db.persist("a") is True
    assert db.ttl("a") is None
    assert db.expire("nobody", 50) is False
    assert db.persist("nobody") is False
    db.expire("a", 0.01)
    time.sleep(0.02)
    assert "a" not in db


@pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf, 1e12, timedelta(0)])
def test_a_ttl_that_makes_no_sense_changes_nothing(db: kvark.Store, ttl: float) -> None:
    db["a"] = b"1"
    with pytest.raises(ValueError, match="ttl"):
        db.set("a", b"2", ttl=ttl)
    with pytest.raises(ValueError, match="ttl"):
        db.expire("a", ttl)
    with pytest.raises(ValueError, match="ttl"):
        db.set_many({"a": b"2"}, ttl=ttl)
    assert (db["a"], db.ttl("a")) == (b"1", None)


def test_options_that_exclude_each_other(db: kvark.Store) -> None:
    with pytest.raises(ValueError, match=r"nx .* and xx"):
        db.set("a", b"1", nx=True, xx=True)
    with pytest.raises(ValueError, match="ttl and keep_ttl"):
        db.set("a", b"1", ttl=1, keep_ttl=True)
    assert not db


def test_delete_tells_whether_it_was_there(db: kvark.Store) -> None:
    db["a"] = b"1"
    assert (db.delete("a"), db.delete("a")) == (True, False)


def test_incr_counts(db: kvark.Store) -> None:
    assert (db.incr("n"), db.incr("n", 41), db.incr("n", -100)) == (1, 42, -58)
    assert db["n"] == b"-58"
    db["text"] = b"ten"
    with pytest.raises(kvark.InvalidInput, match="not an integer"):
        db.incr("text")
    db["most"] = str(2**63 - 1).encode()
    with pytest.raises(kvark.InvalidInput, match="overflow"):
        db.incr("most")
    with pytest.raises(OverflowError):
        db.incr("n", 2**63)


def test_many_keys_at_a_time(db: kvark.Store) -> None:
    pairs = {f"k{number:04d}": b"%d" % number for number in range(1500)}
    db.set_many(pairs)
    assert len(db) == 1500
    assert db.get_many(["k0000", b"k1499", "nobody", "k0000"]) == [b"0", b"1499", None, b"0"]
    assert db.get_many(iter(pairs)) == list(pairs.values())
    assert db.delete_many(["k0000", b"k0000", "nobody", "k0001"]) == 2
    assert db.delete_many(key for key in pairs) == 1498
    assert db.get_many([]) == []
    db.set_many([])
    assert db.delete_many([]) == 0


def test_set_many_takes_mappings_and_pairs(db: kvark.Store) -> None:
    db.set_many([("a", b"1"), ("a", b"2"), (b"b", bytearray(b"3"))])
    with kvark.open(":memory:") as other:
        other.set_many(db)
        assert dict(other) == {b"a": b"2", b"b": b"3"}
    db.set_many({"t": b"1"}, ttl=50)
    assert 40 < (db.ttl("t") or 0) <= 50


def test_set_many_with_one_wrong_pair_sets_nothing(db: kvark.Store) -> None:
    wrong: list[Any] = [
        [("a", b"1"), ("b", "text")],
        [("a", b"1"), (7, b"2")],
        [("a", b"1"), ("b",)],
        {"a": b"1", "b": None},
    ]
    for pairs in wrong:
        with pytest.raises((TypeError, ValueError)):
            db.set_many(pairs)
    assert not db


def test_a_value_is_anything_with_a_buffer(db: kvark.Store) -> None:
    changing = bytearray(b"before")
    db["a"] = changing
    changing[:] = b"after!"
    db["b"] = memoryview(b"0123456789")[2:8:2]
    db["c"] = array("H", [1, 2])  # type: ignore[assignment]
    assert (db["a"], db["b"], db["c"]) == (b"before", b"246", array("H", [1, 2]).tobytes())


CALLS: list[Callable[[kvark.Store, Any], object]] = [
    lambda db, key: db[key],
    lambda db, key: db.__setitem__(key, b""),
    lambda db, key: db.__delitem__(key),
    lambda db, key: key in db,
    lambda db, key: db.get(key),
    lambda db, key: db.set(key, b""),
    lambda db, key: db.delete(key),
    lambda db, key: db.pop(key),
    lambda db, key: db.incr(key),
    lambda db, key: db.ttl(key),
    lambda db, key: db.expire(key, 1),
    lambda db, key: db.persist(key),
    lambda db, key: db.get_many([key]),
    lambda db, key: db.set_many([(key, b"")]),
    lambda db, key: db.delete_many([key]),
    lambda db, key: db.scan(start=key) if key is not None else db[key],
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", [None, 7, bytearray(b"a"), ("a",)])
def test_a_key_of_another_type_is_a_type_error(db: kvark.Store, call: Callable[..., object], key: object) -> None:
    with pytest.raises(TypeError, match="a key is str or bytes, not"):
        call(db, key)
    assert not db


def test_a_value_of_another_type_says_what_to_do(db: kvark.Store) -> None:
    with pytest.raises(TypeError, match=r"value\.encode\(\)"):
        db["a"] = "text"  # type: ignore[assignment]
    for value in (7, None, ["a"], {"a": 1}):
        with pytest.raises(TypeError, match=r"json\.dumps"):
            db["a"] = value  # type: ignore[assignment]
    assert not db


def test_text_without_utf8_is_a_value_error(db: kvark.Store) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        db["\ud800"] = b"1"


def test_limits_are_told_with_their_numbers(db: kvark.Store) -> None:
    db["k" * 65_000] = b"1"
    with pytest.raises(kvark.InvalidInput, match=r"65001 .* 65000"):
        db["k" * 65_001] = b"1"
    with pytest.raises(kvark.InvalidInput, match="65000"):
        db.set_many({"a": b"1", "k" * 65_001: b"1"})
    assert len(db) == 1


def test_stats_are_numbers_by_section(db: kvark.Store) -> None:
    db.update(a=b"1", b=b"2")
    stats = db.stats()
    assert any("keys=2" in str(value) for value in stats["keyspace"].values())
