"""`kvark shell`: one command, or the lines of standard input, or a prompt.

Invariant: the base wheel has no dependency; only the prompt has, and imports them behind `_prompt`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kvark._cli._client import Client, Place, Refusal, Reply

if TYPE_CHECKING:
    _Words = argparse._SubParsersAction[argparse.ArgumentParser]

NEEDED_TO_PROMPT = ("prompt_toolkit", "rich")


def add_to(words: _Words) -> None:
    shell = words.add_parser(
        "shell",
        help="talk to a server, with completion and history",
        description="A prompt to a running server. With a COMMAND, or with lines on standard input, it only answers.",
        epilog="The password is taken from the URL (redis://:secret@host:port/0) or from KVARK_REQUIREPASS.",
        allow_abbrev=False,
    )
    default = os.environ.get("KVARK_URL", "redis://127.0.0.1:6379/0")
    text = "redis://host:port/db or unix:///path/of.sock (default: KVARK_URL, else redis://127.0.0.1:6379/0)"
    shell.add_argument("--url", default=default, help=text)
    shell.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="one command to execute")
    shell.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    prompts = not options.command and sys.stdin.isatty()
    missing = [name for name in NEEDED_TO_PROMPT if prompts and importlib.util.find_spec(name) is None]
    if missing:
        print(f"kvark: the prompt needs {' and '.join(missing)}: pip install 'kvark[tools]'", file=sys.stderr)
        return 1
    with Client(Place.of_url(options.url)) as client:
        if prompts:
            from kvark._cli._prompt import converse

            return converse(client)
        lines = [shlex.join(options.command)] if options.command else sys.stdin
        return int(sum(not say(client, line) for line in lines) > 0)


def say(client: Client, line: str) -> bool:
    """Executes one line and prints the reply; false when that is an error."""
    lines, went_well = execute(client, line)
    for each in lines:
        print(each)
    return went_well


def execute(client: Client, line: str) -> tuple[list[str], bool]:
    """The lines that show the reply to `line`, and whether it went well."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        return [f"(error) {error}"], False
    if not words:
        return [], True
    reply = client.ask(*words)
    return list(shown(reply)), not isinstance(reply, Refusal)


def shown(reply: Reply) -> Iterator[str]:
    """A reply as lines, nested ones further in."""
    match reply:
        case dict():
            rows = [(f"{number}# {quoted(key)} => ", value) for number, (key, value) in enumerate(reply.items(), 1)]
            yield from nested(rows) if rows else ["(empty map)"]
        case list():
            yield from (
                nested((f"{number}) ", item) for number, item in enumerate(reply, 1)) if reply else ["(empty list)"]
            )
        case _:
            yield quoted(reply)


def nested(rows: Iterable[tuple[str, Reply]]) -> Iterator[str]:
    for head, value in rows:
        first, *rest = shown(value)
        yield head + first
        yield from (" " * len(head) + line for line in rest)


def escaped(value: bytes) -> str:
    """Text as it is; what is none, or would break the line, as in Python."""
    text = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"').decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def quoted(value: Reply) -> str:
    match value:
        case None:
            return "(nil)"
        case bool():
            return "(true)" if value else "(false)"
        case int():
            return f"(integer) {value}"
        case bytes():
            return '"' + escaped(value) + '"'
        case Refusal():
            return f"(error) {value}"
        case _:
            return str(value)
