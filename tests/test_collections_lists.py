"""A list in the store against Python's own."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, MutableSequence
from typing import Any

import kvark
import pytest
from collections_models import SIZES, STEPS, VALUES, InMemory, outcome
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

INDEXES = st.integers(-6, 6) | st.integers(-700, 700)
ENDS = st.none() | INDEXES


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


class ListAgainstList(InMemory):
    @initialize(size=SIZES)
    def begin(self, size: int) -> None:
        self.model = [b"%d" % (number % 50) for number in range(size)]
        self.items = self.db.lists["items"]
        self.items.extend(self.model)

    @rule(values=st.lists(VALUES, max_size=4))
    def extend(self, values: list[bytes]) -> None:
        self.items += values
        self.model += values

    @rule(value=VALUES, left=st.booleans())
    def push(self, value: bytes, left: bool) -> None:
        (self.items.push_left if left else self.items.append)(value)
        self.model.insert(0 if left else len(self.model), value)

    @rule(index=INDEXES, value=VALUES)
    def insert(self, index: int, value: bytes) -> None:
        self.items.insert(index, value)
        self.model.insert(index, value)

    @rule(index=INDEXES)
    def pop(self, index: int) -> None:
        assert outcome(self.items.pop, index) == outcome(self.model.pop, index)

    @rule(index=INDEXES)
    def look(self, index: int) -> None:
        assert outcome(self.items.__getitem__, index) == outcome(self.model.__getitem__, index)

    @rule(index=INDEXES, value=VALUES)
    def put(self, index: int, value: bytes) -> None:
        assert outcome(self.items.__setitem__, index, value) == outcome(self.model.__setitem__, index, value)

    @rule(start=ENDS, stop=ENDS, step=st.sampled_from([None, 1, 2, 3, -1, -2]))
    def look_at_a_slice(self, start: int | None, stop: int | None, step: int | None) -> None:
        assert self.items[start:stop:step] == self.model[start:stop:step]

    @rule(start=ENDS, stop=ENDS, values=st.lists(VALUES, max_size=5))
    def put_a_slice(self, start: int | None, stop: int | None, values: list[bytes]) -> None:
        self.items[start:stop] = values
        self.model[start:stop] = values

    @rule(start=ENDS, stop=ENDS, step=st.sampled_from([2, -1, -3]), values=st.lists(VALUES, max_size=3))
    def put_an_extended_slice(self, start: int | None, stop: int | None, step: int, values: list[bytes]) -> None:
        place = slice(start, stop, step)
        assert outcome(self.items.__setitem__, place, values) == outcome(self.model.__setitem__, place, values)

    @rule(start=st.integers(-9, 9), stop=st.integers(-9, 9), step=st.sampled_from([None, 2, -1]))
    def delete_a_slice(self, start: int, stop: int, step: int | None) -> None:
        del self.items[start:stop:step]
        del self.model[start:stop:step]

    @rule(start=ENDS, stop=ENDS)
    def trim(self, start: int | None, stop: int | None) -> None:
        self.items.trim(start, stop)
        self.model = self.model[start:stop]

    @rule(value=VALUES)
    def remove(self, value: bytes) -> None:
        assert outcome(self.items.remove, value) == outcome(self.model.remove, value)

    @rule(value=VALUES, start=st.integers(-5, 5), stop=st.integers(-5, 800))
    def find(self, value: bytes, start: int, stop: int) -> None:
        assert outcome(self.items.index, value) == outcome(self.model.index, value)
        assert outcome(self.items.index, value, start, stop) == outcome(self.model.index, value, start, stop)
        assert self.items.count(value) == self.model.count(value)
        assert (value in self.items) == (value in self.model)

    @rule()
    def reverse(self) -> None:
        self.items.reverse()
        self.model.reverse()

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "items"):
            assert len(self.items) == len(self.model)
            assert list(self.items) == self.items.to_list() == self.model
            assert list(reversed(self.items)) == self.model[::-1]
            assert ("items" in self.db) == bool(self.model)


TestListAgainstList = ListAgainstList.TestCase
TestListAgainstList.settings = STEPS


def test_every_slice_of_a_short_list(db: kvark.Store) -> None:
    model, items, trimmed = [b"a", b"b", b"c"], db.lists["items"], db.lists["trimmed"]
    items[:] = model
    ends = [None, *range(-5, 6)]
    for start, stop in itertools.product(ends, ends):
        for step in (None, 1, 2, -1, -2):
            assert items[start:stop:step] == model[start:stop:step], (start, stop, step)
        trimmed[:] = model
        trimmed.trim(start, stop)
        assert trimmed == model[start:stop], (start, stop)


def test_it_is_a_mutable_sequence(db: kvark.Store) -> None:
    items = db.lists["items"]
    assert isinstance(items, MutableSequence)
    assert (list(items), len(items), bool(items), items == []) == ([], 0, False, True)
    assert "items" not in db
    items += ["a", b"b"]
    assert items == [b"a", b"b"] == db.lists[b"items"]
    assert items != [b"a"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(items)
    assert repr(items) == "<kvark.List b'items'>"


def test_beside_what_a_list_has(db: kvark.Store) -> None:
    items = db.lists["items"]
    assert items.push("a", existing=True) == 0
    assert items.push("a", "b", "c") == 3
    assert items.push_left("x", "y") == 5
    assert items.push_left("z", existing=True) == 6
    assert items.pop_many(2) == [b"c", b"b"]
    assert items.pop_many(2, end="left") == [b"z", b"y"]
    assert items.insert_before("a", "before") == 3
    assert items.insert_after("a", "after") == 4
    with pytest.raises(ValueError, match="'q' is not in list"):
        items.insert_after("q", "after")
    assert items == [b"x", b"before", b"a", b"after"]
    assert items.move_to("other") == b"after"
    assert items.move_to(db.lists["other"], take="left", put="right") == b"x"
    assert db.lists["other"] == [b"after", b"x"]
    assert db.lists["nobody"].move_to(items) is None
    assert items.get(7) is None
    assert items.get(0, b"?") == b"before"
    items[:] = "aba"
    assert items.remove_all("a") == 2
    assert db.lists.pop_any("nobody", items) == (b"items", [b"b"])
    assert db.lists.pop_any("nobody", items) is None


def test_another_type_is_refused_and_left_alone(db: kvark.Store) -> None:
    db["text"] = b"many"
    items = db.lists["text"]
    calls: list[Any] = [
        items.__len__,
        items.clear,
        items.to_list,
        items.pop,
        lambda: items.append("a"),
        lambda: items[0:0],
    ]
    for call in calls:
        with pytest.raises(kvark.WrongType):
            call()
    with pytest.raises(kvark.WrongType):
        db.lists["text"] = ["a"]
    assert db["text"] == b"many"


def test_errors_are_those_of_a_list(db: kvark.Store) -> None:
    items = db.lists["items"]
    with pytest.raises(IndexError, match="pop from empty list"):
        items.pop()
    with pytest.raises(IndexError):
        items[0]
    with pytest.raises(IndexError):
        items[0] = "a"
    with pytest.raises(TypeError, match="choose a codec"):
        items.append(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a key is str or bytes"):
        db.lists[7]  # type: ignore[index]
    items.append("a")
    assert 7 not in items
    assert items.count(7) == 0
    with pytest.raises(ValueError, match="7 is not in list"):
        items.index(7)


def test_families(db: kvark.Store) -> None:
    db.lists["a"] = ["x"]
    db["text"] = b"t"
    assert list(db.lists) == [b"a"]
    assert "a" in db.lists
    assert "text" not in db.lists
    with pytest.raises(KeyError):
        del db.lists["text"]
    db.lists["a"] += ["y"]
    assert db.lists["a"].expire(50) is True
    assert 49 < (db.lists["a"].ttl() or 0) <= 50
    assert db.lists["a"].persist() is True
    assert db.lists["a"].ttl() is None
    del db.lists["a"]
    assert list(db) == [b"text"]


def test_other_clients_settings_do_not_reach_the_collections(db: kvark.Store) -> None:
    assert db.execute("SELECT", 1) == "OK"
    db.lists["a"].append("x")
    assert "a" in db
    assert db.execute("EXISTS", "a") == 0


def test_threads_have_a_helper_each_and_lose_nothing(db: kvark.Store) -> None:
    def push() -> None:
        for number in range(200):
            db.lists["items"].append(str(number))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(db.lists(codec="json")["items"]) == sorted(list(range(200)) * 4)


def test_a_helper_that_was_killed_is_replaced(db: kvark.Store) -> None:
    db.lists["items"].append("a")
    assert db.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") == 1
    db.lists["items"].append("b")
    assert db.lists["items"] == [b"a", b"b"]
    assert db.execute("CLIENT", "LIST").count(b"laddr=") == 2


def test_a_closed_store_has_no_collections(db: kvark.Store) -> None:
    items = db.lists["items"]
    db.close()
    with pytest.raises(kvark.StoreClosed):
        items.append("a")
