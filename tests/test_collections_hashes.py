"""A hash in the store against a dict."""

from __future__ import annotations

import time
from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView

import kvark
import pytest
from collections_models import SIZES, STEPS, VALUES, InMemory, outcome
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

PAIRS = st.lists(st.tuples(VALUES, VALUES), max_size=5)


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


class HashAgainstDict(InMemory):
    @initialize(size=SIZES)
    def begin(self, size: int) -> None:
        self.model = {b"f%d" % number: b"%d" % number for number in range(size)}
        self.fields = self.db.hashes["fields"]
        self.fields.update(self.model)

    @rule(field=VALUES, value=VALUES)
    def put(self, field: bytes, value: bytes) -> None:
        self.fields[field] = value
        self.model[field] = value

    @rule(field=VALUES, value=VALUES, nx=st.booleans())
    def put_on_condition(self, field: bytes, value: bytes, nx: bool) -> None:
        written = (field in self.model) != nx
        assert self.fields.set(field, value, nx=nx, xx=not nx) == written
        if written:
            self.model[field] = value

    @rule(pairs=PAIRS)
    def update(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.fields.update(pairs)
        self.model.update(pairs)

    @rule(field=VALUES)
    def delete(self, field: bytes) -> None:
        assert outcome(self.fields.__delitem__, field) == outcome(self.model.__delitem__, field)

    @rule(field=VALUES, default=VALUES)
    def pop(self, field: bytes, default: bytes) -> None:
        assert self.fields.pop(field, default) == self.model.pop(field, default)
        assert outcome(self.fields.pop, field) == outcome(self.model.pop, field)

    @rule(field=VALUES, default=VALUES)
    def setdefault(self, field: bytes, default: bytes) -> None:
        assert self.fields.setdefault(field, default) == self.model.setdefault(field, default)

    @rule(fields=st.lists(VALUES, max_size=5))
    def many(self, fields: list[bytes]) -> None:
        assert self.fields.get_many(fields) == [self.model.get(field) for field in fields]
        assert self.fields.delete(*fields) == len({each for each in fields if self.model.pop(each, None) is not None})

    @rule()
    def popitem(self) -> None:
        if self.model:
            field, value = self.fields.popitem()
            assert self.model.pop(field) == value
        else:
            assert outcome(self.fields.popitem) is KeyError

    @rule()
    def clear(self) -> None:
        self.fields.clear()
        self.model.clear()

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "fields"):
            assert len(self.fields) == len(self.model)
            assert self.fields == self.model
            assert sorted(self.fields) == sorted(self.model)
            assert sorted(self.fields.items()) == sorted(self.model.items())
            assert sorted(self.fields.values()) == sorted(self.model.values())


TestHashAgainstDict = HashAgainstDict.TestCase
TestHashAgainstDict.settings = STEPS


def test_it_is_a_mutable_mapping(db: kvark.Store) -> None:
    ada = db.hashes["user:1"]
    assert isinstance(ada, MutableMapping)
    ada["name"] = "ada"
    ada.update({"a": b"1"}, b="2")
    assert (ada["name"], ada.get("x"), ada.get("x", 7), "a" in ada, 7 in ada) == (b"ada", None, 7, True, False)
    assert isinstance(ada.keys(), KeysView)
    assert isinstance(ada.items(), ItemsView)
    assert isinstance(ada.values(), ValuesView)
    assert (b"a", b"1") in ada.items()
    assert b"2" in ada.values()
    assert ada.keys() & {b"a", b"z"} == {b"a"}
    assert dict(ada) == ada.to_dict() == ada
    with pytest.raises(KeyError, match="nobody"):
        ada["nobody"]
    db.hashes["user:1"] = {"only": "this"}
    assert ada == {b"only": b"this"}


def test_numbers(db: kvark.Store) -> None:
    counts = db.hashes["counts"]
    assert counts.increment("n") == 1
    assert counts.increment("n", -5) == -4
    assert counts.increment("x", 0.5) == 0.5
    assert db.hashes(codec="json")["counts"]["n"] == -4
    counts["text"] = "many"
    with pytest.raises(ValueError, match="not an integer"):
        counts.increment("text")
    assert counts.field_size("text") == 4


def test_fields_expire_on_their_own(db: kvark.Store) -> None:
    ada = db.hashes["ada"]
    ada.update(a="1", b="2", c="3")
    assert ada.expire_fields(0.02, "a", "nobody") == 1
    assert ada.expire_fields(50, "b", only="xx") == 0
    assert ada.expire_fields(50, "b") == 1
    assert 49 < (ada.field_ttl("b") or 0) <= 50
    assert ada.field_ttl("c") is None
    assert ada.persist_fields("b", "c") == 1
    assert ada.field_ttl("b") is None
    with pytest.raises(KeyError):
        ada.field_ttl("nobody")
    with pytest.raises(KeyError):
        db.hashes["nobody"].field_ttl("a")
    deadline = time.monotonic() + 5
    while "a" in ada and time.monotonic() < deadline:
        time.sleep(0.005)
    assert ada == {b"b": b"2", b"c": b"3"}


def test_values_with_a_ttl(db: kvark.Store) -> None:
    ada = db.hashes["ada"]
    assert ada.set("a", "1", ttl=50) is True
    assert ada.set("a", "2", keep_ttl=True) is True
    assert ada.field_ttl("a") is not None
    assert ada.set("a", "3") is True
    assert ada.field_ttl("a") is None
    assert ada.get_expiring("a", 50) == b"3"
    assert ada.field_ttl("a") is not None
    assert ada.get_expiring("a", None) == b"3"
    assert ada.field_ttl("a") is None
    assert ada.get_expiring("nobody", None) is None
    ada.set_many({"b": "1"}, ttl=50)
    assert ada.field_ttl("b") is not None
    with pytest.raises(ValueError, match="ttl"):
        ada.set("a", "1", ttl=0)
    with pytest.raises(kvark.InvalidInput):
        ada.set("a", "1", nx=True, xx=True)


def test_chance(db: kvark.Store) -> None:
    ada = db.hashes(codec="str")["ada"]
    assert ada.random_field() is None
    assert ada.random_items(3) == []
    ada.update(a="1", b="2")
    assert ada.random_field() in (b"a", b"b")
    assert sorted(ada.random_items(5)) == [(b"a", "1"), (b"b", "2")]
    assert len(ada.random_items(5, repeat=True)) == 5


def test_another_type_is_refused(db: kvark.Store) -> None:
    db["text"] = b"many"
    with pytest.raises(kvark.WrongType):
        db.hashes["text"]["a"] = "b"
    with pytest.raises(kvark.WrongType):
        db.hashes["text"].clear()
    assert db["text"] == b"many"
