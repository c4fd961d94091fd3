"""Where settings come from: flags before variables before the file before the defaults; TOML and redis.conf."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kvark import ConfigError, _config
from kvark._directives import IGNORED, REFUSED

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return to


def test_the_earlier_source_wins(write: Write) -> None:
    file = write("kvark.toml", "port = 1\nmaxclients = 1\ntimeout = 1\n")
    config = _config.load({"port": "3"}, {"KVARK_PORT": "2", "KVARK_MAXCLIENTS": "2", "HOME": "/"}, file)
    assert config.settings == {"port": "3", "maxclients": "2", "timeout": "1"}
    assert (config["port"], config["databases"]) == ("3", "16")


def test_older_names(write: Write) -> None:
    packed = {"zset-max-listpack-entries": "5"}
    for name, text in (("a.toml", "zset_max_ziplist_entries = 5\n"), ("a.conf", "zset-max-ziplist-entries 5\n")):
        assert _config.load({}, {}, write(name, text)).settings == packed


def test_toml(write: Write) -> None:
    text = 'bind = ["127.0.0.1", "::1"]\nlog_max_bytes = "512mb"\ntcp-backlog = 9\nprotected-mode = false\n'
    config = _config.load({}, {}, write("a.toml", text))
    assert config.settings == {
        "bind": "127.0.0.1 ::1",
        "log-max-bytes": str(512 << 20),
        "tcp-backlog": "9",
        "protected-mode": "no",
    }


def test_redis_conf(write: Write) -> None:
    text = r"""
# a comment
PORT 7000
bind 127.0.0.1 ::1
requirepass "a b\"c\x41\n"
unixsocket '/tmp/it''s'
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit pubsub 32mb 8mb 60
save 3600 1
maxmemory 100mb
tls-port 0
"""
    text = text.replace("'/tmp/it''s'", r"'/tmp/it\'s'")
    config = _config.load({}, {}, write("redis.conf", text))
    assert config.settings == {
        "port": "7000",
        "bind": "127.0.0.1 ::1",
        "requirepass": 'a b"cA\n',
        "unixsocket": "/tmp/it's",
        "client-output-buffer-limit": "normal 0 0 0 pubsub 33554432 8388608 60",
    }
    (warning,) = config.warnings
    assert "save (line 9), maxmemory (line 10), tls-port (line 11)" in warning


def test_a_file_without_a_known_suffix_is_what_it_can_be_read_as(write: Write) -> None:
    assert _config.load({}, {}, write("one", "port = 1\n")).settings == {"port": "1"}
    assert _config.load({}, {}, write("two", "port 2\n")).settings == {"port": "2"}
    assert _config.load({}, {}, write("three", "")).settings == {}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.toml", "# x\nprot = 1\n", r"a\.toml:2: there is no setting 'prot'"),
        ("a.toml", "port = [\n", r"a\.toml is not TOML"),
        ("a.toml", "port = 1.5\n", r"a\.toml:1: port must be text, an integer"),
        ("a.toml", "\n\nport = 70000\n", r"a\.toml:3: port: argument must be between 0 and 65535"),
        ("a.toml", "[server]\nport = 1\n", r"a\.toml:1: there is no setting 'server'"),
        ("a.conf", "port 1\nprot 1\n", r"a\.conf:2: there is no setting 'prot'"),
        ("a.conf", 'requirepass "open\n', r"a\.conf:1: the quotes do not match"),
        ("a.conf", "port 1 2\n", r"a\.conf:1: port: argument couldn't be parsed"),
        ("a.conf", "include other.conf\n", r"a\.conf:1: 'include' has no counterpart"),
        ("a.conf", "rename-command FLUSHALL x\n", r"a\.conf:1: 'rename-command' has no counterpart"),
        ("a.conf", "user alice on\n", r"a\.conf:1: 'user' has no counterpart"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(write: Write, name: str, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        _config.load({}, {}, write(name, text))


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="KVARK_PORT: port: argument must be between"):
        _config.load({}, {"KVARK_PORT": "-1"}, None)


def test_a_word_is_a_setting_or_left_out_or_refused() -> None:
    assert not IGNORED & REFUSED
    assert not (IGNORED | REFUSED) & _config.NAMES.keys()


def test_a_file_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        _config.load({}, {}, tmp_path / "a.conf")
