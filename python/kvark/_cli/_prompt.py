"""The prompt of `kvark shell`: completion, history, colour. Needs the extra `kvark[tools]`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from rich.console import Console
from rich.text import Text

from kvark._cli._client import Client
from kvark._cli.shell import execute

HISTORY = Path("~/.local/state/kvark/history")
# Lines that hold a secret are not kept.
SECRETS = ("AUTH", "HELLO", "CONFIG SET REQUIREPASS")
LEAVE = ("quit", "exit")


def converse(client: Client) -> int:
    """Executes what is typed until the person leaves."""
    out = Console(highlight=False, soft_wrap=True)
    session: PromptSession[str] = PromptSession(history=History(), completer=Commands(documented(client)))
    while True:
        try:
            line = session.prompt(f"{client.place}> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if line.strip().lower() in LEAVE:
            return 0
        lines, went_well = execute(client, line)
        for each in lines:
            out.print(Text(each, style="" if went_well else "red"))


class History(FileHistory):
    """What was typed before, without the lines that hold a password."""

    def __init__(self) -> None:
        path = HISTORY.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(str(path))

    def store_string(self, string: str) -> None:
        if not " ".join(string.upper().split()).startswith(SECRETS):
            super().store_string(string)


def documented(client: Client) -> dict[str, str]:
    """Every command with its summary, as the server documents it."""
    docs = client.ask("COMMAND", "DOCS")
    found: dict[str, str] = {}
    for name, doc in docs.items() if isinstance(docs, dict) else ():
        found[name.decode().upper()] = doc.get(b"summary", b"").decode()
        for inner, one in doc.get(b"subcommands", {}).items():
            found[inner.decode().upper().replace("|", " ")] = one.get(b"summary", b"").decode()
    return found


class Commands(Completer):
    """Completes the names of commands and of their sub-commands."""

    def __init__(self, summaries: dict[str, str]) -> None:
        self.summaries = summaries

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        typed = document.text_before_cursor.lstrip()
        for name, summary in sorted(self.summaries.items()):
            if name.startswith(typed.upper()) and typed:
                yield Completion(name, start_position=-len(typed), display_meta=summary)
