"""A sorted set in the store against a dict that is sorted for each look."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

import kvark
import pytest
from collections_models import SIZES, STEPS, VALUES, InMemory, outcome
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

SCORES = st.integers(-4, 4).map(float) | st.sampled_from([0.5, 1e300, float("inf"), float("-inf")])
ENDS = st.none() | st.integers(-8, 8)
CLOSED = st.sampled_from(["both", "low", "high", "neither"])


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


class ZsetAgainstDict(InMemory):
    @initialize(size=SIZES)
    def begin(self, size: int) -> None:
        self.model = {b"m%d" % number: float(number % 7) for number in range(size)}
        self.scores = self.db.zsets["scores"]
        self.scores.update(self.model)

    def ordered(self) -> list[tuple[bytes, float]]:
        return sorted(self.model.items(), key=lambda pair: (pair[1], pair[0]))

    @rule(member=VALUES, score=SCORES)
    def put(self, member: bytes, score: float) -> None:
        self.scores[member] = score
        self.model[member] = score

    @rule(member=VALUES, score=SCORES, when=st.sampled_from(["gt", "lt"]))
    def put_on_condition(self, member: bytes, score: float, when: str) -> None:
        held = self.model.get(member)
        changed = held is None or (score > held if when == "gt" else score < held)
        assert self.scores.add(member, score, when=when) == changed  # type: ignore[arg-type]
        if changed:
            self.model[member] = score

    @rule(member=VALUES)
    def delete(self, member: bytes) -> None:
        assert outcome(self.scores.__getitem__, member) == outcome(self.model.__getitem__, member)
        assert outcome(self.scores.pop, member) == outcome(self.model.pop, member)
        assert outcome(self.scores.__delitem__, member) is KeyError

    @rule(member=VALUES, by=st.integers(-3, 3))
    def increment(self, member: bytes, by: int) -> None:
        total = self.model.get(member, 0.0) + by
        assert self.scores.increment(member, by) == total
        self.model[member] = total

    @rule(start=ENDS, stop=ENDS, reverse=st.booleans())
    def look_by_rank(self, start: int | None, stop: int | None, reverse: bool) -> None:
        ordered = self.ordered()[:: -1 if reverse else 1]
        assert self.scores.range(start, stop, reverse=reverse) == ordered[start:stop]
        for member, _ in ordered[start:stop]:
            assert ordered[self.scores.rank(member, reverse=reverse)][0] == member

    @rule(low=SCORES, high=SCORES, closed=CLOSED, reverse=st.booleans(), limit=st.none() | st.integers(0, 5))
    def look_by_score(self, low: float, high: float, closed: str, reverse: bool, limit: int | None) -> None:
        inside = [pair for pair in self.ordered() if within(pair[1], low, high, closed)]
        found = self.scores.by_score(low, high, closed=closed, reverse=reverse, limit=limit)  # type: ignore[arg-type]
        assert found == inside[:: -1 if reverse else 1][:limit]
        assert self.scores.count(low, high, closed=closed) == len(inside)  # type: ignore[arg-type]

    @rule(low=SCORES, high=SCORES)
    def remove_by_score(self, low: float, high: float) -> None:
        gone = [member for member, score in self.model.items() if low <= score < high]
        assert self.scores.remove_by_score(low, high, closed="low") == len(gone)
        for member in gone:
            del self.model[member]

    @rule(start=st.integers(-3, 3), stop=st.integers(-3, 3))
    def remove_by_rank(self, start: int, stop: int) -> None:
        gone = self.ordered()[start:stop]
        assert self.scores.remove_range(start, stop) == len(gone)
        for member, _ in gone:
            del self.model[member]

    @rule(highest=st.booleans(), count=st.integers(0, 4))
    def take(self, highest: bool, count: int) -> None:
        taken = self.ordered()[:: -1 if highest else 1][:count]
        assert self.scores.pop_many(count, highest=highest) == taken
        for member, _ in taken:
            del self.model[member]
        ends = self.ordered()
        assert outcome(self.scores.pop_max) == (ends[-1] if ends else KeyError)
        self.model = dict(ends[:-1])

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "scores"):
            ordered = self.ordered()
            assert len(self.scores) == len(self.model)
            assert list(self.scores.items()) == self.scores.range() == ordered
            assert list(self.scores) == [member for member, _ in ordered]
            assert list(reversed(self.scores)) == [member for member, _ in reversed(ordered)]
            assert self.scores == self.model
            assert sorted(self.scores.scan()) == sorted(ordered)


def within(score: float, low: float, high: float, closed: str) -> bool:
    above = score >= low if closed in ("both", "low") else score > low
    below = score <= high if closed in ("both", "high") else score < high
    return above and below


TestZsetAgainstDict = ZsetAgainstDict.TestCase
TestZsetAgainstDict.settings = STEPS


def test_it_is_a_mutable_mapping(db: kvark.Store) -> None:
    players = db.zsets(codec="str")["players"]
    assert isinstance(players, MutableMapping)
    players.update({"ada": 3}, linus=1)
    assert (players["ada"], players.get("x"), players.get("x", 7), "ada" in players) == (3.0, None, 7, True)
    assert players.setdefault("ada", 9) == 3.0
    assert players.setdefault("grace", 2) == 2.0
    assert players.get_many(["ada", "x"]) == [3.0, None]
    assert 2.0 in players.values()
    assert 7.0 not in players.values()
    assert ("ada", 3.0) in players.items()
    assert players.delete("x", "grace") == 1
    assert players.add("ada", 4, only="nx") is False
    assert players.popitem() == ("ada", 3.0)
    assert players.pop_min() == ("linus", 1.0)
    with pytest.raises(KeyError):
        players.pop_min()
    with pytest.raises(KeyError):
        players.rank("ada")
    with pytest.raises(kvark.InvalidInput):
        players.add("ada", float("nan"))
    db.zsets["players"] = {"x": 1}
    assert players == {"x": 1.0}


def test_members_in_byte_order(db: kvark.Store) -> None:
    words = db.zsets(codec="str")["words"]
    words.add_many(dict.fromkeys("abcdef", 0.0))
    assert words.by_member("b", "d") == ["b", "c", "d"]
    assert words.by_member("b", "d", closed="neither") == ["c"]
    assert words.by_member("e") == ["e", "f"]
    assert words.by_member(reverse=True, offset=1, limit=2) == ["e", "d"]
    assert words.count_members("b", closed="high") == 4
    assert words.remove_by_member("c", "e", closed="low") == 2
    assert list(words) == ["a", "b", "e", "f"]


def test_algebra(db: kvark.Store) -> None:
    a, b = db.zsets(codec="str")["a"], db.zsets(codec="str")["b"]
    a.update(x=1, y=2)
    b.update(y=3, z=4)
    assert a.union(b) == [("x", 1.0), ("z", 4.0), ("y", 5.0)]
    assert a.union("b", weights=[2, 1], aggregate="max") == [("x", 2.0), ("y", 4.0), ("z", 4.0)]
    assert a.intersection(b, aggregate="min") == [("y", 2.0)]
    assert a.difference(b) == [("x", 1.0)]
    assert a.intersection_len(b) == 1
    assert a.union_into("c", b) == 3
    assert a.intersection_into("c", b, weights=[1, 10]) == 1
    assert db.zsets["c"] == {b"y": 32.0}
    assert a.difference_into("c", b) == 1
    assert b.range_into("c", 0, 1) == 1
    assert db.zsets["c"] == {b"y": 3.0}
    assert b.by_score_into("c", 3, 4, closed="high") == 1
    assert db.zsets["c"] == {b"z": 4.0}


def test_chance_and_the_first_that_is_not_empty(db: kvark.Store) -> None:
    a = db.zsets["a"]
    assert a.random() is None
    assert a.random_many(3) == []
    a.update(x=1, y=2)
    assert a.random() in (b"x", b"y")
    assert sorted(a.random_many(5)) == [(b"x", 1.0), (b"y", 2.0)]
    assert len(a.random_many(5, repeat=True)) == 5
    assert db.zsets.pop_any("nobody", a, highest=True) == (b"a", [(b"y", 2.0)])
    assert db.zsets.pop_any("nobody") is None


def test_members_expire_on_their_own(db: kvark.Store) -> None:
    a = db.zsets["a"]
    a.update(x=1, y=2)
    assert a.expire_members(50, "x", "nobody") == 1
    assert 49 < (a.member_ttl("x") or 0) <= 50
    assert a.member_ttl("y") is None
    assert a.persist_members("x", "y") == 1
    with pytest.raises(KeyError):
        a.member_ttl("nobody")
