"""Ranges of sorted sets, as the words have them: by rank, by score, by member."""

from __future__ import annotations

from typing import Final, Literal

# Which ends belong to the range.
Closed = Literal["both"] | Literal["low"] | Literal["high"] | Literal["neither"]

_OPEN_LOW: Final = ("high", "neither")
_OPEN_HIGH: Final = ("low", "neither")


def of_scores(low: float, high: float, closed: Closed) -> tuple[str, str]:
    """The two ends of a range of scores."""
    return f"{'(' * (closed in _OPEN_LOW)}{low!r}", f"{'(' * (closed in _OPEN_HIGH)}{high!r}"


def of_members(low: bytes | None, high: bytes | None, closed: Closed) -> tuple[bytes, bytes]:
    """The two ends of a range of members in byte order; None is without an end."""
    begin = b"-" if low is None else (b"(" if closed in _OPEN_LOW else b"[") + low
    end = b"+" if high is None else (b"(" if closed in _OPEN_HIGH else b"[") + high
    return begin, end


def limit_words(offset: int, limit: int | None) -> tuple[str | int, ...]:
    """`LIMIT`, if the range has one."""
    return () if limit is None and not offset else ("LIMIT", offset, -1 if limit is None else limit)
