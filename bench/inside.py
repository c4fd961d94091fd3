"""redis-py and valkey-py inside the process and over TCP: `python -m bench.inside`.

The same client on one thread: what differs is what lies between it and the store. Over TCP that is another process.

Invariant: the ways take turns within every round, and an answer that is not the value that was set stops the run.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import kvark
import kvark.redis
import kvark.valkey
import redis
import valkey

from bench.report import Plot, Report, Table, progress
from bench.servers import Contestant, Server

VALUE = b"v" * 64
LIBRARIES = {"redis-py": (redis, redis.Redis, kvark.redis), "valkey-py": (valkey, valkey.Valkey, kvark.valkey)}
COLUMNS = ["GET", "SET", "GET in a pipeline of 100", "MULTI of 10", "async GET"]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a moment of each part, to see that it works")
    parser.add_argument("--seconds", type=float, help="how long one measurement takes (default 0.5)")
    parser.add_argument("--rounds", type=int, help="rounds of which the median is taken (default 5)")
    parser.add_argument("--out", type=Path, default=Path("bench/results"), help="folder of the table and the plot")
    options = parser.parse_args(argv)
    seconds = options.seconds or (0.01 if options.small else 0.5)
    table = compare(options.rounds or (1 if options.small else 5), seconds)
    Report("inside", "Clients inside the process", [table], [Plot.of_rows(table, "us")]).write(options.out)
    return 0


def compare(rounds: int, seconds: float) -> Table:
    figures: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="kvark-bench-") as folder, ExitStack() as stack:
        db = stack.enter_context(kvark.open(Path(folder) / "inside"))
        server = Server(Contestant("kvark", "os"))
        stack.callback(server.remove)
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for name, (library, client, inside) in LIBRARIES.items():
                over_tcp = {"host": "127.0.0.1", "port": server.port, "protocol": 3}
                ways = {
                    "TCP": (client(**over_tcp), getattr(library.asyncio, client.__name__)(**over_tcp)),
                    "inside": (inside.client(db, protocol=3), inside.aclient(db, protocol=3)),
                }
                for way, (one, other) in ways.items():
                    figures.setdefault(f"{name} {library.__version__}, {way}", []).append(measured(one, other, seconds))
    table = Table(f"us per command, values of {len(VALUE)} bytes, RESP3", ["client", *COLUMNS])
    for name, runs in figures.items():
        table.add(name, *(statistics.median(column) for column in zip(*runs, strict=True)))
    return table


def measured(client: Any, other: Any, seconds: float) -> list[float]:
    """The columns for one client and its twin, which are closed then."""
    client.set("key", VALUE)
    figures = [
        us_per_call(lambda: require(client.get("key")), seconds),
        us_per_call(lambda: client.set("key", VALUE), seconds),
        us_per_call(lambda: many(client.pipeline(transaction=False), 100), seconds) / 100,
        us_per_call(lambda: many(client.pipeline(), 10), seconds),
        asyncio.run(us_per_await(other, seconds)),
    ]
    client.close()
    return figures


def us_per_call(call: Callable[[], object], seconds: float) -> float:
    calls, began, ends = 0, time.perf_counter(), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for _ in range(10):
            call()
        calls += 10
    return (time.perf_counter() - began) / calls * 1e6


async def us_per_await(client: Any, seconds: float) -> float:
    calls, began, ends = 0, time.perf_counter(), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for _ in range(10):
            require(await client.get("key"))
        calls += 10
    spent = time.perf_counter() - began
    await client.aclose()
    return spent / calls * 1e6


def many(pipe: Any, gets: int) -> None:
    for _ in range(gets):
        pipe.get("key")
    require(pipe.execute()[-1])


def require(value: object) -> None:
    if value != VALUE:
        raise SystemExit(f"a GET answered {value!r}, which is not what was set")


if __name__ == "__main__":
    raise SystemExit(main())
