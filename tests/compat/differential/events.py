"""What two servers tell of their keys: keyspace notifications, in the order in which they come."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from tests.compat.differential.wire import Client, plain

FENCE = b"fence"
ALL = "KEAnm"
# These come when each server gets to it; one of them may tell of several fields at once.
IN_ITS_TIME = (b"expired", b"hexpired", b"sexpired", b"zexpired")
MISS = b"keymiss"
Event = tuple[bytes, bytes]


@dataclass
class Listener:
    """Listens to all events of the server that `asker` asks."""

    asker: Client
    ear: Client
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        assert self.asker.ask("CONFIG", "SET", "notify-keyspace-events", ALL) == ("+", b"OK")
        self.ear.ask("PSUBSCRIBE", "__key*__:*")
        self.ear.ask("SUBSCRIBE", FENCE)

    def heard(self) -> list[Event]:
        """All since the last time: channel and message, both channels of each event."""
        number = str(next(self.numbers)).encode()
        self.asker.ask("PUBLISH", FENCE, number)
        events = []
        while (message := plain(self.ear.receive())) != [b"message", FENCE, number]:
            events.append((message[2], message[3]))
        return events


def without_misses(events: list[Event]) -> list[Event]:
    return [event for event in events if MISS not in (event[1], event[0].split(b":", 1)[1])]


def settled(events: list[Event]) -> list[Event]:
    """Without what comes in its own time, and without the end of a key that lost its last members by that. In which
    order and how often a command looks for keys that are not there is its own affair."""
    kept: list[Event] = []
    missed = set[Event]()
    expired = set[bytes]()
    for channel, message in events:
        if channel.startswith(b"__keyspace"):
            key, event = channel.split(b":", 1)[1], message
        else:
            key, event = message, channel.split(b":", 1)[1]
        if event in IN_ITS_TIME:
            expired.add(key)
        elif event == MISS:
            missed.add((channel, message))
        elif not (event == b"del" and key in expired):
            kept.append((channel, message))
    return sorted(missed) + kept
