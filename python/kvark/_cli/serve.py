"""`kvark serve`: opens the store and serves it until SIGTERM, SIGINT or a client's SHUTDOWN.

The event loops are threads of the native half; this thread only waits. A signal, or the end of the server, writes a
byte into a pipe that it reads. From then on signals have their default effect, so a second Ctrl-C ends the process at
once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kvark import _config, _native
from kvark._errors import KvarkError
from kvark._store import Store

if TYPE_CHECKING:
    _Words = argparse._SubParsersAction[argparse.ArgumentParser]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

EPILOG = """\
A setting is looked for in this order: its flag, its environment variable (KVARK_PORT, KVARK_LOG_MAX_BYTES, ...), the
file of --config (TOML, or a redis.conf), its default. A password in a flag is seen by everybody who lists processes:
prefer KVARK_REQUIREPASS or the file.
"""


def add_to(words: _Words) -> None:
    serve = words.add_parser(
        "serve",
        help="serve a store to Redis clients",
        description="Serves the store in --dir to every Redis client.",
        epilog=EPILOG,
        allow_abbrev=False,
    )
    serve.add_argument("--config", type=Path, metavar="FILE", help="a TOML file or a redis.conf")
    for row in _native.SETTINGS:
        value = "|".join(row.choices) or row.kind.upper()
        default = f" (default: {row.default})" if row.default else ""
        text = (row.doc + default).replace("%", "%%")
        serve.add_argument(f"--{row.name}", type=checked(row.name), metavar=value, help=text)
    serve.set_defaults(run=run)


def checked(name: str) -> Callable[[str], str]:
    """Checks a flag's value by its row, so that a wrong one is an error of the command line."""

    def check(value: str) -> str:
        try:
            return _native.check_setting(name, value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return check


def run(options: argparse.Namespace) -> int:
    given = vars(options)
    flags = {name: given[name.replace("-", "_")] for name in sorted(set(_config.NAMES.values()))}
    config = _config.load(
        {name: value for name, value in flags.items() if value is not None}, os.environ, options.config
    )
    for warning in config.warnings:
        print(f"kvark: {warning}", file=sys.stderr)
    with woken_by_signals() as (reader, writer):
        store = Store._opened(config["dir"], config.settings)
        try:
            server = _native.Server(store, {}, False, config.file)
            print(first_line(server, store), flush=True)
            failures = watch(server, writer)
            os.read(reader, 1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            server.stop()
        finally:
            store.close()
    if failures:
        raise failures[0]
    return 0


def first_line(server: _native.Server, store: Store) -> str:
    addresses = ", ".join(server.addresses)
    where = f"data in {store.path}" if store.durability != "memory" else "data in memory only"
    return f"kvark {_native.__version__} listens on {addresses}; {where}; durability {store.durability}"


@contextmanager
def woken_by_signals() -> Iterator[tuple[int, int]]:
    """A pipe into which every signal that ends the server writes a byte."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: None)
    try:
        yield reader, writer
    finally:
        signal.set_wakeup_fd(-1)


def watch(server: _native.Server, writer: int) -> list[KvarkError]:
    """Writes a byte when the server ends by itself; a failure that ended it is in the list then."""
    failures: list[KvarkError] = []

    def wait() -> None:
        try:
            server.wait()
        except KvarkError as error:
            failures.append(error)
        os.write(writer, b"\0")

    threading.Thread(target=wait, name="kvark-watch", daemon=True).start()
    return failures
