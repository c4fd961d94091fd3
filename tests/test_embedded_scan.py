"""Walks in key order: bounds, prefixes, direction, limits, and a store that changes meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import kvark
import pytest

KEYS = [
    b"",
    b"\0",
    b"a",
    b"a\0",
    b"aa",
    b"ab",
    b"b",
    b"b\xfe",
    b"b\xff",
    b"b\xff\0",
    b"b\xff\xff",
    b"c",
    b"\xff",
    b"\xff\xff",
]
EDGES = [None, *KEYS, b"0", b"b\xff\xff\xff", b"z"]


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        store.set_many({key: b"value of " + key for key in reversed(KEYS)})
        yield store


def keys_of(scan: Iterator[tuple[bytes, bytes]]) -> list[bytes]:
    pairs = list(scan)
    assert all(value == b"value of " + key for key, value in pairs)
    return [key for key, _ in pairs]


@pytest.mark.parametrize("reverse", [False, True])
def test_every_pair_of_bounds(db: kvark.Store, reverse: bool) -> None:
    for start, stop in itertools.product(EDGES, EDGES):
        expected = [key for key in KEYS if (start is None or key >= start) and (stop is None or key < stop)]
        found = keys_of(db.scan(start=start, stop=stop, reverse=reverse))
        assert found == (expected[::-1] if reverse else expected), (start, stop)


@pytest.mark.parametrize("reverse", [False, True])
def test_every_prefix_within_every_start(db: kvark.Store, reverse: bool) -> None:
    for prefix, edge in itertools.product(EDGES[1:], EDGES):
        beginning = [key for key in KEYS if key.startswith(prefix or b"")]
        above = [key for key in beginning if edge is None or key >= edge]
        below = [key for key in beginning if edge is None or key < edge]
        assert keys_of(db.scan(prefix=prefix, start=edge, reverse=reverse)) == (above[::-1] if reverse else above)
        assert keys_of(db.scan(prefix=prefix, stop=edge, reverse=reverse)) == (below[::-1] if reverse else below)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("limit", [0, 1, 31, 32, 33, 1000, 2999, 3000, 3001, None])
def test_limits_across_chunks(reverse: bool, limit: int | None) -> None:
    with kvark.open(":memory:") as db:
        keys = [b"%06d" % number for number in range(3000)]
        db.set_many(dict.fromkeys(keys, b""))
        expected = (keys[::-1] if reverse else keys)[:limit]
        assert [key for key, _ in db.scan(reverse=reverse, limit=limit)] == expected


def test_a_negative_limit_is_a_value_error(db: kvark.Store) -> None:
    with pytest.raises(ValueError, match="limit"):
        db.scan(limit=-1)


def test_a_walk_sees_every_key_that_stays_once_while_others_come_and_go() -> None:
    with kvark.open(":memory:") as db:
        staying = [b"s%05d" % number for number in range(3000)]
        db.set_many(dict.fromkeys(staying, b""))
        db.set_many({b"s%05d-gone" % number: b"" for number in range(3000)})
        seen = []
        for number, (key, _) in enumerate(db.scan()):
            seen.append(key)
            db.delete(b"s%05d-gone" % number)
            db[b"s%05d-new" % (number % 3000)] = b""
        assert [key for key in seen if len(key) == 6] == staying
        assert seen == sorted(set(seen))


def test_a_key_removed_ahead_of_the_walk_is_not_seen_with_an_old_value() -> None:
    with kvark.open(":memory:") as db:
        db.set_many({b"%05d" % number: b"old" for number in range(2000)})
        walk = db.scan()
        next(walk)
        db.set_many({b"%05d" % number: b"new" for number in range(1000, 2000)})
        late = [value for key, value in walk if key >= b"01000"]
        assert late == [b"new"] * 1000


def test_a_walk_may_be_left_and_outlive_its_variable() -> None:
    db = kvark.open(":memory:")
    db.set_many({b"%04d" % number: b"" for number in range(100)})
    walk = iter(db)
    assert next(walk) == b"0000"
    del db
    assert len(list(walk)) == 99


def test_a_walk_over_a_closed_store_says_so() -> None:
    db = kvark.open(":memory:")
    db.set_many({b"%04d" % number: b"" for number in range(1000)})
    walk = iter(db)
    next(walk)
    db.close()
    with pytest.raises(kvark.StoreClosed):
        list(walk)
    with pytest.raises(kvark.StoreClosed):
        db.scan()
