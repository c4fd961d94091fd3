"""Messages: what comes of `store.subscribe(...)`, as an iterator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from kvark import _native
from kvark._types import Key

if TYPE_CHECKING:
    from kvark._store import Store


class Message(NamedTuple):
    """What somebody published, and the pattern by which it came (None: by the channel's own name)."""

    channel: bytes
    data: bytes
    pattern: bytes | None = None


class Subscription(_native.Subscription, Iterator[Message]):
    """What listens to channels; `store.subscribe()` makes one, `with` closes it.

    Iterating waits for each message, at most `timeout` seconds (None: for ever), and ends when none came or the
    subscription was closed, by `close` or with its store. Any thread may read, and each message goes to one of them.
    What was sent before it listened never comes.
    """

    __slots__ = ("__weakref__", "_timeout")
    _timeout: float | None

    def __new__(cls, store: Store, timeout: float | None = None, /) -> Self:
        subscription = super().__new__(cls, store)
        subscription._timeout = timeout
        return subscription

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{len(self.channels)} channels, {len(self.patterns)} patterns"
        return f"<kvark.Subscription, {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        message = self.get(self._timeout)
        if message is None:
            raise StopIteration
        return message

    def get(self, timeout: float | None = None) -> Message | None:
        """The next message, waiting `timeout` seconds for it (None: for ever, 0: not at all); None when none came."""
        words = self._take(timeout)
        return None if words is None else Message(*words)

    @property
    def channels(self) -> list[bytes]:
        """The channels it listens to by name."""
        return self._names(False)

    @property
    def patterns(self) -> list[bytes]:
        """The patterns by which it listens."""
        return self._names(True)

    def subscribe(self, *channels: Key, patterns: Iterable[Key] = ()) -> None:
        """Listens to these too. Who listens to a channel in several ways gets each message as often."""
        self._listen(list(channels), _listed(patterns))

    def unsubscribe(self, *channels: Key, patterns: Iterable[Key] = ()) -> None:
        """Listens to these no more, or, when none are named, to nothing. None of their messages comes after that."""
        named = _listed(patterns)
        if channels or named:
            self._leave(list(channels), named)
        else:
            self._leave(list(self.channels), list(self.patterns))


def _listed(patterns: Iterable[Key]) -> list[Key]:
    if isinstance(patterns, str | bytes):
        raise TypeError("patterns are a list of str or bytes: patterns=[...]")
    return list(patterns)
