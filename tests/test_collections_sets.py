"""A set in the store against Python's own."""

from __future__ import annotations

from collections.abc import Iterator, MutableSet

import kvark
import pytest
from collections_models import STEPS, VALUES, InMemory, outcome
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

MEMBERS = st.sets(VALUES, max_size=6)
# Numbers (intset), few (packed), many.
BEGINNINGS = st.sampled_from(
    [set(), {b"%d" % number for number in range(20)}, {b"a", b"b"}, {b"m%d" % number for number in range(700)}]
)


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


class SetAgainstSet(InMemory):
    @initialize(beginning=BEGINNINGS)
    def begin(self, beginning: set[bytes]) -> None:
        self.model = set(beginning)
        self.members = self.db.sets["members"]
        self.members |= beginning

    def other(self, members: set[bytes], stored: bool) -> set[bytes] | kvark.Set[bytes]:
        if not stored:
            return members
        self.db.sets["other"] = members
        return self.db.sets["other"]

    @rule(member=VALUES)
    def add(self, member: bytes) -> None:
        self.members.add(member)
        self.model.add(member)

    @rule(member=VALUES)
    def remove(self, member: bytes) -> None:
        assert (member in self.members) == (member in self.model)
        assert outcome(self.members.remove, member) == outcome(self.model.remove, member)
        self.members.discard(member)

    @rule(members=MEMBERS, stored=st.booleans(), kind=st.sampled_from("|&-^"))
    def change(self, members: set[bytes], stored: bool, kind: str) -> None:
        other = self.other(members, stored)
        match kind:
            case "|":
                self.members |= other
                self.model |= members
            case "&":
                self.members &= other
                self.model &= members
            case "-":
                self.members -= other
                self.model -= members
            case "^":
                self.members ^= other
                self.model ^= members

    @rule(members=MEMBERS, stored=st.booleans())
    def look(self, members: set[bytes], stored: bool) -> None:
        held, other = self.members, self.other(members, stored)
        assert held | other == self.model | members
        assert held & other == self.model & members
        assert held - other == self.model - members
        assert held ^ other == self.model ^ members
        assert held.isdisjoint(other) == self.model.isdisjoint(members)
        assert (held <= other) == (self.model <= members)
        assert (held >= other) == (self.model >= members)
        assert (held < other) == (self.model < members)
        assert (held == other) == (self.model == members)
        assert members - held == members - self.model

    @rule(members=MEMBERS)
    def look_inside_the_store(self, members: set[bytes]) -> None:
        self.db.sets["other"] = members
        other = self.db.sets["other"]
        for leave, expected in [
            (self.members.union_into, self.model | members),
            (self.members.intersection_into, self.model & members),
            (self.members.difference_into, self.model - members),
        ]:
            assert leave("result", other) == len(expected)
            assert self.db.sets["result"] == expected
        assert self.members.intersection_len(other) == len(self.model & members)
        assert self.members.intersection_len(other, limit=1) == min(1, len(self.model & members))

    @rule(members=st.lists(VALUES, max_size=5))
    def many(self, members: list[bytes]) -> None:
        assert self.members.contains_many(members) == [member in self.model for member in members]
        assert self.members.remove_many(members) == len(self.model & set(members))
        assert self.members.add_many(members) == len(set(members))
        self.model |= set(members)

    @rule()
    def pop(self) -> None:
        if self.model:
            self.model.remove(self.members.pop())
        else:
            assert outcome(self.members.pop) is KeyError

    @rule(count=st.integers(0, 5))
    def chance(self, count: int) -> None:
        found = self.members.random_many(count)
        assert len(found) == len(set(found)) == min(count, len(self.model))
        assert set(found) <= self.model
        self.model -= set(self.members.pop_many(count))

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "members"):
            assert len(self.members) == len(self.model)
            assert self.members.to_set() == self.model
            assert sorted(self.members) == sorted(self.model)
            assert self.members == self.model


TestSetAgainstSet = SetAgainstSet.TestCase
TestSetAgainstSet.settings = STEPS


def test_it_is_a_mutable_set(db: kvark.Store) -> None:
    tags = db.sets(codec="str")["tags"]
    assert isinstance(tags, MutableSet)
    assert tags.random() is None
    tags.update(["a"], {"b"}, db.sets(codec="str")["nobody"])
    assert tags == {"a", "b"}
    assert tags != {"a"}
    assert 7 not in tags
    tags.discard(7)  # type: ignore[arg-type]
    assert tags.random() in ("a", "b")
    assert len(tags.random_many(5, repeat=True)) == 5
    assert tags.move_to("other", "a") is True
    assert tags.move_to(db.sets["other"], "a") is False
    assert db.sets["other"] == {b"a"}
    with pytest.raises(KeyError, match="'q'"):
        tags.remove("q")
    with pytest.raises(TypeError):
        tags | ["a"]
    db.sets["tags"] = {"x"}
    db.sets["tags"] |= {"y"}
    assert tags == {"x", "y"}


def test_sets_of_two_stores_and_of_two_codecs(db: kvark.Store) -> None:
    db.sets["a"] = {"1", "2"}
    with kvark.open(":memory:") as second:
        second.sets["a"] = {"2", "3"}
        assert db.sets["a"] & second.sets["a"] == {b"2"}
        db.sets["a"] |= second.sets["a"]
    assert db.sets["a"] == {b"1", b"2", b"3"}
    assert db.sets(codec="json")["a"] & {1, 7} == {1}
    assert db.sets["a"] & db.sets(codec="str")["a"] == set()


def test_members_expire_on_their_own(db: kvark.Store) -> None:
    tags = db.sets["tags"]
    tags |= {"a", "b"}
    assert tags.expire_members(50, "a", "nobody") == 1
    assert 49 < (tags.member_ttl("a") or 0) <= 50
    assert tags.member_ttl("b") is None
    assert tags.persist_members("a", "b") == 1
    assert tags.member_ttl("a") is None
    with pytest.raises(KeyError):
        tags.member_ttl("nobody")
    assert tags.expire_members(50) == 0
