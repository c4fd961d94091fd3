"""kill -9 of a process that has a store open: what a call returned from is there when it is opened again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kvark
import pytest
from live import LONG

ROUNDS = 20 if LONG else 3
PRINTED_BEFORE_THE_KILL = 300

# Sets a key for each number, and for each number that 7 divides deletes the key three before it.
WRITER = """
import itertools, sys, kvark
path, durability, prefix = sys.argv[1:]
db = kvark.open(path, durability=durability)
for number in itertools.count():
    db[f"{prefix}:{number:09d}"] = b"v" * (number % 500)
    if number % 7 == 0:
        db.delete(f"{prefix}:{number - 3:09d}")
    print(number, flush=True)
"""


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_what_a_call_returned_from_is_there(tmp_path: Path, durability: str) -> None:
    path = tmp_path / "store.kvark"
    last = {prefix: write_until_killed(path, durability, prefix) for prefix in map(str, range(ROUNDS))}
    with kvark.open(path) as db:
        found = dict(db.scan())
    for prefix, number in last.items():
        # The number after the last answer was in flight: its key, and the key that it may have deleted, are open.
        in_flight = {key_of(prefix, number + 1), key_of(prefix, number - 2)}
        expected = {key_of(prefix, n): b"v" * (n % 500) for n in range(number + 1) if (n + 3) % 7 or n + 3 > number}
        mine = {key: value for key, value in found.items() if key.startswith(prefix.encode() + b":")}
        for key in in_flight:
            expected.pop(key, None)
            mine.pop(key, None)
        assert mine == expected


def key_of(prefix: str, number: int) -> bytes:
    return f"{prefix}:{number:09d}".encode()


def write_until_killed(path: Path, durability: str, prefix: str) -> int:
    """The last number that the writer was done with."""
    command = [sys.executable, "-c", WRITER, str(path), durability, prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(PRINTED_BEFORE_THE_KILL):
            if not writer.stdout.readline():
                raise RuntimeError("the writer ended by itself")
        writer.kill()
        rest = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    return max([PRINTED_BEFORE_THE_KILL - 1, *rest])
