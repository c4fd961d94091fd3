"""When two replies are the same: exactly, in any order, by shape, or but for when a server looked at its clock."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.compat.differential.wire import Reply, plain

Same = Callable[[Sequence[bytes], Reply, Reply], bool]
NO_DOUBLE = b"scores can't be converted into double"
# Between two servers that are asked one after the other.
APART_MS = 3000
DRAWS = {b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"RANDOMKEY", b"SPOP"}
UNORDERED = {b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS", b"KEYS"}
TIMES = {
    b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"HTTL", b"HPTTL", b"HEXPIRETIME", b"HPEXPIRETIME", b"XPENDING",
}  # fmt: skip
STRINGS = {("$", b"int"), ("$", b"embstr"), ("$", b"raw")}
LASTING = {
    (b"listpackex", b"listpack"),
    (b"skiplist", b"listpack"),
    (b"quicklist", b"listpack"),
    (b"listpack", b"intset"),
}
LONG_DOUBLE = re.compile(rb"-?\d+\.\d+(e[+-]\d+)?|-?\d+e[+-]\d+|-?\d{17,}")
# How a server keeps a stream, and when it looked.
OF_THE_SERVER = {b"radix-tree-keys", b"radix-tree-nodes", b"idle", b"inactive", b"seen-time", b"active-time"}


def same(args: Sequence[bytes], peer: Reply, ours: Reply, any_error: bool) -> bool:
    """Whether `peer` and `ours` answer the command `args` alike. `any_error`: whatever a refusal says."""
    if any_error and peer[0] == ours[0] == "-":
        return True
    if args[0][:1] in b"zZgG" and peer[0] != "-":
        peer, ours = settled_doubles(peer), settled_doubles(ours)
    return rule_for(args)(args, peer, ours)


def settled_doubles(reply: Reply) -> Reply:
    """Doubles but for their last digits, of which some write more or fewer than they need. Here zero has no sign."""
    mark, content = reply
    if isinstance(content, list):
        return mark, [settled_doubles(part) for part in content]
    if mark in "$," and content and LONG_DOUBLE.fullmatch(content):
        return mark, f"{float(content):.14g}".encode()
    return (mark, b"0") if mark in "$," and content == b"-0" else reply


def rule_for(args: Sequence[bytes]) -> Same:
    name, words = args[0].upper(), {arg.upper() for arg in args[1:]}
    if name in DRAWS | {b"DBSIZE"}:
        return alike
    if name in TIMES:
        return near
    if name in UNORDERED or (name.startswith(b"GEO") and not words & {b"ASC", b"DESC"}):
        return in_any_order
    if name in (b"INCRBYFLOAT", b"HINCRBYFLOAT"):
        return same_sum
    if name == b"HGETALL":
        return pairs_in_any_order
    if name in (b"SORT", b"SORT_RO"):
        return sorted_alike
    if name == b"XINFO":
        return but_for_the_server
    if name == b"OBJECT" and b"ENCODING" in words:
        return same_encoding
    if name == b"MEMORY":
        return usage
    if name == b"OBJECT" and b"IDLETIME" in words:
        return alike
    return exactly


def exactly(_args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    return peer == ours


def same_sum(_args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    """Here a sum is exact in decimal; Redis shows 17 digits of a binary one, as wide as its machine has it."""
    if peer[0] != ours[0] or peer[0] == "-":
        return peer == ours
    return math.isclose(float(peer[1]), float(ours[1]), rel_tol=1e-15, abs_tol=1e-17)


def same_encoding(_args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    """Forms may last longer there: a hash keeps the one for deadlines that it has no more, SORT makes a sorted set big,
    LSET a list that is nearly so, RESTORE takes the one of the payload. A string that spells an integer is one here.
    """
    if peer in STRINGS and ours in STRINGS:
        return True
    return peer == ours or (peer[1], ours[1]) in LASTING


def in_any_order(_args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    return peer[0] == ours[0] and ordered(peer[1]) == ordered(ours[1])


def ordered(content: Any) -> Any:
    return sorted(content, key=repr) if isinstance(content, list) else content


def pairs_in_any_order(_args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    return peer[0] == ours[0] and pairs(peer[1]) == pairs(ours[1])


def pairs(content: Any) -> Any:
    return sorted(zip(content[::2], content[1::2], strict=True), key=repr) if isinstance(content, list) else content


def sorted_alike(args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    """What weighs the same may come in any order. An overflow before makes Redis take a number for none."""
    if peer[0] == "-" and NO_DOUBLE in peer[1] and ours[0] == "*":
        return True
    words = {arg.upper() for arg in args}
    if b"BY" not in words:
        return peer == ours
    return alike(args, peer, ours) if b"LIMIT" in words else in_any_order(args, peer, ours)


def usage(args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    """MEMORY USAGE of Redis sees keys that have expired."""
    return alike(args, peer, ours) or (peer[0] == ":" and ours[1] is None)


def alike(args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    """Of the same shape: kinds and lengths. Errors are compared as they are."""
    if peer[0] != ours[0] or (peer[1] is None) != (ours[1] is None):
        return False
    if isinstance(peer[1], list) and isinstance(ours[1], list):
        return len(peer[1]) == len(ours[1]) and all(alike(args, *both) for both in zip(peer[1], ours[1], strict=True))
    return peer[0] != "-" or peer == ours


def near(args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    if isinstance(peer[1], list) and isinstance(ours[1], list):
        same_len = peer[0] == ours[0] and len(peer[1]) == len(ours[1])
        return same_len and all(near(args, *both) for both in zip(peer[1], ours[1], strict=True))
    if peer[0] == ours[0] == ":" and min(peer[1], ours[1]) >= 0:
        return bool(abs(peer[1] - ours[1]) <= (1 if peer[1] < 10**7 and name_of_seconds(args) else APART_MS))
    return peer == ours


def name_of_seconds(args: Sequence[bytes]) -> bool:
    return args[0].upper() in (b"TTL", b"EXPIRETIME", b"HTTL", b"HEXPIRETIME")


def but_for_the_server(_args: Sequence[bytes], peer: Reply, ours: Reply) -> bool:
    """XINFO: the same names, and the same content but for what is the server's own."""
    return bool(without_own(peer) == without_own(ours))


def without_own(reply: Reply) -> Any:
    mark, content = reply
    if not isinstance(content, list):
        # A moment is a large number; it is the same within the run of a test.
        return (mark, "moment") if mark == ":" and content > 10**12 else reply
    kept, own = [], False
    for part in content:
        kept.append((part[0], "own") if own else without_own(part))
        own = not own and plain(part) in OF_THE_SERVER if not isinstance(part[1], list) else False
    return mark, kept
