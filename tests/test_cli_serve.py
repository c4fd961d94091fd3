"""`kvark serve` as a person meets it: its first line, its exit codes, and one clear line when it cannot be done."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import kvark
import pytest
from live import free_port

Serve = Callable[..., "subprocess.Popen[str]"]
TIMEOUT_S = 30


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: object, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "kvark", "serve", *map(str, options)]
        pipe = subprocess.PIPE
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("KVARK_", "PYTHONUNB"))
        } | environ
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=env))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def refused(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr of a server that does not start."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert out == ""
    assert "Traceback" not in err
    return process.returncode, err


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def say(port: int, line: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        connection.sendall(line + b"\r\n")
        return connection.recv(4096)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_line_tells_and_a_signal_ends_cleanly(serve: Serve, tmp_path: Path, number: int) -> None:
    port = free_port()
    process = serve("--port", port, "--dir", tmp_path / "data", "--threads", 1)
    line = first_line(process)
    assert (
        line == f"kvark {kvark.__version__} listens on 127.0.0.1:{port}; data in {tmp_path / 'data'}; durability os\n"
    )
    assert say(port, b"SET a 1") == b"+OK\r\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, out, err) == (0, "", "")
    with kvark.open(tmp_path / "data") as db:
        assert dict(db) == {b"a": b"1"}


def test_shutdown_ends_cleanly(serve: Serve, tmp_path: Path) -> None:
    port = free_port()
    process = serve("--port", port, "--dir", tmp_path / "data", "--durability", "memory")
    assert first_line(process).endswith("data in memory only; durability memory\n")
    assert say(port, b"SHUTDOWN NOSAVE") == b""
    assert process.communicate(timeout=TIMEOUT_S) == ("", "")
    assert process.returncode == 0
    assert not (tmp_path / "data").exists()


def test_a_unix_socket_without_tcp(serve: Serve, tmp_path: Path) -> None:
    process = serve("--port", 0, "--unixsocket", tmp_path / "k.sock", "--dir", tmp_path / "data")
    assert f"listens on {tmp_path / 'k.sock'};" in first_line(process)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tmp_path / "k.sock"))
        connection.sendall(b"PING\r\n")
        assert connection.recv(64) == b"+PONG\r\n"


def test_the_second_signal_ends_at_once(serve: Serve, tmp_path: Path) -> None:
    """A client that does not read its answer makes the clean end wait for about a second."""
    port = free_port()
    process = serve("--port", port, "--dir", tmp_path / "data", "--durability", "memory")
    first_line(process)
    assert say(port, b"SETRANGE big 67108864 x") == b":67108865\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as slow:
        slow.sendall(b"GET big\r\n")
        slow.recv(1)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == -signal.SIGINT


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--prot", "1"], "unrecognized arguments: --prot 1"),
        (["--port", "99999"], "argument --port: argument must be between 0 and 65535 inclusive"),
        (
            ["--durability", "quorum"],
            "argument --durability: argument(s) must be one of the following: memory, os, disk",
        ),
        (["--maxclients"], "argument --maxclients: expected one argument"),
    ],
)
def test_a_wrong_flag_is_an_error_with_the_usage(serve: Serve, options: list[str], says: str) -> None:
    code, err = refused(serve(*options))
    assert code == 2
    assert err.startswith("usage: kvark")
    assert says in err


def test_a_port_in_use(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, err = refused(serve("--port", port, "--dir", tmp_path / "data"))
    assert code == 1
    assert err.count("\n") == 1
    assert f"127.0.0.1:{port}" in err


def test_a_directory_in_use(serve: Serve, tmp_path: Path) -> None:
    with kvark.open(tmp_path / "data"):
        code, err = refused(serve("--port", free_port(), "--dir", tmp_path / "data"))
    assert code == 1
    assert err.count("\n") == 1
    assert str(os.getpid()) in err


def test_a_directory_that_cannot_be_made(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, err = refused(serve("--port", free_port(), "--dir", tmp_path / "file" / "data"))
    assert (code, err.count("\n")) == (1, 1)
    assert str(tmp_path / "file") in err


def test_a_bad_variable_and_a_bad_file(serve: Serve, tmp_path: Path) -> None:
    code, err = refused(serve(KVARK_PORT="many"))
    assert (code, err.count("\n")) == (1, 1)
    assert "KVARK_PORT: port: argument couldn't be parsed into an integer" in err
    (tmp_path / "bad.conf").write_text("port 7\nprot 8\n")
    code, err = refused(serve("--config", tmp_path / "bad.conf"))
    assert (code, err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'bad.conf'}:2: there is no setting 'prot'" in err
    code, err = refused(serve("--config", tmp_path / "missing.toml"))
    assert (code, err.count("\n")) == (1, 1)
    assert "missing.toml cannot be read: No such file or directory" in err


def test_settings_reach_the_server(serve: Serve, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "redis.conf").write_text(f'port {port}\nrequirepass "p w"\ndaemonize no\ndir data\nmaxclients 77\n')
    process = serve("--config", "redis.conf", KVARK_MAXCLIENTS="88")
    assert f"listens on 127.0.0.1:{port}" in first_line(process)
    assert say(port, b"GET a").startswith(b"-NOAUTH")
    assert b"$2\r\n88\r\n" in say(port, b'AUTH "p w"\r\nCONFIG GET maxclients\r\nPING')
    process.terminate()
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert err == "kvark: redis.conf: these have no counterpart here and are left out: daemonize (line 3)\n"


def test_every_setting_is_a_flag_with_help_and_the_password_is_warned_of() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "kvark", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    ).stdout
    from kvark._native import SETTINGS

    assert [row.name for row in SETTINGS if f"--{row.name} " not in shown] == []
    assert "KVARK_REQUIREPASS" in shown


def test_version_and_no_word() -> None:
    for command in (["kvark"], [sys.executable, "-m", "kvark"]):
        path = Path(sys.executable).parent
        run = [str(path / command[0]) if command[0] == "kvark" else command[0], *command[1:]]
        shown = subprocess.run([*run, "--version"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
        assert shown.stdout == f"kvark {kvark.__version__}\n"
        nothing = subprocess.run(run, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        assert nothing.returncode == 2
        assert "serve" in nothing.stderr
