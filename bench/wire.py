"""The server against its peers, over the wire: `python -m bench.wire --peer valkey=/path/to/valkey-server`.

One server core, one client core. The fair figure is the server's CPU time per command (user and system, all threads):
without pipelining the client saturates first, so requests per second describe the client.

Invariant: contestants take turns within every cell, so a noisy minute falls on all of them.
"""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.report import Plot, Report, Table, median, progress
from bench.servers import CLIENT_CORE, Contestant, Server, load

CONNECTIONS = 50
VALUE_BYTES = 64
PILOT_PIPELINES = 2_000
PARTS = ("commands", "logged", "sync", "memory", "checkpoint")
# The column of a part that is worth a picture.
DRAWN = {"commands": "CPU us", "logged": "CPU us", "sync": "k req/s"}
LATENCIES = ("p50 ms", "p99 ms", "p99.9 ms", "max ms")


@dataclass(frozen=True)
class Scale:
    """How much work a run does."""

    keys: int
    memory_keys: int
    seconds: float
    rounds: int
    pipelines: tuple[int, ...]


FULL = Scale(keys=1_000_000, memory_keys=5_000_000, seconds=3.5, rounds=3, pipelines=(1, 16, 64))
SMALL = Scale(keys=5_000, memory_keys=20_000, seconds=0.05, rounds=1, pipelines=(1, 16))


@dataclass(frozen=True)
class Measurement:
    """What one run of redis-benchmark cost the server and what its clients saw.

    `later_s` is the CPU that the server went on to use after the last answer, as a checkpoint does.
    """

    commands: int
    user_s: float
    system_s: float
    later_s: float
    per_second: float
    latency_ms: dict[str, float]

    @property
    def cpu_us(self) -> float:
        return (self.user_s + self.system_s) / self.commands * 1e6


def benchmark(server: Server, test: str, pipeline: int, commands: int, keys: int) -> Measurement:
    """One run of redis-benchmark on the client's core."""
    tool = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CONNECTIONS)]
    work = ["-t", test, "-n", str(commands), "-r", str(keys), "-d", str(VALUE_BYTES), "-P", str(pipeline)]
    user, system = server.cpu_seconds()
    done = subprocess.run(["taskset", "-c", str(CLIENT_CORE), *tool, *work], capture_output=True, text=True, check=True)
    user_after, system_after = server.cpu_seconds()
    if "error" in (done.stdout + done.stderr).lower():
        raise RuntimeError(
            f"{server.contestant.label} answered with an error: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    per_second, latency_ms = read_benchmark(done.stdout)
    later_s = server.settle()
    return Measurement(commands, user_after - user, system_after - system, later_s, per_second, latency_ms)


def read_benchmark(text: str) -> tuple[float, dict[str, float]]:
    """Requests per second and latencies from redis-benchmark's report (its --csv leaves p99.9 out)."""
    per_second = float(re.findall(r"throughput summary: ([\d.]+)", text)[-1])
    percentiles = re.findall(r"([\d.]+)% <= ([\d.]+) milliseconds \(cumulative count", text.split("Cumulative")[0])
    if not percentiles:
        raise RuntimeError(f"redis-benchmark printed no latencies: {text[-500:]}")
    shares = [(float(share), float(bound)) for share, bound in percentiles]
    wanted = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
    return per_second, {name: min(ms for share, ms in shares if share >= at) for name, at in wanted.items()}


def take_turns(servers: Sequence[Server], test: str, pipeline: int, scale: Scale) -> dict[str, Measurement]:
    """Every contestant's median of one cell, after a pilot that finds how many commands fill the time."""
    runs: dict[str, list[Measurement]] = {server.contestant.label: [] for server in servers}
    counts = {}
    for server in servers:
        with server.awake():
            pilot = benchmark(server, test, pipeline, PILOT_PIPELINES * pipeline, scale.keys)
        counts[server.contestant.label] = max(PILOT_PIPELINES * pipeline, int(pilot.per_second * scale.seconds))
    for _ in range(scale.rounds):
        for server in servers:
            with server.awake():
                label = server.contestant.label
                runs[label].append(benchmark(server, test, pipeline, counts[label], scale.keys))
    return {label: median(measured, by=lambda m: m.cpu_us) for label, measured in runs.items()}


def compare(
    title: str, contestants: Sequence[Contestant], tests: Sequence[str], pipelines: Sequence[int], scale: Scale
) -> Table:
    """The table of CPU, throughput and latency for every test and pipeline depth."""
    table = Table(title, ["command", "server", "CPU us", "user", "system", "later", "k req/s", *LATENCIES])
    with ExitStack() as stack:
        servers = []
        for contestant in contestants:
            server = Server(contestant)
            stack.callback(server.remove)
            load(server.port, scale.keys, VALUE_BYTES)
            server.settle()
            server.halt()
            servers.append(server)
        for pipeline, test in itertools.product(pipelines, tests):
            cell = f"{test.upper()} P{pipeline}"
            progress(f"{title}: {cell}")
            for label, m in take_turns(servers, test, pipeline, scale).items():
                parts_us = [seconds / m.commands * 1e6 for seconds in (m.user_s, m.system_s, m.later_s)]
                table.add(cell, label, m.cpu_us, *parts_us, m.per_second / 1e3, *m.latency_ms.values())
    return table


def memory_and_opening(contestants: Sequence[Contestant], scale: Scale) -> Table:
    """Resident memory per key, and the time to load, to save or checkpoint, and to open again."""
    columns = ["server", "resident B/key", "of it anonymous", "load s", "save s", "open s", "keys after opening"]
    table = Table(f"{scale.memory_keys:,} keys of 16 bytes with {VALUE_BYTES}-byte values", columns)
    for contestant in contestants:
        progress(f"memory and opening: {contestant.label}")
        server = Server(contestant)
        try:
            table.add(contestant.label, *memory_of(server, scale.memory_keys))
        finally:
            server.remove()
    return table


def memory_of(server: Server, keys: int) -> list[float]:
    resident, anonymous = server.resident_bytes()
    load_s = load(server.port, keys, VALUE_BYTES)
    server.settle()
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
    table = Table(
        "SET P1, quiet and during a checkpoint", ["server", "when", "k req/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms"]
    )
    for contestant in contestants:
        progress(f"checkpoints: {contestant.label}")
        server = Server(contestant)
        try:
            load(server.port, scale.keys, VALUE_BYTES)
            server.settle()
            pilot = benchmark(server, "set", 1, PILOT_PIPELINES, scale.keys)
            commands = max(PILOT_PIPELINES, int(pilot.per_second * scale.seconds))
            quiet = [benchmark(server, "set", 1, commands, scale.keys) for _ in range(scale.rounds)]
            with Checkpoints(server):
                busy = [benchmark(server, "set", 1, commands, scale.keys) for _ in range(scale.rounds)]
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
            return compare("Commands", everyday, ("set", "get"), scale.pipelines, scale)
        case "logged":
            return compare("A log synced each second", at("os"), ("set",), (1, 16), scale)
        case "sync":
            return compare("Synced before the answer", at("disk"), ("set",), (1, 16), scale)
        case "memory":
            return memory_and_opening(everyday, scale)
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
