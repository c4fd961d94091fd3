"""The types that calls take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TypeAlias

# Text is its UTF-8: `db["é"]` and `db["é".encode()]` are one key. Keys come back as bytes.
Key: TypeAlias = str | bytes
Value: TypeAlias = bytes | bytearray | memoryview
# What a command is given: text, bytes, or a number in decimal digits.
Argument: TypeAlias = str | Value | float
# A mapping is invariant in its keys, so each kind is named.
Pairs: TypeAlias = Mapping[str, Value] | Mapping[bytes, Value] | Mapping[Key, Value] | Iterable[tuple[Key, Value]]
# Seconds, or a timedelta.
Ttl: TypeAlias = float | timedelta
# How long to wait: not at all (0), so many seconds, or for ever (None).
Timeout: TypeAlias = float | timedelta | None
