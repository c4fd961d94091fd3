"""Fixtures: a server for one test (`server`), or as many as it starts (`start_server`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live import LiveServer

StartServer = Callable[..., LiveServer]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", metavar="PROGRAM", help="run the tests of the wire against this redis-server instead")


@pytest.fixture
def start_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartServer]:
    """Starts a server with these options over a folder of the test (`data` unless named otherwise)."""
    started: list[LiveServer] = []

    def start(*options: str, folder: str = "data", durability: str = "os") -> LiveServer:
        data = tmp_path / folder
        data.mkdir(exist_ok=True)
        program = request.config.getoption("--server")
        started.append(LiveServer(data, *options, durability=durability, program=program))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
def server(start_server: StartServer) -> LiveServer:
    return start_server()
