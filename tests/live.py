"""A real server in a process of its own, for one test.

Invariant: a server listens on loopback, on a port that was free, over a folder of its test, and ends with its test.
With `--server PROGRAM` the same tests run against Redis or Valkey, which shows that a test asks for what they do.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
LONG = os.environ.get("KVARK_LONG") == "1"


class LiveServer:
    def __init__(self, folder: Path, *options: str, durability: str = "os", program: str | None = None) -> None:
        self.folder = folder
        self.options = options
        self.durability = durability
        self.program = program
        self.port = free_port()
        self.start()

    def command(self) -> list[str]:
        where = ["--port", str(self.port), "--dir", str(self.folder), *self.options]
        if self.program:
            return [self.program, *where, "--save", "", "--appendonly", "yes", "--enable-debug-command", "yes"]
        return [sys.executable, "-m", "kvark", "serve", "--durability", self.durability, *where]

    def start(self) -> None:
        self.output = self.folder.parent / f"{self.folder.name}-{self.port}.out"
        environment = os.environ | {"KVARK_ENABLE_DEBUG_COMMAND": "yes"}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with self.connect() as connection:
                    connection.sendall(b"PING\r\n")
                    if not connection.recv(64).startswith(b"-LOADING"):
                        return
            except OSError:
                time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"the server did not start: {self.said()}")

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def client(self, **options: Any) -> redis.Redis:
        """A client that never sends a command twice: a test that kills the server must know what was sent."""
        once = Retry(NoBackoff(), 0)
        return redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=20, retry=once, **options)

    def kill(self) -> None:
        """As a crash or the kernel would: no goodbye, nothing flushed."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As an administrator would; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def end(self) -> None:
        if self.process.poll() is None:
            self.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
