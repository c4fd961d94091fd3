"""Entries of streams, and the options that name or remove them."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from kvark._codecs import Codec
from kvark._collections.handle import T, in_twos
from kvark._errors import InvalidInput

# What becomes of the groups' references to an entry that is removed.
References = Literal["keep"] | Literal["drop"] | Literal["acked"]

_WORD: Final = {"keep": "KEEPREF", "drop": "DELREF", "acked": "ACKED"}


class Entry(tuple[str, dict[bytes, T]]):
    """An entry of a stream: a pair of its id and its fields. Of a field that is named twice, the last value counts."""

    __slots__ = ()

    def __new__(cls, id: str, fields: dict[bytes, T]) -> Self:
        return super().__new__(cls, (id, fields))

    def __repr__(self) -> str:
        return f"Entry(id={self.id!r}, fields={self.fields!r})"

    @property
    def id(self) -> str:
        """The id."""
        return self[0]

    @property
    def fields(self) -> dict[bytes, T]:
        """The values by the names of their fields."""
        return self[1]


def decoded_entry(found: Any, codec: Codec[T]) -> Entry[T]:
    """An entry as the words answer it; one that was deleted meanwhile has no fields."""
    return Entry(found[0].decode(), decoded_fields(found[1] or [], codec))


def decoded_fields(found: list[bytes], codec: Codec[T]) -> dict[bytes, T]:
    """The fields of an entry."""
    return {field: codec.decode(held) for field, held in in_twos(found)}


def named(id: bytes | None) -> str | None:
    """An id as text."""
    return None if id is None else id.decode()


def id_range(start: str | None, stop: str | None, after: bool) -> tuple[str, str]:
    """The ends of a range of ids."""
    begin = "-" if start is None else start
    return ("(" + begin if after else begin), ("+" if stop is None else stop)


def id_words(references: References, ids: tuple[str, ...]) -> list[Any]:
    """What becomes of references, and the ids that it is about."""
    return [_WORD[references], "IDS", len(ids), *ids]


def trimming(max_len: int | None, min_id: str | None, exact: bool, references: References | None) -> list[Any]:
    """The options that remove older entries."""
    if max_len is not None and min_id is not None:
        raise InvalidInput("max_len and min_id exclude each other")
    limit = max_len if max_len is not None else min_id
    if limit is None:
        return []
    kind = "MINID" if max_len is None else "MAXLEN"
    return [*([] if references is None else [_WORD[references]]), kind, "=" if exact else "~", limit]
