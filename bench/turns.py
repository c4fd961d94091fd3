"""Contestants take turns at a test, and a table says what it cost each of them.

Invariant: contestants take turns within every cell, so a noisy minute falls on all of them.
"""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.report import Table, median, progress
from bench.servers import CLIENT_CORE, Contestant, Server

CONNECTIONS = 50
VALUE_BYTES = 64
LATENCIES = ("p50 ms", "p99 ms", "p99.9 ms", "max ms")


@dataclass(frozen=True)
class Scale:
    """How much work a run does."""

    keys: int
    memory_keys: int
    seconds: float
    rounds: int
    pipelines: tuple[int, ...]
    pilot: int
    """Pipelines of the run that finds how many commands fill the time."""
    idle_s: float
    """How long a server must be idle to have settled."""


def nothing(_: Server) -> bool:
    """Prepares nothing."""
    return False


@dataclass(frozen=True)
class Test:
    """One command as redis-benchmark sends it."""

    label: str
    tool: tuple[str, ...]
    """What redis-benchmark is told: `-t NAME`, or the words themselves."""
    before: Callable[[Server], bool] = nothing
    """Prepares a server for one run; whether there was something to do."""
    most: int | None = None
    """The most commands of one run."""
    command: str = "PING"
    """A server that does not know this command is left out."""

    def commands(self, wanted: int) -> int:
        return wanted if self.most is None else min(wanted, self.most)


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


def benchmark(server: Server, test: Test, pipeline: int, wanted: int, scale: Scale) -> Measurement:
    """One run of redis-benchmark on the client's core."""
    commands = test.commands(wanted)
    if test.before(server):
        server.settle(scale.idle_s)
    tool = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CONNECTIONS)]
    work = ["-n", str(commands), "-r", str(scale.keys), "-d", str(VALUE_BYTES), "-P", str(pipeline), *test.tool]
    user, system = server.cpu_seconds()
    done = subprocess.run(["taskset", "-c", str(CLIENT_CORE), *tool, *work], capture_output=True, text=True, check=True)
    user_after, system_after = server.cpu_seconds()
    if "error" in (done.stdout + done.stderr).lower():
        raise RuntimeError(
            f"{server.contestant.label} answered with an error: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    per_second, latency_ms = read_benchmark(done.stdout)
    later_s = server.settle(scale.idle_s)
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


def take_turns(servers: Sequence[Server], test: Test, pipeline: int, scale: Scale) -> dict[str, Measurement]:
    """Every contestant's median of one cell, after a pilot that finds how many commands fill the time."""
    runs: dict[str, list[Measurement]] = {server.contestant.label: [] for server in servers}
    counts = {}
    for server in servers:
        with server.awake():
            pilot = benchmark(server, test, pipeline, scale.pilot * pipeline, scale)
        counts[server.contestant.label] = max(scale.pilot * pipeline, int(pilot.per_second * scale.seconds))
    for _ in range(scale.rounds):
        for server in servers:
            with server.awake():
                label = server.contestant.label
                runs[label].append(benchmark(server, test, pipeline, counts[label], scale))
    return {label: median(measured, by=lambda m: m.cpu_us) for label, measured in runs.items()}


def compare(
    title: str,
    contestants: Sequence[Contestant],
    tests: Sequence[Test],
    pipelines: Sequence[int],
    scale: Scale,
    load: Callable[[Server], object] = nothing,
) -> Table:
    """The table of CPU, throughput and latency for every test and pipeline depth."""
    table = Table(title, ["command", "server", "CPU us", "user", "system", "later", "k req/s", *LATENCIES])
    with ExitStack() as stack:
        known: dict[Server, set[str]] = {}
        for contestant in contestants:
            server = Server(contestant)
            stack.callback(server.remove)
            known[server] = {test.command for test in tests if server.serves(test.command)}
            load(server)
            server.settle(scale.idle_s)
            server.halt()
        for pipeline, test in itertools.product(pipelines, tests):
            cell = f"{test.label} P{pipeline}"
            progress(f"{title}: {cell}")
            able = [server for server, commands in known.items() if test.command in commands]
            for label, m in take_turns(able, test, pipeline, scale).items():
                parts_us = [seconds / m.commands * 1e6 for seconds in (m.user_s, m.system_s, m.later_s)]
                table.add(cell, label, m.cpu_us, *parts_us, m.per_second / 1e3, *m.latency_ms.values())
    return table
