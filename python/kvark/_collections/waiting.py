"""Words that wait: what they are asked with, and what their answer means. Who asks is a thread or an asyncio loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from kvark._errors import InvalidInput
from kvark._types import Timeout

_R = TypeVar("_R")

# As with times to live: beyond it a timeout means a mistake in the unit.
_MAX_SECONDS: Final = 1e11


@dataclass(frozen=True, slots=True)
class Question(Generic[_R]):
    """A word with its arguments, and what its answer means."""

    words: tuple[Any, ...]
    meaning: Callable[[Any], _R]


def seconds(timeout: Timeout) -> float:
    """How long to wait as the words have it, where 0 is for ever. Raises InvalidInput below 0 and for no number."""
    if timeout is None:
        return 0.0
    time = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if not 0 <= time <= _MAX_SECONDS:
        raise InvalidInput(f"a timeout is None (for ever) or from 0 to {_MAX_SECONDS:g} seconds, not {time}")
    return time


def waits(timeout: Timeout) -> bool:
    """Whether to wait at all."""
    return timeout is None or seconds(timeout) > 0


def first_words(at_once: str, patient: str, timeout: Timeout) -> tuple[Any, ...]:
    """The word that waits with its timeout, or the one that does not."""
    return (patient, seconds(timeout)) if waits(timeout) else (at_once,)


def read_options(count: int | None, timeout: Timeout) -> tuple[Any, ...]:
    """COUNT and BLOCK, as the words of streams have them."""
    counted = () if count is None else ("COUNT", count)
    return (*counted, "BLOCK", math.ceil(seconds(timeout) * 1000)) if waits(timeout) else counted
