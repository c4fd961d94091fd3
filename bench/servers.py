"""Starting a server on one core, watching what it costs, ending it.

Invariant: a server listens on loopback only and keeps its data in its own temporary folder.
Invariant: a server that is not being measured is halted (SIGSTOP), so it cannot disturb its neighbour on the core.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE = 0
CLIENT_CORE = 1
START_TIMEOUT_S = 120
SETTLE_TIMEOUT_S = 30
# A server that uses less than this share of its core has nothing left to do.
IDLE_SHARE = 0.05
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# What each of our durability levels is called by Redis and its relatives.
REDIS_LEVELS = {
    "memory": ["--appendonly", "no"],
    "os": ["--appendonly", "yes", "--appendfsync", "everysec"],
    "disk": ["--appendonly", "yes", "--appendfsync", "always"],
}


@dataclass(frozen=True)
class Contestant:
    """A server program at one level of durability; `program` is None for Kvark itself."""

    name: str
    durability: str
    program: str | None = None

    @property
    def label(self) -> str:
        return f"{self.name} ({self.durability})"

    def command(self, port: int, folder: Path) -> list[str]:
        where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        if self.program is None:
            kvark = [sys.executable, "-m", "kvark", "serve", "--threads", "1", "--durability", self.durability]
            return kvark + where
        return [self.program, "--save", "", "--daemonize", "no", *REDIS_LEVELS[self.durability], *where]


class Server:
    """A running contestant, pinned to the server's core."""

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        self.folder = Path(tempfile.mkdtemp(prefix="kvark-bench-"))
        self.start()

    def start(self) -> float:
        """Starts the program over the folder as it is; the seconds until it answers are the time it takes to open."""
        self.port = free_port()
        log = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        pinned = ["taskset", "-c", str(SERVER_CORE), *self.contestant.command(self.port, self.folder)]
        began = time.perf_counter()
        self.process = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self._wait_until_it_serves(began)
        return time.perf_counter() - began

    def _wait_until_it_serves(self, began: float) -> None:
        while True:
            if self.process.poll() is not None or time.perf_counter() - began > START_TIMEOUT_S:
                self.kill()
                raise RuntimeError(f"{self.contestant.label} did not start: {self.log_path.read_text()[-2000:]}")
            try:
                if self.ask("PING").startswith(b"+PONG"):
                    return
            except OSError:
                pass
            time.sleep(0.005)

    @property
    def log_path(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"

    def ask(self, *words: str) -> bytes:
        """Sends one command and returns the first bytes of the raw reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=START_TIMEOUT_S) as connection:
            connection.sendall(encode(*words))
            return connection.recv(65536)

    def serves(self, command: str) -> bool:
        """Whether it knows the command."""
        return not self.ask("COMMAND", "INFO", command).startswith((b"*1\r\n*-1", b"*1\r\n$-1", b"*1\r\n_"))

    def run(self, commands: Iterable[Sequence[str]], batch: int = 1_000) -> None:
        """Sends commands whose answers nobody needs; raises `RuntimeError` when one is refused."""
        commands = iter(commands)
        with socket.create_connection(("127.0.0.1", self.port), timeout=START_TIMEOUT_S) as connection:
            while some := list(itertools.islice(commands, batch)):
                connection.sendall(b"".join(encode(*words) for words in [*some, ["PING"]]))
                answers = read_until(connection, b"+PONG\r\n")
                if refusal := re.search(rb"^-.*", answers, re.MULTILINE):
                    raise RuntimeError(f"{self.contestant.label} refused: {refusal[0][:200]!r}")

    def keys(self) -> int:
        return int(self.ask("DBSIZE")[1:].split(b"\r")[0])

    def cpu_seconds(self) -> tuple[float, float]:
        """User and system time of all threads since the start."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[11]) / TICKS_PER_SECOND, int(after_name[12]) / TICKS_PER_SECOND

    def settle(self, idle_s: float) -> float:
        """Waits until what the work left behind (checkpoints, merges) is done, and the server idle for so long; the CPU
        seconds that it took.
        """
        before = sum(self.cpu_seconds())
        deadline = time.perf_counter() + SETTLE_TIMEOUT_S
        while time.perf_counter() < deadline:
            start = sum(self.cpu_seconds())
            time.sleep(idle_s)
            if sum(self.cpu_seconds()) - start <= IDLE_SHARE * idle_s:
                break
        return sum(self.cpu_seconds()) - before

    def resident_bytes(self) -> tuple[int, int]:
        """All resident memory, and the part of it that is not the pages of a file."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        kib = {line.split(":")[0]: int(line.split()[1]) for line in status if line.endswith(" kB")}
        return kib["VmRSS"] * 1024, kib["RssAnon"] * 1024

    def halt(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Lets a halted server run for the length of a measurement."""
        self.process.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.halt()

    def end(self) -> None:
        """A clean shutdown: what a restart then opens is what a user's restart opens."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        if self.process.poll() is None:
            self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.log_path.unlink(missing_ok=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def encode(*words: str) -> bytes:
    """One command in RESP."""
    body = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    return f"*{len(words)}\r\n{body}".encode()


def load(port: int, keys: int, value_bytes: int, batch: int = 10_000) -> float:
    """Sets `key:000000000000` and on, the names that redis-benchmark draws from; returns the seconds it took."""
    value = "x" * value_bytes
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for first in range(0, keys, batch):
            numbers = range(first, min(first + batch, keys))
            connection.sendall(b"".join(encode("SET", f"key:{number:012d}", value) for number in numbers))
            read_exactly(connection, len(b"+OK\r\n") * len(numbers))
    return time.perf_counter() - began


def read_until(connection: socket.socket, end: bytes) -> bytes:
    parts = bytearray()
    while not parts.endswith(end):
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError(f"the server closed the connection after {len(parts)} bytes")
        parts += part
    return bytes(parts)


def read_exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(1 << 16, count - len(parts)))
        if not part:
            raise ConnectionError(f"the server closed the connection after {len(parts)} of {count} bytes")
        parts += part
    return bytes(parts)
