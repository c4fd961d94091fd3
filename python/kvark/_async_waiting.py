"""Words that wait, awaited: a bell rings a pipe when somebody has ended the wait, and the loop watches the other end.

Invariant: a wait costs neither a thread nor a poll. One that is cancelled takes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kvark._native import Waiting

if TYPE_CHECKING:
    from kvark._store import Store


async def ask(store: Store, run: Callable[..., Awaitable[Any]], words: tuple[Any, ...]) -> Any:
    """The answer of a word; `run` executes a call where it may wait for the disk."""
    waiting: Waiting = await run(Waiting, store, *words)
    if not await run(waiting.is_over):
        await _end(waiting, run)
    return waiting.answer()


async def _end(waiting: Waiting, run: Callable[..., Awaitable[Any]]) -> None:
    loop, rung, fd = asyncio.get_running_loop(), asyncio.Event(), waiting.fileno()
    loop.add_reader(fd, rung.set)
    try:
        while True:
            # What has rung before this is found by the look, what rings behind it wakes.
            waiting.hush()
            rung.clear()
            if await run(waiting.is_over):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(waiting.left()):
                    await rung.wait()
    finally:
        loop.remove_reader(fd)
        waiting.give_up()
