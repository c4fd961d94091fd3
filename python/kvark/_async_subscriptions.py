"""Messages for asyncio: the twin of `kvark.Subscription`, awaited.

Whoever publishes rings a pipe, from any thread; the loop watches the other end. So waiting costs neither a thread nor a
timer, and a message is read where it is wanted, on the loop's own thread.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from types import TracebackType
from typing import Final

from kvark._subscriptions import Message, Subscription
from kvark._types import Key

# Rings that are taken from the pipe at once.
_RINGS: Final = 4096
# Messages without a wait between two breaths for the loop.
_BREATH: Final = 512


class AsyncSubscription:
    """What listens to channels; `db.subscribe()` of an `AsyncStore` makes one, `async with` closes it.

    `async for` waits for each message, at most `timeout` seconds (None: for ever), and ends when none came or the
    subscription was closed, by `close` or with its store. It belongs to the loop that waited for it first.
    """

    __slots__ = ("__weakref__", "_fd", "_loop", "_subscription", "_timeout", "_until_breath", "_waiting")

    def __init__(self, subscription: Subscription, timeout: float | None = None) -> None:
        self._subscription = subscription
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd = -1
        self._until_breath = _BREATH
        self._waiting: set[asyncio.Future[None]] = set()

    def __repr__(self) -> str:
        return repr(self._subscription).replace("kvark.Subscription", "kvark.AsyncSubscription", 1)

    async def __aenter__(self) -> AsyncSubscription:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncSubscription:
        return self

    async def __anext__(self) -> Message:
        self._until_breath -= 1
        if not self._until_breath:
            self._until_breath = _BREATH
            await asyncio.sleep(0)
        message = await self.get(self._timeout)
        if message is None:
            raise StopAsyncIteration
        return message

    @property
    def channels(self) -> list[bytes]:
        """The channels it listens to by name."""
        return self._subscription.channels

    @property
    def patterns(self) -> list[bytes]:
        """The patterns by which it listens."""
        return self._subscription.patterns

    @property
    def closed(self) -> bool:
        """Whether it was closed: by `close`, with its store, by CLIENT KILL, or because it was too slow."""
        return self._subscription.closed

    def subscribe(self, *channels: Key, patterns: Iterable[Key] = ()) -> None:
        """Listens to these too, as `Subscription.subscribe` does."""
        self._subscription.subscribe(*channels, patterns=patterns)

    def unsubscribe(self, *channels: Key, patterns: Iterable[Key] = ()) -> None:
        """Listens to these no more, as `Subscription.unsubscribe` does."""
        self._subscription.unsubscribe(*channels, patterns=patterns)

    async def get(self, timeout: float | None = None) -> Message | None:
        """The next message, waiting `timeout` seconds for it (None: for ever, 0: not at all); None when none came."""
        message = self._subscription.get(0)
        if message is None and timeout != 0 and not self.closed:
            try:
                async with asyncio.timeout(timeout):
                    message = await self._wait()
            except TimeoutError:
                return self._subscription.get(0)
        return message

    async def _wait(self) -> Message | None:
        loop = self._watch()
        while True:
            # Behind the beginning of the watch: what came before it rang no pipe.
            message = self._subscription.get(0)
            if message is not None or self.closed:
                return message
            rung = loop.create_future()
            self._waiting.add(rung)
            try:
                await rung
            finally:
                self._waiting.discard(rung)

    def _watch(self) -> asyncio.AbstractEventLoop:
        """Has the running loop look at the pipe."""
        running = asyncio.get_running_loop()
        if self._loop is None:
            self._fd = self._subscription._fileno()
            running.add_reader(self._fd, self._on_ring)
            self._loop = running
        elif self._loop is not running:
            raise RuntimeError("a subscription belongs to the loop that waited for it first: make one for each loop")
        return running

    def _on_ring(self) -> None:
        os.read(self._fd, _RINGS)
        self._wake()

    def _wake(self) -> None:
        for rung in self._waiting:
            if not rung.done():
                rung.set_result(None)

    def close(self) -> None:
        """Listens no more; closing again does nothing. Who waits for a message gets none."""
        self._subscription.close()
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._fd)
        self._wake()
