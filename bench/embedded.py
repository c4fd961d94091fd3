"""The library inside a Python process against others: `python -m bench.embedded`.

One thread, random order, the key objects drawn beforehand, the loop included: the row of `dict` is the floor.

Invariant: stores take turns within every round, and a store that reads something else than was written stops the run.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import Cell, Plot, Report, Table, progress
from bench.stores import STORES, Doors, Pair, installed

VALUE_BYTES = 100
BATCH = 1_000
RANGE = 100
SEED = 2026
ESTIMATE = 500


@dataclass(frozen=True)
class Work:
    """What every store is asked to do: keys in random order, as objects that exist already.

    Invariant: the order of reading is not the order of loading, else neighbours in time are neighbours in memory.
    """

    keys: list[bytes]
    seconds: float

    def some(self, seconds_per_item: float) -> list[bytes]:
        """As many keys as fit in the time of one measurement."""
        return self.keys[: max(ESTIMATE, min(len(self.keys), int(self.seconds / seconds_per_item)))]


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    names = [name for name in options.stores if installed(STORES[name][0])]
    for name in set(options.stores) - set(names):
        progress(f"{name} is left out: it is not installed (the dependency group `bench` has it)")
    keys = [b"key:%012d" % number for number in range(options.keys)]
    random.Random(SEED).shuffle(keys)
    work = Work(keys, options.seconds)
    with tempfile.TemporaryDirectory(prefix="kvark-bench-") as folder:
        table = compare(names, work, Path(folder), options.rounds)
    Report("embedded", "Embedded in Python", [table], [Plot.of_rows(table, "ns")]).write(options.out)
    return 0


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.embedded", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few seconds of each part, to see that it works")
    parser.add_argument("--keys", type=int, help="keys in every store (default 1,000,000)")
    parser.add_argument("--seconds", type=float, help="the longest that one measurement may take (default 2)")
    parser.add_argument("--rounds", type=int, help="rounds of which the median is taken (default 3)")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES), help="what to compare")
    parser.add_argument("--out", type=Path, default=Path("bench/results"), help="folder of the table and the plot")
    options = parser.parse_args(argv)
    options.keys = options.keys or (2_000 if options.small else 1_000_000)
    options.seconds = options.seconds or (0.05 if options.small else 2.0)
    options.rounds = options.rounds or (1 if options.small else 3)
    return options


def compare(names: Sequence[str], work: Work, folder: Path, rounds: int) -> Table:
    columns = ["store", "get", "hot get", "set", "set_many 1,000", "scan, per item", "range of 100"]
    table = Table(f"ns per operation, {len(work.keys):,} keys of 16 bytes, {VALUE_BYTES}-byte values", columns)
    stores: dict[str, Doors] = {}
    figures: dict[str, dict[str, list[float]]] = {}
    for name in names:
        progress(f"loading {name}")
        stores[name] = STORES[name][1](new_folder(folder, name))
        figures[name] = {"set_many": [load(stores[name], work)]}
    for turn in range(rounds):
        for name, doors in stores.items():
            progress(f"round {turn + 1} of {rounds}: {name}")
            for measure, value in one_round(doors, work).items():
                figures[name].setdefault(measure, []).append(value)
    agree({name: digest(doors) for name, doors in stores.items()})
    for name, doors in stores.items():
        doors.close()
        order = ("get", "hot", "set", "set_many", "scan", "range")
        cells: list[Cell] = [statistics.median(figures[name][key]) if key in figures[name] else "-" for key in order]
        table.add(name, *cells)
    return table


def new_folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def value_of(key: bytes) -> bytes:
    return key.ljust(VALUE_BYTES, b".")


def load(doors: Doors, work: Work) -> float:
    """Fills the store in batches of 1,000; nanoseconds per pair."""
    order = list(work.keys)
    random.Random(SEED + 1).shuffle(order)
    pairs = [(key, value_of(key)) for key in order]
    return set_many(doors, pairs)


def set_many(doors: Doors, pairs: list[Pair]) -> float:
    assert doors.set_many is not None
    batches = [pairs[first : first + BATCH] for first in range(0, len(pairs), BATCH)]
    write = doors.set_many
    began = time.perf_counter_ns()
    for batch in batches:
        write(batch)
    return (time.perf_counter_ns() - began) / len(pairs)


def one_round(doors: Doors, work: Work) -> dict[str, float]:
    """Nanoseconds per operation of everything that the store can do."""
    found = {"get": timed(lambda keys: get_each(doors.get, keys), work)}
    hot = Work([work.keys[0]] * len(work.keys), work.seconds)
    found["hot"] = timed(lambda keys: get_each(doors.get, keys), hot)
    if (write := doors.set) is not None:
        found["set"] = timed(lambda keys: set_each(write, keys), work)
    if (scan := doors.scan) is not None:
        found["scan"] = scan_all(scan, len(work.keys))
    if (range_of := doors.range) is not None:
        found["range"] = timed(lambda keys: range_each(range_of, keys), work)
    return found


def timed(run: Callable[[list[bytes]], float], work: Work) -> float:
    """The figure of as many keys as the time allows, found by a short run."""
    estimate_ns = run(work.keys[:ESTIMATE])
    return run(work.some(estimate_ns / 1e9))


def get_each(get: Callable[[bytes], object], keys: list[bytes]) -> float:
    began = time.perf_counter_ns()
    for key in keys:
        get(key)
    return (time.perf_counter_ns() - began) / len(keys)


def set_each(write: Callable[[bytes, bytes], object], keys: list[bytes]) -> float:
    values = [value_of(key) for key in keys]
    began = time.perf_counter_ns()
    for key, value in zip(keys, values, strict=True):
        write(key, value)
    return (time.perf_counter_ns() - began) / len(keys)


def range_each(range_of: Callable[[bytes, int], Iterable[Pair]], keys: list[bytes]) -> float:
    began = time.perf_counter_ns()
    for key in keys:
        list(range_of(key, RANGE))
    return (time.perf_counter_ns() - began) / len(keys)


def scan_all(scan: Callable[[], Iterable[Pair]], items: int) -> float:
    began = time.perf_counter_ns()
    deque(scan(), maxlen=0)
    return (time.perf_counter_ns() - began) / items


def digest(doors: Doors) -> str:
    """A hash of the whole content in key order, for the stores that have an order."""
    if doors.scan is None:
        return ""
    whole = hashlib.sha256()
    for key, value in doors.scan():
        whole.update(key + value)
    return whole.hexdigest()


def agree(digests: dict[str, str]) -> None:
    ordered = {name: found for name, found in digests.items() if found}
    if len(set(ordered.values())) > 1:
        raise RuntimeError(f"the stores do not hold the same content: {ordered}")
    progress(f"every ordered store holds the same content, sha256 {next(iter(ordered.values()), '-')[:16]}")


if __name__ == "__main__":
    sys.exit(main())
