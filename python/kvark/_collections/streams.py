"""Streams: entries of fields that are appended and read on, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from kvark._collections.entries import (
    Entry,
    References,
    decoded_entry,
    decoded_fields,
    id_range,
    id_words,
    named,
    trimming,
)
from kvark._collections.groups import Group, facts
from kvark._collections.handle import CHUNK, Handle, T
from kvark._collections.waiting import Question, read_options
from kvark._types import Key, Timeout


class Stream(Handle[T]):
    """A stream in the store. Ids are `str`, names of fields come back as `bytes`, values by the codec.

    A stream without entries stays, because its groups and its last id do; `clear` removes it.

    >>> events = store.streams(codec="json")["events"]
    >>> events.append({"kind": "login", "user": 7}, id="1-1"), events.append({"kind": "logout"}, id="2-1")
    ('1-1', '2-1')
    >>> events["1-1"], len(events), events.last_id
    ({b'kind': 'login', b'user': 7}, 2, '2-1')
    >>> [entry.id for entry in events.range("2")]
    ['2-1']
    >>> workers = events.group("workers").create("0")
    >>> [entry.fields for entry in workers.read("ada", count=1)]
    [{b'kind': 'login', b'user': 7}]
    >>> workers.ack("1-1"), [entry.id for entry in workers.read("ada")]
    (1, ['2-1'])
    """

    __slots__ = ()

    def __len__(self) -> int:
        length: int = self._ask("XLEN")
        return length

    def append(
        self,
        fields: Mapping[str, T | str] | Mapping[bytes, T | str] | Mapping[Key, T | str],
        /,
        *,
        id: str = "*",
        max_len: int | None = None,
        min_id: str | None = None,
        exact: bool = False,
        references: References | None = None,
    ) -> str:
        """Appends an entry; its id. `id` is the store's to choose unless given, and must be greater than the last.

        `max_len` or `min_id` removes older entries by the way, roughly or, with `exact`, to the entry.
        An id that is not greater is an InvalidInput.
        """
        return self._append(fields, id, trimming(max_len, min_id, exact, references)) or ""

    def append_existing(self, fields: Mapping[Key, T | str], /, *, id: str = "*") -> str | None:
        """Appends an entry as `append` does, but makes no stream: None when there is none."""
        return self._append(fields, id, ["NOMKSTREAM"])

    def _append(self, fields: Mapping[Any, T | str], id: str, options: list[Any]) -> str | None:
        words = [part for field, value in fields.items() for part in (field, self._encode(value))]
        if not words:
            raise ValueError("an entry has at least one field")
        return named(self._ask("XADD", *options, id, *words))

    def __getitem__(self, id: str) -> dict[bytes, T]:
        found = self._ask("XRANGE", id, id)
        if not found:
            raise KeyError(id)
        return decoded_fields(found[0][1], self._codec)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and bool(self._ask("XRANGE", id, id))

    def __delitem__(self, id: str) -> None:
        if not self._ask("XDEL", id):
            raise KeyError(id)

    def delete(self, *ids: str, references: References | None = None) -> int:
        """Removes entries; how many were there.

        `references` says what becomes of them in groups: `keep`, `drop` (they are no longer pending anywhere), or
        `acked` (only entries that every group has acknowledged are removed).
        """
        if not ids:
            return 0
        if references is None:
            removed: int = self._ask("XDEL", *ids)
            return removed
        return sum(code == 1 for code in self._ask("XDELEX", *id_words(references, ids)))

    def range(
        self,
        start: str | None = None,
        stop: str | None = None,
        *,
        after: bool = False,
        reverse: bool = False,
        limit: int | None = None,
    ) -> list[Entry[T]]:
        """The entries from `start` to `stop`, both included; without `start` itself when `after`.

        An id without its second half is the whole millisecond. `reverse` begins at `stop`.
        """
        ends = id_range(start, stop, after)
        words = [*ends[:: -1 if reverse else 1], *([] if limit is None else ["COUNT", limit])]
        return self._entries(self._ask("XREVRANGE" if reverse else "XRANGE", *words))

    def read(self, after: str = "0", /, *, count: int | None = None, timeout: Timeout = 0) -> list[Entry[T]]:
        """The entries after the id `after`, at most `count`; `"+"` is the last entry, `"$"` what comes from now on.

        Where there is none, it may wait `timeout` seconds for one (None: for ever).
        """
        return self._wait(self._reading(after, count, timeout))

    def _reading(self, after: str, count: int | None, timeout: Timeout) -> Question[list[Entry[T]]]:
        words = ("XREAD", *read_options(count, timeout), "STREAMS", self._key, after)
        return Question(words, lambda found: self._entries(found[self._key]) if found else [])

    def _entries(self, found: Any) -> list[Entry[T]]:
        return [decoded_entry(each, self._codec) for each in found or ()]

    def _chunks(self) -> Iterator[list[Entry[T]]]:
        chunk = self.range(limit=CHUNK)
        while chunk:
            yield chunk
            chunk = self.range(chunk[-1].id, after=True, limit=CHUNK)

    def __iter__(self) -> Iterator[Entry[T]]:
        return chain.from_iterable(self._chunks())

    def __reversed__(self) -> Iterator[Entry[T]]:
        chunk = self.range(reverse=True, limit=CHUNK)
        while chunk:
            yield from chunk
            chunk = self._entries(self._ask("XREVRANGE", "(" + chunk[-1].id, "-", "COUNT", CHUNK))

    def trim(
        self,
        *,
        max_len: int | None = None,
        min_id: str | None = None,
        exact: bool = True,
        references: References | None = None,
    ) -> int:
        """Removes the oldest entries until `max_len` are left, or those before `min_id`; how many they were."""
        removed: int = self._ask("XTRIM", *trimming(max_len, min_id, exact, references))
        return removed

    @property
    def last_id(self) -> str:
        """The greatest id there ever was. Raises InvalidInput when there is no stream."""
        return named(self.info()["last-generated-id"]) or ""

    def set_last_id(self, id: str, /) -> None:
        """Makes ids go on from `id`, which is no less than the greatest of the entries."""
        self._ask("XSETID", id)

    def info(self) -> dict[str, Any]:
        """What there is to know of the stream, by Redis' names. Raises InvalidInput when there is none."""
        return facts(self._store._ask("XINFO", "STREAM", self._key))

    def group(self, name: Key, /) -> Group[T]:
        """The group of consumers of that name; nothing is made before its `create`."""
        return Group(self._store, self._key, self._codec, name)

    def groups(self) -> list[dict[str, Any]]:
        """What there is to know of each group. Raises InvalidInput when there is no stream."""
        return [facts(each) for each in self._store._ask("XINFO", "GROUPS", self._key)]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Stream) else NotImplemented
