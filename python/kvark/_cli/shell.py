"""`kvark shell`: a prompt to a running server, or one command of the line's end, or the commands of standard input.

Invariant: the base wheel has no dependency; what this needs comes with the extra `kvark[tools]` and is imported only
by the module behind it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    _Words = argparse._SubParsersAction[argparse.ArgumentParser]

NEEDED = ("redis", "prompt_toolkit", "rich")


def add_to(words: _Words) -> None:
    shell = words.add_parser(
        "shell",
        help="talk to a server, with completion and history",
        description="A prompt to a running server. With a COMMAND, or with lines on standard input, it only answers.",
        epilog="The password is taken from the URL (redis://:secret@host:port/0) or from KVARK_REQUIREPASS.",
        allow_abbrev=False,
    )
    url = os.environ.get("KVARK_URL", "redis://127.0.0.1:6379/0")
    shell.add_argument(
        "--url", default=url, help="redis://host:port/db or unix:///path/of.sock (default: KVARK_URL or %(default)s)"
    )
    shell.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="one command to execute")
    shell.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f"kvark: the shell needs {', '.join(missing)}: pip install 'kvark[tools]'", file=sys.stderr)
        return 1
    from kvark._cli._prompt import converse

    return converse(options.url, options.command)
