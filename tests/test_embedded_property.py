"""A store against a model: whatever is done, in whatever order, also across closing and opening."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import kvark
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from live import LONG

KEYS = st.one_of(st.sampled_from([b"", b"a", b"ab", b"b", b"\xff", b"\xff\xff"]), st.binary(max_size=6))
VALUES = st.one_of(st.binary(max_size=40), st.integers(-(10**20), 10**20).map(lambda number: str(number).encode()))


class StoreAgainstDict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kvark-property-"))
        self.db = kvark.open(self.folder / "store", shards=4)
        self.model: dict[bytes, bytes] = {}

    def teardown(self) -> None:
        self.db.close()
        shutil.rmtree(self.folder)

    @rule(key=KEYS, value=VALUES)
    def set_item(self, key: bytes, value: bytes) -> None:
        self.db[key] = value
        self.model[key] = value

    @rule(key=KEYS, value=VALUES, nx=st.booleans(), get=st.booleans())
    def set_on_condition(self, key: bytes, value: bytes, nx: bool, get: bool) -> None:
        before = self.model.get(key)
        written = (before is None) == nx
        assert self.db.set(key, value, nx=nx, xx=not nx, get=get) == (before if get else written)  # type: ignore[call-overload]
        if written:
            self.model[key] = value

    @rule(pairs=st.lists(st.tuples(KEYS, VALUES), max_size=10))
    def set_many(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.db.set_many(pairs)
        self.model.update(pairs)

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        assert self.db.delete(key) == (self.model.pop(key, None) is not None)

    @rule(key=KEYS)
    def pop(self, key: bytes) -> None:
        assert self.db.pop(key, None) == self.model.pop(key, None)

    @rule(keys=st.lists(KEYS, max_size=6))
    def delete_many(self, keys: list[bytes]) -> None:
        assert self.db.delete_many(keys) == len({key for key in keys if self.model.pop(key, None) is not None})

    @rule(key=st.sampled_from([b"n1", b"n2"]), by=st.integers(-1000, 1000))
    def incr(self, key: bytes, by: int) -> None:
        sum_of = int(self.model.get(key, b"0")) + by
        assert self.db.incr(key, by) == sum_of
        self.model[key] = str(sum_of).encode()

    @rule(
        prefix=st.none() | KEYS,
        start=st.none() | KEYS,
        stop=st.none() | KEYS,
        reverse=st.booleans(),
        limit=st.none() | st.integers(0, 5),
    )
    def scan(
        self, prefix: bytes | None, start: bytes | None, stop: bytes | None, reverse: bool, limit: int | None
    ) -> None:
        inside = [
            key
            for key in sorted(self.model, reverse=reverse)
            if key.startswith(prefix or b"") and (start is None or key >= start) and (stop is None or key < stop)
        ]
        found = self.db.scan(prefix=prefix, start=start, stop=stop, reverse=reverse, limit=limit)
        assert list(found) == [(key, self.model[key]) for key in inside[:limit]]

    @rule(checkpoint=st.booleans())
    def reopen(self, checkpoint: bool) -> None:
        if checkpoint:
            self.db.checkpoint()
        self.db.close()
        self.db = kvark.open(self.folder / "store")

    @rule()
    def clear(self) -> None:
        self.db.clear()
        self.model.clear()

    @invariant()
    def they_agree(self) -> None:
        assert len(self.db) == len(self.model)
        assert list(self.db.items()) == sorted(self.model.items())


TestStoreAgainstDict = StoreAgainstDict.TestCase
TestStoreAgainstDict.settings = settings(
    max_examples=400 if LONG else 25, stateful_step_count=40 if LONG else 25, deadline=None
)
