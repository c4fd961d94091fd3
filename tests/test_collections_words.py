"""Every word of the collections' groups has its method, or its reason to have none."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import kvark
from kvark import _collections

GROUPS = {"list", "hash", "set", "sorted-set", "stream", "bitmap", "hyperloglog", "geo"}

OTHER_UNITS = "another unit, or a moment in place of a span: the methods take seconds or a timedelta"
OLD_NAMES = "an older name of a word that has its method"
WHOLE = "read by SCAN, chunk by chunk, or by the word for the whole"
TESTS = "about the store's insides, for tests"
HELP = "text for a prompt"

ABSENT: dict[str, str] = {
    **dict.fromkeys(["RPOPLPUSH", "BRPOPLPUSH", "HMSET", "ZRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGE"], OLD_NAMES),
    **dict.fromkeys(["ZREVRANGEBYSCORE", "ZREVRANGEBYLEX", "GEORADIUS", "GEORADIUS_RO"], OLD_NAMES),
    **dict.fromkeys(["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"], OLD_NAMES),
    **dict.fromkeys(["HKEYS", "HVALS"], WHOLE),
    **dict.fromkeys(
        [
            kind + word
            for kind in "HSZ"
            for word in ["EXPIRE", "EXPIREAT", "PEXPIREAT", "TTL", "EXPIRETIME", "PEXPIRETIME"]
        ],
        OTHER_UNITS,
    ),
    **dict.fromkeys(["PFDEBUG", "PFSELFTEST"], TESTS),
    **dict.fromkeys(["XGROUP|HELP", "XINFO|HELP"], HELP),
}


@cache
def words() -> frozenset[str]:
    """The words of the groups, by the server's own manual; a sub-command as `XGROUP|CREATE`."""
    with kvark.open(":memory:") as db:
        docs = db.execute("COMMAND", "DOCS")
    named = [(name, doc) for name, doc in docs.items() if doc[b"group"].decode() in GROUPS]
    subs = [pair for _, doc in named for pair in doc.get(b"subcommands", {}).items()]
    return frozenset(name.decode().upper() for name, _ in named + subs)


def used() -> set[str]:
    """The words that stand in the sources of the collections, as they are sent."""
    found: set[str] = set()
    for path in Path(_collections.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found | {f"{name}|{sub}" for name in ("XGROUP", "XINFO") for sub in found}


def test_every_word_has_a_method_or_a_reason() -> None:
    assert sorted(words() - used() - set(ABSENT)) == []


def test_no_reason_is_left_over() -> None:
    assert sorted(set(ABSENT) & used()) == []
    assert sorted(set(ABSENT) - words()) == []


def test_the_manual_knows_the_groups() -> None:
    assert len(words()) > 100
