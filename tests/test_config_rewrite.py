"""CONFIG REWRITE: what CONFIG SET changed is in the file, and a server that starts with the file has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis
from conftest import StartServer
from kvark import _config
from live import LiveServer

PASSWORD = 'a "b\\ #'
LIMITS = "normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
CHANGED = {
    "maxclients": "99",
    "timeout": "600",
    "requirepass": PASSWORD,
    "client-output-buffer-limit": LIMITS,
}
NASTY = ("'", "''' \"\"\"", "\\x41", "\t\r\n\0\x7f", "\x85\u2028\xa0 ä", "#]=[", " ", "")
FILES = {
    "kvark.toml": """\
# kept
maxclients = 1_000  # kept
client-output-buffer-limit = [
    "normal", 0, 0, 0,  # all
    "slave", "256mb", "64mb", 60, "pubsub", "32mb", "8mb", 60,
]
log_max_bytes = "1gb"
""",
    "redis.conf": """\
# kept
maxclients 1000
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
# kept too
client-output-buffer-limit pubsub 32mb 8mb 60
save 3600 1
log-max-bytes 1gb
""",
}
REWRITTEN = {
    "kvark.toml": f"""\
# kept
maxclients = 99  # kept
client-output-buffer-limit = "{LIMITS}"
log_max_bytes = "1gb"
requirepass = "a \\"b\\\\ #"
tcp-keepalive = 7
timeout = 600
""",
    "redis.conf": """\
# kept
maxclients 99
client-output-buffer-limit normal 1048576 0 0
client-output-buffer-limit replica 256mb 64mb 60
# kept too
client-output-buffer-limit pubsub 32mb 8mb 60
save 3600 1
log-max-bytes 1gb
requirepass "a \\"b\\\\ #"
tcp-keepalive 7
timeout 600
""",
}


@pytest.fixture(autouse=True)
def of_kvark(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--server"):
        pytest.skip("the files are Kvark's")


@pytest.fixture(params=FILES)
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / str(request.param)
    path.write_text(FILES[path.name])
    path.chmod(0o640)
    return path


def restart(server: LiveServer, file: Path) -> None:
    assert server.stop() == 0
    server.options = ("--config", str(file))
    server.start()


def test_what_was_set_is_there_after_a_restart(start_server: StartServer, file: Path) -> None:
    server = start_server("--config", str(file), "--tcp-keepalive", "7")
    client = server.client()
    client.execute_command("CONFIG", "SET", *(word for pair in CHANGED.items() for word in pair))
    assert client.execute_command("CONFIG REWRITE") in (b"OK", True)
    assert file.read_text() == REWRITTEN[file.name]
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.glob("*.new")] == []
    restart(server, file)
    client = server.client(password=PASSWORD, decode_responses=True)
    assert client.config_get(*CHANGED, "tcp-keepalive") == CHANGED | {"tcp-keepalive": "7"}
    with pytest.raises(redis.AuthenticationError):
        server.client().ping()


def test_every_password_is_read_back(start_server: StartServer, file: Path) -> None:
    client = start_server("--config", str(file)).client(decode_responses=True)
    for password in NASTY:
        client.config_set("requirepass", password)
        client.config_rewrite()
        assert _config.load({}, {}, file)["requirepass"] == password


def test_the_file_is_found_by_a_link_and_without_a_suffix(start_server: StartServer, file: Path) -> None:
    home = file.rename(file.with_name("settings"))
    link = file.with_name("link")
    link.symlink_to("settings")
    client = start_server("--config", os.path.relpath(link)).client()
    client.config_set("maxclients", 5)
    client.config_rewrite()
    assert link.is_symlink()
    assert _config.load({}, {}, home)["maxclients"] == "5"


def test_a_file_that_cannot_be_written_is_named(start_server: StartServer, file: Path) -> None:
    client = start_server("--config", str(file)).client()
    file.unlink()
    with pytest.raises(redis.ResponseError, match=rf"^Rewriting config file: .*{file.name}"):
        client.config_rewrite()
    assert client.ping()


def test_without_a_file_there_is_nothing_to_rewrite(start_server: StartServer) -> None:
    with pytest.raises(redis.ResponseError, match=r"^The server is running without a config file$"):
        start_server().client().config_rewrite()
