"""The server against its peers, over the wire: `python -m bench.wire --peer valkey=/path/to/valkey-server`.

One server core, one client core. The fair figure is the server's CPU time per command (user and system, all threads):
without pipelining the client saturates first, so requests per second describe the client.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import kinds
from bench.report import Plot, Report, Table, median, progress
from bench.servers import Contestant, Server, load
from bench.turns import LATENCIES, VALUE_BYTES, Scale, Test, benchmark, compare

PARTS = ("commands", "types", "logged", "sync", "memory", "members", "checkpoint")
# The column of a part that is worth a picture.
DRAWN = {"commands": "CPU us", "types": "CPU us", "members": "resident B/member", "logged": "CPU us", "sync": "k req/s"}
SET, GET = (Test(word, ("-t", word.lower())) for word in ("SET", "GET"))


# Kvark calls itself idle after a second.
FULL = Scale(
    keys=1_000_000, memory_keys=5_000_000, seconds=3.5, rounds=3, pipelines=(1, 16, 64), pilot=2_000, idle_s=1.5
)
SMALL = Scale(keys=5_000, memory_keys=20_000, seconds=0.05, rounds=1, pipelines=(1, 16), pilot=200, idle_s=0.0)


def keys_of(scale: Scale) -> Callable[[Server], object]:
    """Loads the keys that SET and GET draw from."""
    return lambda server: load(server.port, scale.keys, VALUE_BYTES)


def memory_and_opening(contestants: Sequence[Contestant], scale: Scale) -> Table:
    """Resident memory per key, and the time to load, to save or checkpoint, and to open again."""
    columns = ["server", "resident B/key", "of it anonymous", "load s", "save s", "open s", "keys after opening"]
    table = Table(f"{scale.memory_keys:,} keys of 16 bytes with {VALUE_BYTES}-byte values", columns)
    for contestant in contestants:
        progress(f"memory and opening: {contestant.label}")
        server = Server(contestant)
        try:
            table.add(contestant.label, *memory_of(server, scale))
        finally:
            server.remove()
    return table


def memory_of(server: Server, scale: Scale) -> list[float]:
    keys = scale.memory_keys
    resident, anonymous = server.resident_bytes()
    load_s = load(server.port, keys, VALUE_BYTES)
    server.settle(scale.idle_s)
    resident_after, anonymous_after = server.resident_bytes()
    save_s = seconds_of_save(server)
    server.end()
    open_s = server.start()
    per_key = [(resident_after - resident) / keys, (anonymous_after - anonymous) / keys]
    return [*per_key, load_s, save_s, open_s, server.keys()]


def seconds_of_save(server: Server) -> float:
    began = time.perf_counter()
    if not (reply := server.ask("SAVE")).startswith(b"+OK"):
        raise RuntimeError(f"{server.contestant.label} did not save: {reply[:200]!r}")
    return time.perf_counter() - began


def during_checkpoints(contestants: Sequence[Contestant], scale: Scale) -> Table:
    """Latency of SET at pipeline 1 while nothing else happens, and while a checkpoint (BGSAVE) runs over and over."""
    table = Table("SET P1, quiet and during a checkpoint", ["server", "when", "k req/s", *LATENCIES])
    for contestant in contestants:
        progress(f"checkpoints: {contestant.label}")
        server = Server(contestant)
        try:
            load(server.port, scale.keys, VALUE_BYTES)
            server.settle(scale.idle_s)
            pilot = benchmark(server, SET, 1, scale.pilot, scale)
            commands = max(scale.pilot, int(pilot.per_second * scale.seconds))
            quiet = [benchmark(server, SET, 1, commands, scale) for _ in range(scale.rounds)]
            with Checkpoints(server):
                busy = [benchmark(server, SET, 1, commands, scale) for _ in range(scale.rounds)]
            for when, runs in (("quiet", quiet), ("checkpoint", busy)):
                middle = median(runs, by=lambda m: m.latency_ms["p99.9"])
                table.add(contestant.label, when, middle.per_second / 1e3, *middle.latency_ms.values())
        finally:
            server.remove()
    return table


class Checkpoints:
    """Asks for one checkpoint after another while the block runs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.enough = threading.Event()
        self.thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self.enough.wait(0.2):
            self.server.ask("BGSAVE")

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        self.thread.join()


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.wire", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=PROGRAM", help="another server to compare with"
    )
    parser.add_argument("--small", action="store_true", help="a few seconds of each part, to see that it works")
    parser.add_argument("--keys", type=int, help="keys that are loaded before the commands are measured")
    parser.add_argument("--memory-keys", type=int, help="keys in the measurement of memory and opening")
    parser.add_argument("--seconds", type=float, help="the least length of one run")
    parser.add_argument("--rounds", type=int, help="runs of which the median is taken")
    parser.add_argument("--without-kvark", action="store_true", help="only the peers, to try the harness itself")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    parser.add_argument("--out", type=Path, default=Path("bench/results"), help="folder of the tables and the plot")
    return parser.parse_args(argv)


def scale_of(options: argparse.Namespace) -> Scale:
    base = SMALL if options.small else FULL
    return Scale(
        keys=options.keys or base.keys,
        memory_keys=options.memory_keys or base.memory_keys,
        seconds=options.seconds or base.seconds,
        rounds=options.rounds or base.rounds,
        pipelines=base.pipelines,
        pilot=base.pilot,
        idle_s=base.idle_s,
    )


def programs(options: argparse.Namespace) -> dict[str, str | None]:
    """The peers in the order given, Debian's redis-server first, and Kvark last."""
    found: dict[str, str | None] = {}
    if debian := shutil.which("redis-server"):
        found["redis"] = debian
    for peer in options.peer:
        name, _, program = peer.partition("=")
        found[name] = program
    if not options.without_kvark:
        found["kvark"] = None
    return found


def measured(part: str, entrants: dict[str, str | None], scale: Scale) -> Table:
    """The table of one part."""

    def at(durability: str) -> list[Contestant]:
        return [Contestant(name, durability, program) for name, program in entrants.items()]

    # A peer's best case is no persistence at all; ours keeps a log that survives a killed process.
    everyday = [Contestant(name, "os" if program is None else "memory", program) for name, program in entrants.items()]
    match part:
        case "commands":
            return compare("Commands", everyday, (SET, GET), scale.pipelines, scale, keys_of(scale))
        case "types":
            title = f"Collections of {scale.keys:,} members"
            return compare(title, everyday, kinds.tests(scale.keys), (1, 16), scale)
        case "logged":
            return compare("A log synced each second", at("os"), (SET,), (1, 16), scale, keys_of(scale))
        case "sync":
            return compare("Synced before the answer", at("disk"), (SET,), (1, 16), scale, keys_of(scale))
        case "memory":
            return memory_and_opening(everyday, scale)
        case "members":
            return kinds.memory_of_members(everyday, scale)
        case _:
            return during_checkpoints(everyday, scale)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    if not shutil.which("redis-benchmark"):
        print("redis-benchmark is missing: install the package redis-tools.", file=sys.stderr)
        return 1
    report = Report("wire", "The wire")
    for part in options.parts:
        table = measured(part, programs(options), scale_of(options))
        report.tables.append(table)
        if part in DRAWN:
            report.plots.append(Plot.of_column(table, DRAWN[part]))
    report.write(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
