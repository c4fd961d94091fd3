"""What the tests of the collections share: values, sizes on both sides of the packed form's bound, an open store."""

from __future__ import annotations

from typing import Any

import kvark
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from live import LONG

# Few, so that equal ones meet; one is longer than the packed forms take.
VALUES = st.sampled_from([b"", b"a", b"b", b"ab", b"7", b"-1", b"007", b"\xff\x00", b"long" * 30])
# Packed, and beyond.
SIZES = st.sampled_from([0, 3, 600])
STEPS = settings(max_examples=150 if LONG else 20, stateful_step_count=40 if LONG else 20, deadline=None)


class InMemory(RuleBasedStateMachine):
    """A machine with a store of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.db = kvark.open(":memory:")

    def teardown(self) -> None:
        self.db.close()


def outcome(call: Any, *arguments: Any) -> Any:
    """What a call returns, or the class of what it raises: Python's own types and ours are to agree."""
    try:
        return call(*arguments)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        return next(kind for kind in (IndexError, KeyError, ValueError, TypeError) if isinstance(error, kind))
