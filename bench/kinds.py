"""Collections: how a big one is filled, the words that are measured on it, and how much memory a member takes.

Invariant: a word that takes members away finds as many as it takes: an answer of nothing would be cheap.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.report import Table, progress
from bench.servers import Contestant, Server
from bench.turns import VALUE_BYTES, Scale, Test

# Members in one command that fills a collection.
BATCH = 100
# What redis-benchmark replaces by so many random digits.
RANDOM = "__rand_int__"
RANDOM_DIGITS = 12
# Scores that say nothing of the order in which members come.
SHUFFLE, SCORES = 7_919, 1_000_003
MEMBER_BYTES = 16
GROUP = "group"


@dataclass(frozen=True)
class Kind:
    """A type of collection: the command that adds to it, and what stands for one member there."""

    name: str
    command: str
    words: Callable[[str, int, str], Sequence[str]]
    """Of a member, its number and a value."""
    at_a_time: int = BATCH

    def filling(self, members: int, digits: int, value: str) -> Iterator[Sequence[str]]:
        """The commands that make a key, called as its kind, with so many members."""
        yield ["DEL", self.name]
        for first in range(0, members, self.at_a_time):
            numbers = range(first, min(first + self.at_a_time, members))
            added = (self.words(f"element:{number:0{digits}d}", number, value) for number in numbers)
            yield [self.command, self.name, *itertools.chain.from_iterable(added)]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("hash", "HSET", lambda member, _, value: [member, value]),
        Kind("set", "SADD", lambda member, _number, _value: [member]),
        Kind("zset", "ZADD", lambda member, number, _: [str(number * SHUFFLE % SCORES), member]),
        Kind("list", "RPUSH", lambda _member, _number, value: [value]),
        Kind("stream", "XADD", lambda _member, _number, value: ["*", "field", value], at_a_time=1),
    )
}

VALUE = "x" * VALUE_BYTES
ELEMENT = f"element:{RANDOM}"
# Each word with what it does to the collection, which decides when that is filled again.
WORDS = (
    ("adds", "LPUSH", ["list", VALUE]),
    ("adds", "RPUSH", ["list", VALUE]),
    ("takes", "LPOP", ["list"]),
    ("reads", "LRANGE", ["list", "0", "99"]),
    ("adds", "SADD", ["set", ELEMENT]),
    ("takes", "SPOP", ["set"]),
    ("adds", "HSET", ["hash", ELEMENT, VALUE]),
    ("reads", "HGET", ["hash", ELEMENT]),
    ("adds", "ZADD", ["zset", RANDOM, ELEMENT]),
    ("takes", "ZPOPMIN", ["zset"]),
    ("reads", "ZRANGE", ["zset", "1000", "1009"]),
    ("adds", "XADD", ["stream", "*", "field", VALUE]),
    ("takes", "XREADGROUP", ["GROUP", GROUP, "one", "COUNT", "1", "STREAMS", "stream", ">"]),
)
LABELS = {"LRANGE": "LRANGE_100"}


def tests(members: int) -> list[Test]:
    """Every word, on a collection of so many members."""
    return [test_of(effect, word, arguments, members) for effect, word, arguments in WORDS]


def test_of(effect: str, word: str, arguments: Sequence[str], members: int) -> Test:
    kind = next(kind for name, kind in KINDS.items() if name in arguments)
    filled: set[Server] = set()

    def before(server: Server) -> bool:
        if effect == "reads" and server in filled:
            return False
        filled.add(server)
        server.run(kind.filling(members, RANDOM_DIGITS, VALUE))
        if kind.name == "stream":
            server.run([["XGROUP", "CREATE", "stream", GROUP, "0"]])
        return True

    most = members if effect == "takes" else None
    return Test(LABELS.get(word, word), (word, *arguments), before, most, command=word)


def memory_of_members(contestants: Sequence[Contestant], scale: Scale) -> Table:
    """Resident memory per member of one big collection of each kind."""
    members = scale.keys
    title = f"Collections of {members:,} members of {MEMBER_BYTES} bytes (hash, stream: values of {MEMBER_BYTES} bytes)"
    table = Table(title, ["collection", "server", "resident B/member", "of it anonymous"])
    for kind in KINDS.values():
        for contestant in contestants:
            progress(f"memory of a {kind.name}: {contestant.label}")
            server = Server(contestant)
            try:
                if server.serves(kind.command):
                    table.add(kind.name, contestant.label, *bytes_per_member(server, kind, scale))
            finally:
                server.remove()
    return table


def bytes_per_member(server: Server, kind: Kind, scale: Scale) -> list[float]:
    before = server.resident_bytes()
    server.run(kind.filling(scale.keys, MEMBER_BYTES - len("element:"), "x" * MEMBER_BYTES))
    server.settle(scale.idle_s)
    return [(after - bare) / scale.keys for bare, after in zip(before, server.resident_bytes(), strict=True)]
