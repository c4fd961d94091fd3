"""Watching a server while it works: MONITOR, SLOWLOG, LATENCY and INFO, as clients and tools use them."""

from __future__ import annotations

import subprocess
import time

import pytest
import redis
from conftest import StartServer
from live import LiveServer


@pytest.fixture(params=["1", "2"], ids=lambda threads: f"{threads}-loops")
def server(start_server: StartServer, request: pytest.FixtureRequest) -> LiveServer:
    if request.config.getoption("--server"):
        return start_server()
    return start_server("--threads", request.param)


def test_a_monitor_sees_commands_in_order_and_no_password(server: LiveServer) -> None:
    with server.client() as watching, server.client() as client, watching.monitor() as monitor:
        client.set("key", 'a "b"\r\n')
        with client.pipeline(transaction=True) as pipe:
            pipe.incr("n").incr("n").execute()
        client.config_get("port")
        with pytest.raises(redis.RedisError):
            client.execute_command("AUTH", "secret")
        client.execute_command("PING", "last")
        seen = []
        while not seen or seen[-1] != "PING last":
            command = monitor.next_command()
            assert command["db"] == 0
            assert command["client_address"] == "127.0.0.1"
            seen.append(command["command"])
    # What the libraries say first is theirs; CONFIG is for whoever runs the server.
    begin = seen.index('SET key a "b"\\r\\n')
    assert seen[begin + 1 :][:5] == ["MULTI", "INCRBY n 1", "INCRBY n 1", "EXEC", "AUTH (redacted)"]


def test_a_monitor_that_does_not_read_is_closed_and_keeps_nobody_waiting(server: LiveServer) -> None:
    with server.client() as client, server.connect() as deaf:
        client.config_set("client-output-buffer-limit", "normal 1mb 0 0 pubsub 1mb 0 0")
        deaf.sendall(b"MONITOR\r\n")
        deadline = time.monotonic() + 20
        while not any("O" in one["flags"] for one in client.client_list()):
            assert time.monotonic() < deadline
        for _ in range(200):
            client.set("key", b"x" * 100_000)
        while any("O" in one["flags"] for one in client.client_list()):
            assert time.monotonic() < deadline
        assert client.info("stats")["client_output_buffer_limit_disconnections"] == 1


def test_reset_ends_a_monitor(server: LiveServer) -> None:
    with server.client() as client, server.connect() as watching:
        watching.sendall(b"MONITOR\r\nRESET\r\nECHO a\r\n")
        client.ping()
        watching.sendall(b"ECHO b\r\n")
        said = b""
        while not said.endswith(b"b\r\n"):
            said += watching.recv(4096)
        assert said.startswith(b"+OK\r\n")
        assert said.endswith(b"+RESET\r\n$1\r\na\r\n$1\r\nb\r\n")


def test_the_slow_log_names_the_command_and_its_client(server: LiveServer) -> None:
    with server.client(client_name="tester") as client:
        client.config_set("slowlog-log-slower-than", 100_000)
        client.slowlog_reset()
        with client.pipeline(transaction=False) as pipe:
            for number in range(20):
                pipe.set(f"key:{number}", number)
            pipe.execute_command("DEBUG", "SLEEP", "0.15")
            pipe.execute()
        (entry,) = client.slowlog_get()
        assert entry["command"] == b"DEBUG SLEEP 0.15"
        assert 150_000 <= entry["duration"] < 5_000_000
        assert entry["client_name"] == b"tester"


def test_tools_find_what_they_read_in_info(server: LiveServer) -> None:
    with server.client() as client:
        client.set("key", b"x" * 1000)
        client.get("key")
        deadline = time.monotonic() + 20
        while client.info("stats")["instantaneous_ops_per_sec"] == 0:
            assert time.monotonic() < deadline
            client.ping()
        info = client.info("everything")
        assert info["used_cpu_user"] > 0
        assert info["used_memory_peak"] >= info["used_memory"] > 1000
        assert info["used_memory_human"].endswith(("K", "M"))
        assert info["total_reads_processed"] > 0
        assert info["listener0"]["port"] == server.port
        assert len(info["run_id"]) == 40
        assert info["cmdstat_get"]["calls"] == 1
        assert info["cmdstat_get"]["usec_per_call"] > 0
        assert info["latency_percentiles_usec_get"]["p50"] > 0
        client.config_resetstat()
        assert "cmdstat_get" not in client.info("commandstats")


@pytest.mark.parametrize("option", ["--bigkeys", "--memkeys", "--keystats", "--latency", "--latency-dist", "--stat"])
def test_redis_cli_reads_what_it_wants(server: LiveServer, option: str) -> None:
    with server.client() as client:
        client.set("text", b"x" * 1000)
        client.rpush("list", *range(100))
    command = ["redis-cli", "-p", str(server.port), option, "-i", "0.001"]
    if (
        option == "--keystats"
        and "--keystats"
        not in subprocess.run(["redis-cli", "--help"], capture_output=True, text=True, check=False).stdout
    ):
        pytest.skip("this redis-cli is older")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)
        assert done.returncode == 0
        said = done.stdout
    except subprocess.TimeoutExpired as running:
        said = (running.stdout or b"").decode()
    assert "ERR" not in said
    expected = {
        "--bigkeys": "1 lists with 100 items",
        "--memkeys": "1 lists with",
        "--stat": "clients blocked requests",
    }
    assert expected.get(option, "") in said
