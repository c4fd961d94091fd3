"""`kvark serve` as the person who starts it sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from live import LiveServer, free_port

StartServer = Callable[..., LiveServer]


@pytest.fixture(autouse=True)
def kvark_only(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--server"):
        pytest.skip("this is about the command line of kvark")


def serve(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A `kvark serve` that is expected to end by itself."""
    command = [sys.executable, "-m", "kvark", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ | environment)


def test_the_first_line_says_where_it_is_and_what_it_promises(start_server: StartServer) -> None:
    server = start_server(durability="disk")
    first = server.said().splitlines()[0]
    assert f"127.0.0.1:{server.port}" in first
    assert str(server.folder) in first
    assert "disk" in first


def test_a_folder_has_one_owner_at_a_time(server: LiveServer) -> None:
    second = serve("--port", str(free_port()), "--dir", str(server.folder))
    assert second.returncode != 0
    assert str(server.process.pid) in second.stderr
    assert "Traceback" not in second.stderr
    assert server.client().ping() is True


@pytest.mark.parametrize("options", [("--port", "70000"), ("--durability", "quorum"), ("--no-such", "1")], ids=str)
def test_a_wrong_option_is_refused_with_a_sentence(options: tuple[str, str], tmp_path: Path) -> None:
    refused = serve("--dir", str(tmp_path / "data"), *options)
    assert refused.returncode != 0
    assert refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_refused_with_a_sentence(server: LiveServer, tmp_path: Path) -> None:
    refused = serve("--dir", str(tmp_path / "other"), "--port", str(server.port))
    assert refused.returncode != 0
    assert str(server.port) in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kvark.toml", 'maxclients = 77\nrequirepass = "secret"\n'),
        ("redis.conf", "maxclients 77\nrequirepass secret\n"),
    ],
)
def test_a_file_configures_and_a_flag_wins(start_server: StartServer, tmp_path: Path, name: str, text: str) -> None:
    config = tmp_path / name
    config.write_text(text)
    server = start_server("--config", str(config))
    assert server.client(password="secret").config_get("maxclients") == {"maxclients": "77"}
    server.stop()
    server.options = ("--config", str(config), "--maxclients", "88")
    server.start()
    assert server.client(password="secret").config_get("maxclients") == {"maxclients": "88"}


def test_the_environment_configures(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVARK_MAXCLIENTS", "99")
    assert start_server().client().config_get("maxclients") == {"maxclients": "99"}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(server: LiveServer, end: signal.Signals) -> None:
    server.process.send_signal(end)
    assert server.process.wait(timeout=20) == 0
    assert "Traceback" not in server.said()
