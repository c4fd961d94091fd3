"""A store is a `MutableMapping`: what a `dict` does, a store does, with keys in byte order."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from pathlib import Path

import kvark
import pytest


@pytest.fixture(params=["memory", "os", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[kvark.Store]:
    path = ":memory:" if request.param == "memory" else tmp_path / "store"
    with kvark.open(path, durability=request.param) as store:
        yield store


def test_it_is_a_mutable_mapping(db: kvark.Store) -> None:
    assert isinstance(db, MutableMapping)
    assert isinstance(db, Mapping)
    with pytest.raises(TypeError, match="unhashable"):
        hash(db)


def test_items_come_and_go(db: kvark.Store) -> None:
    assert not db
    db["a"] = b"1"
    db[b"b"] = b"2"
    assert (db[b"a"], db["b"], len(db), bool(db)) == (b"1", b"2", 2, True)
    db["a"] = b"3"
    del db["b"]
    assert dict(db) == {b"a": b"3"}


def test_a_missing_key_is_a_key_error_that_names_it(db: kvark.Store) -> None:
    for look in (lambda: db["nobody"], lambda: db.__delitem__("nobody"), lambda: db.pop("nobody")):
        with pytest.raises(KeyError) as caught:
            look()
        assert caught.value.args == ("nobody",)


def test_get_has_a_default(db: kvark.Store) -> None:
    db["a"] = b""
    assert db.get("a", b"other") == b""
    assert db.get("b") is None
    assert db.get("b", 7) == 7


def test_text_and_its_utf8_are_one_key(db: kvark.Store) -> None:
    db["grüße"] = b"1"
    assert db["grüße".encode()] == b"1"
    assert "grüße" in db
    assert "grusse" not in db
    assert list(db) == ["grüße".encode()]


def test_empty_keys_and_values_and_zero_bytes_are_like_others(db: kvark.Store) -> None:
    db[""] = b""
    db[b"\0"] = b"\0" * 10_000
    db[b"\0\0"] = bytes(range(256))
    assert dict(db) == {b"": b"", b"\0": b"\0" * 10_000, b"\0\0": bytes(range(256))}


def test_digits_come_back_as_they_were_written(db: kvark.Store) -> None:
    texts = [b"0", b"-0", b"007", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"1 ", b"+1"]
    for text in texts:
        db[text] = text
    assert all(db[text] == text for text in texts)


def test_iteration_is_in_byte_order(db: kvark.Store) -> None:
    db.update({"b": b"2", "a": b"1", "c": b"3", "ä": b"4", "": b"0", "ab": b"5"})
    order = sorted([b"b", b"a", b"c", "ä".encode(), b"", b"ab"])
    assert list(db) == list(db.keys()) == order
    assert list(reversed(db)) == list(reversed(db.keys())) == order[::-1]
    assert list(db.values()) == [db[key] for key in order]
    assert list(reversed(db.values())) == [db[key] for key in reversed(order)]
    assert list(db.items()) == [(key, db[key]) for key in order]
    assert list(reversed(db.items())) == [(key, db[key]) for key in reversed(order)]


def test_views_follow_the_store_and_are_sets(db: kvark.Store) -> None:
    keys, values, items = db.keys(), db.values(), db.items()
    assert isinstance(keys, KeysView)
    assert isinstance(values, ValuesView)
    assert isinstance(items, ItemsView)
    db.update(a=b"1", b=b"2")
    assert (len(keys), len(values), len(items)) == (2, 2, 2)
    assert keys & {b"a", b"z"} == {b"a"}
    assert b"2" in values
    assert b"3" not in values
    assert (b"a", b"1") in items
    assert (b"a", b"2") not in items


def test_pop_and_popitem(db: kvark.Store) -> None:
    db.update(a=b"1", b=b"2", c=b"3")
    assert db.pop("a") == b"1"
    assert db.pop("a", None) is None
    assert db.popitem() == (b"c", b"3")
    assert db.popitem(last=False) == (b"b", b"2")
    with pytest.raises(KeyError):
        db.popitem()


def test_setdefault_and_update(db: kvark.Store) -> None:
    assert db.setdefault("a", b"1") == b"1"
    assert db.setdefault("a", b"2") == b"1"
    db.update([("b", b"2"), (b"c", b"3")], d=b"4")
    other = kvark.open(":memory:")
    other.update(db)
    assert other == db == {b"a": b"1", b"b": b"2", b"c": b"3", b"d": b"4"}
    other["a"] = b"5"
    assert other != db


def test_clear_leaves_nothing(db: kvark.Store) -> None:
    db.set_many({f"k{number}": b"v" for number in range(1000)})
    assert list(db.scan(limit=1))
    db.clear()
    assert (len(db), list(db), db.get("k1")) == (0, [], None)
    db["k1"] = b"again"
    assert list(db) == [b"k1"]
