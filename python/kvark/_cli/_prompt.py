"""The conversation of `kvark shell`: lines in, replies out. Needs the extra `kvark[tools]`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from redis.connection import parse_url
from redis.exceptions import RedisError, ResponseError
from rich.console import Console
from rich.text import Text

HISTORY = Path("~/.local/state/kvark/history")
# Lines that hold a secret are not kept.
SECRETS = ("AUTH", "HELLO", "CONFIG SET REQUIREPASS")
LEAVE = ("quit", "exit")


def converse(url: str, command: Sequence[str]) -> int:
    """Executes `command`, or the lines of standard input, or what is typed; 1 when something failed."""
    out = Console(highlight=False, soft_wrap=True)
    try:
        connection = connect(url)
        if command:
            return int(not answer(connection, list(command), out))
        if sys.stdin.isatty():
            return prompt(connection, url, out)
        return int(not execute(connection, sys.stdin, out))
    except RedisError as error:
        print(f"kvark: {error}", file=sys.stderr)
        return 1


def connect(url: str) -> Any:
    """A connection that hands replies over as they came."""
    options = parse_url(url)  # type: ignore[no-untyped-call]
    kind = options.pop("connection_class", redis.Connection)
    password = os.environ.get("KVARK_REQUIREPASS")
    if password:
        options.setdefault("password", password)
    connection = kind(protocol=3, **options)
    connection.connect()
    return connection


def execute(connection: Any, lines: Iterable[str], out: Console) -> bool:
    """Executes every line; false when one of them failed."""
    failed = 0
    for line in lines:
        failed += not answer_line(connection, line, out)
    return not failed


def answer_line(connection: Any, line: str, out: Console) -> bool:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        out.print(Text(f"(error) {error}", style="red"))
        return False
    return answer(connection, words, out) if words else True


def answer(connection: Any, words: Sequence[str], out: Console) -> bool:
    """Executes one command and shows its reply; false when that is an error."""
    connection.send_command(*words)
    try:
        reply = connection.read_response()
    except ResponseError as error:
        out.print(Text(f"(error) {error}", style="red"))
        return False
    for line in shown(reply):
        out.print(Text(line))
    return True


def shown(reply: Any, indent: str = "") -> Iterator[str]:
    """A reply as lines, nested ones further in."""
    match reply:
        case dict():
            yield from numbered((f"{quoted(name)} => ", value, "#") for name, value in reply.items()) or ["(empty map)"]
        case list() | set() | tuple():
            yield from numbered(("", item, ")") for item in reply) or ["(empty list)"]
        case _:
            yield indent + quoted(reply)


def numbered(rows: Iterable[tuple[str, Any, str]]) -> list[str]:
    lines = []
    for number, (name, value, mark) in enumerate(rows, 1):
        head = f"{number}{mark} {name}"
        first, *rest = shown(value)
        lines += [head + first, *(" " * len(head) + line for line in rest)]
    return lines


def quoted(value: Any) -> str:
    match value:
        case None:
            return "(nil)"
        case bool():
            return "(true)" if value else "(false)"
        case int():
            return f"(integer) {value}"
        case bytes():
            text = value.decode("utf-8", "backslashreplace")
            return text if "\n" in text else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return str(value)


def prompt(connection: Any, url: str, out: Console) -> int:
    session: PromptSession[str] = PromptSession(history=History(), completer=Commands(documented(connection)))
    parts = urlsplit(url)
    name = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
    while True:
        try:
            line = session.prompt(f"{name}> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if line.strip().lower() in LEAVE:
            return 0
        answer_line(connection, line, out)


class History(FileHistory):
    """What was typed before, without the lines that hold a password."""

    def __init__(self) -> None:
        path = HISTORY.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(str(path))

    def store_string(self, string: str) -> None:
        if not " ".join(string.upper().split()).startswith(SECRETS):
            super().store_string(string)


def documented(connection: Any) -> dict[str, str]:
    """Every command with its summary, as the server documents it."""
    connection.send_command("COMMAND", "DOCS")
    try:
        docs = connection.read_response()
    except ResponseError:
        return {}
    found: dict[str, str] = {}
    for name, doc in docs.items():
        found[text_of(name).upper()] = text_of(doc.get(b"summary", b""))
        for inner, one in doc.get(b"subcommands", {}).items():
            found[text_of(inner).upper().replace("|", " ")] = text_of(one.get(b"summary", b""))
    return found


def text_of(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Commands(Completer):
    """Completes the names of commands and of their sub-commands."""

    def __init__(self, summaries: dict[str, str]) -> None:
        self.summaries = summaries

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        typed = document.text_before_cursor.lstrip()
        for name, summary in sorted(self.summaries.items()):
            if name.startswith(typed.upper()) and typed:
                yield Completion(name, start_position=-len(typed), display_meta=summary)
