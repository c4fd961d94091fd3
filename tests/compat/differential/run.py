"""One run: the two servers, what was asked of them, and what they answered differently."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.compat.differential import replies
from tests.compat.differential.dice import ALL_TYPES, Dice
from tests.compat.differential.events import Listener, settled, without_misses
from tests.compat.differential.phrase import GROUPS, command
from tests.compat.differential.wire import Client, Reply, is_error, plain

SCANS = {b"SCAN": 1, b"HSCAN": 2, b"SSCAN": 2, b"ZSCAN": 2}
SUMS = {b"INCRBYFLOAT": b"SET", b"HINCRBYFLOAT": b"HSET"}
# Until then what was to go within milliseconds is removed: Redis counts fields that have expired until it has looked.
SOON_S = 0.3
ROUND = 1500
LOOK = 40
# The two forms of each type: all small, all big soon, and a mixture.
THRESHOLDS = {
    "hash-max-listpack-entries": (128, 4, 0),
    "hash-max-listpack-value": (64, 64, 8),
    "set-max-intset-entries": (512, 4, 0),
    "set-max-listpack-entries": (128, 4, 0),
    "set-max-listpack-value": (64, 64, 8),
    "zset-max-listpack-entries": (128, 4, 0),
    "zset-max-listpack-value": (64, 64, 8),
    "list-max-listpack-size": (-2, 4, 1),
    "stream-node-max-entries": (100, 3, 1),
}
WHOLE = {
    "string": "GET {}",
    "list": "LRANGE {} 0 -1",
    "hash": "HGETALL {}",
    "set": "SMEMBERS {}",
    "zset": "ZRANGE {} 0 -1 WITHSCORES",
    "stream": "XINFO STREAM {} FULL COUNT 0",
}
COPY = b"copy"


def walk(server: Client, args: Sequence[bytes], place: int) -> list[str]:
    """All that a walk with these words finds, each once: pairs for what is answered in pairs."""
    found, cursor = set[str](), b"0"
    in_pairs = args[0].upper() in (b"HSCAN", b"ZSCAN") and b"NOVALUES" not in {arg.upper() for arg in args}
    while True:
        reply = server.ask(*args[:place], cursor, *args[place + 1 :])
        if args[0].upper() == b"ZSCAN":
            reply = replies.settled_doubles(reply)
        cursor, members = reply[1][0][1], reply[1][1][1]
        found |= {repr(part) for part in (zip(members[::2], members[1::2], strict=True) if in_pairs else members)}
        if cursor == b"0":
            return sorted(found)


@dataclass
class Difference:
    args: list[bytes]
    peer: Reply
    ours: Reply
    history: list[list[bytes]]


@dataclass
class Run:
    peer: Client
    ours: Client
    seed: str
    groups: Sequence[str]
    exchanges: bool = True
    any_error: bool = False
    listeners: Sequence[Listener] = ()
    asked: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    history: list[list[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = Dice(self.seed)
        known = {name.upper() for name in plain(self.peer.ask("COMMAND", "LIST"))}
        lines = (line for group in self.groups for line in GROUPS[group])
        self.templates = [line for line in lines if line.split()[0].encode() in known]
        assert self.templates, "the peer knows none of these words"

    def steps(self, count: int) -> None:
        for step in range(count):
            if step % ROUND == 0:
                self.begin_round(step // ROUND)
            self.ask(command(self.dice.random.choice(self.templates), self.dice))
            if self.dice.soon:
                time.sleep(SOON_S)
                self.dice.soon = False
            if step % LOOK == LOOK - 1:
                self.look_at(self.dice.random.choice(ALL_TYPES) + self.dice.number(1, 3))

    def begin_round(self, number: int) -> None:
        """Empty stores, and another threshold for each type's small form; every other round speaks RESP3."""
        form = random.Random(f"{self.seed}/{number}").randrange(3)
        for server in (self.peer, self.ours):
            assert server.ask("FLUSHALL") == ("+", b"OK")
            assert not is_error(server.ask("HELLO", 2 + number % 2))
            for name, values in THRESHOLDS.items():
                reply = server.ask("CONFIG", "SET", name, values[form])
                assert reply == ("+", b"OK"), (name, reply)
        self.history, self.dice.last_id = [], 0

    def ask(self, args: list[bytes]) -> bool:
        """Asks both; whether they agree. Where they do not, both stores are emptied."""
        self.asked[args[0].decode().upper()] += 1
        self.history.append(args)
        peer, ours = self.both(args)
        walks = args[0].upper() in SCANS and not is_error(peer) and not is_error(ours)
        if self.scans_agree(args) if walks else replies.same(args, peer, ours, self.any_error):
            self.level(args, peer, ours)
            return self.events_agree(args, is_error(peer))
        if walks:
            peer, ours = (("found", sorted(set(a) - set(b))) for a, b in (self.found, self.found[::-1]))
        self.differ(args, peer, ours)
        return False

    def both(self, args: Sequence[bytes]) -> tuple[Reply, Reply]:
        self.peer.send(args)
        self.ours.send(args)
        return self.peer.receive(), self.ours.receive()

    def events_agree(self, args: list[bytes], refused: bool) -> bool:
        """Whether both told the same of their keys since the last time.

        How far a command looks before it is refused is its own affair.
        """
        if self.listeners:
            peer, ours = (settled(listener.heard()) for listener in self.listeners)
            if refused:
                peer, ours = without_misses(peer), without_misses(ours)
            if peer != ours:
                self.differ(args, ("events", peer), ("events", ours))
                return False
        return True

    def differ(self, args: list[bytes], peer: Reply, ours: Reply) -> None:
        keys = {arg for arg in args[1:] if len(arg) == 2 and arg[1:].isdigit()}
        history = [entry for entry in self.history[:-1] if keys & set(entry[1:])]
        self.differences.append(Difference(args, peer, ours, history))
        self.both([b"FLUSHALL"])
        self.history = []
        for listener in self.listeners:
            listener.heard()

    def scans_agree(self, args: list[bytes]) -> bool:
        """Cursors are each server's own: what a whole walk finds is the same."""
        place = SCANS[args[0].upper()]
        self.found = [walk(server, args, place) for server in (self.peer, self.ours)]
        return self.found[0] == self.found[1]

    def level(self, args: list[bytes], peer: Reply, ours: Reply) -> None:
        """What the two have chosen differently is made the same: members drawn, and the digits of a sum."""
        name = args[0].upper()
        if name == b"SPOP" and not is_error(peer):
            drawn = [
                member
                for reply in (peer, ours)
                for member in (plain(reply) if isinstance(reply[1], list) else [plain(reply)])
            ]
            if members := [member for member in drawn if member is not None]:
                self.both([b"SREM", args[1], *members])
        elif name in SUMS and peer != ours:
            self.both([SUMS[name], *args[1:-1], plain(peer)])

    def look_at(self, key: str) -> None:
        """Compares all that a key holds, and moves a copy of it from each server to the other."""
        if all(self.ask(args) for args in self.questions(key)):
            payloads = [plain(server.ask("DUMP", key)) for server in (self.peer, self.ours)]
            for payload in payloads if self.exchanges and None not in payloads else []:
                self.both([b"DEL", COPY])
                if not self.ask([b"RESTORE", COPY, b"0", payload]):
                    return
                if not all(self.ask(args) for args in self.questions(COPY.decode())):
                    return

    def questions(self, key: str) -> Iterator[list[bytes]]:
        kind = plain(self.peer.ask("TYPE", key)).decode()
        for text in (
            f"TYPE {key}",
            f"OBJECT ENCODING {key}",
            f"PEXPIRETIME {key}",
            WHOLE.get(kind, "TYPE {}").format(key),
        ):
            yield text.encode().split()
        if kind == "hash":
            fields = plain(self.peer.ask("HKEYS", key))
            yield [b"HPEXPIRETIME", key.encode(), b"FIELDS", b"%d" % len(fields), *fields]
