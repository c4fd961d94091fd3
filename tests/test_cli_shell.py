"""`kvark shell`: one command, commands from standard input, completion, and what it says without its libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kvark
import pytest
from kvark._cli import _prompt, main
from kvark._cli import shell as shell_word
from kvark._cli._client import Client, Place, Refusal, Status
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document


@pytest.fixture
def server() -> Iterator[kvark.Server]:
    with kvark.Server(":memory:", requirepass="s3cret") as running:
        yield running


def shell(server: kvark.Server, *command: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "kvark", "shell", "--url", server.url, *command]
    return subprocess.run(
        line, input=typed, capture_output=True, text=True, timeout=60, check=False, env=os.environ | environ
    )


def test_one_command(server: kvark.Server) -> None:
    server.store["a"] = b'say "hi"'
    assert (shell(server, "GET", "a").stdout, shell(server, "GET", "b").stdout) == ('"say \\"hi\\""\n', "(nil)\n")
    wrong = shell(server, "GET")
    assert wrong.returncode == 1
    assert wrong.stdout == "(error) ERR wrong number of arguments for 'get' command\n"


def test_lines_of_standard_input(server: kvark.Server) -> None:
    done = shell(server, typed='SET "a b" \'x y\'\n# a comment\n\nINCR n\nMGET "a b" n nobody\n')
    assert (done.returncode, done.stdout) == (0, 'OK\n(integer) 1\n1) "x y"\n2) "1"\n3) (nil)\n')
    assert shell(server, typed="PING\nNOSUCH\nPING\n").returncode == 1


def test_a_server_that_is_not_there() -> None:
    line = [sys.executable, "-m", "kvark", "shell", "--url", "redis://127.0.0.1:1/0", "PING"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("kvark: ")
    assert "Traceback" not in done.stderr


def test_without_its_libraries_the_prompt_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "rich" else name)
    assert main(["shell"]) == 1
    assert capsys.readouterr().err == "kvark: the prompt needs rich: pip install 'kvark[tools]'\n"


def test_a_wrong_password_and_a_wrong_url(server: kvark.Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell", "--url", server.url.replace("s3cret", "wrong"), "PING"]) == 1
    assert "refused HELLO: WRONGPASS" in capsys.readouterr().err
    assert main(["shell", "--url", "http://127.0.0.1", "PING"]) == 1
    assert "use redis://host:port/db" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        (None, ["(nil)"]),
        (True, ["(true)"]),
        (Status("OK"), ["OK"]),
        (Refusal("ERR no"), ["(error) ERR no"]),
        (b'a\n\\"', ['"a\\n\\\\\\""']),
        (7, ["(integer) 7"]),
        (b"a\xff", ['"a\\xff"']),
        ([], ["(empty list)"]),
        ({}, ["(empty map)"]),
        ([b"a", [1, None]], ['1) "a"', "2) 1) (integer) 1", "   2) (nil)"]),
        ({b"k": [b"x", b"y"]}, ['1# "k" => 1) "x"', '          2) "y"']),
    ],
)
def test_replies_are_shown(reply: Any, lines: list[str]) -> None:
    assert list(shell_word.shown(reply)) == lines


def test_commands_are_completed_from_the_servers_documentation(server: kvark.Server) -> None:
    with Client(Place.of_url(server.url)) as client:
        commands = _prompt.Commands(_prompt.documented(client))
    found = {each.text for each in commands.get_completions(Document("getd"), CompleteEvent())}
    assert found == {"GETDEL"}
    assert not list(commands.get_completions(Document(""), CompleteEvent()))


def test_a_line_with_a_password_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_prompt, "HISTORY", tmp_path / "deep" / "history")
    history = _prompt.History()
    for line in ("SET a 1", "auth s3cret", "CONFIG  SET requirepass s3cret", "HELLO 3 AUTH default s3cret"):
        history.append_string(line)
    assert "s3cret" not in (tmp_path / "deep" / "history").read_text()
    assert list(_prompt.History().load_history_strings()) == ["SET a 1"]
