"""The bytes on the wire: what no client library sends on a good day, and what the server must not mind."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from live import LiveServer

StartServer = Callable[..., LiveServer]
MIB = 1 << 20


def read_until(connection: socket.socket, end: bytes) -> bytes:
    received = bytearray()
    while not received.endswith(end):
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError(f"closed after {bytes(received[-200:])!r}")
        received += part
    return bytes(received)


def read_count(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError(f"closed after {len(received)} of {count} bytes")
        received += part
    return bytes(received)


def read_to_the_end(connection: socket.socket) -> bytes:
    """Everything until the server closes; a reset counts as the end."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            received += part
    return bytes(received)


def ask(server: LiveServer, request: bytes, answer_end: bytes = b"\r\n") -> bytes:
    with server.connect() as connection:
        connection.sendall(request)
        return read_until(connection, answer_end)


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (b"PING\r\n", b"+PONG\r\n"),
        (b"PING\n", b"+PONG\r\n"),
        (b"\r\n\r\nPING\r\n", b"+PONG\r\n"),
        (b"  ECHO   hallo \r\n", b"$5\r\nhallo\r\n"),
        (b'ECHO "a b\\x41\\n"\r\n', b"$5\r\na bA\n\r\n"),
        (b"ECHO 'it\\'s'\r\n", b"$4\r\nit's\r\n"),
        (b"*0\r\n*-1\r\nPING\r\n", b"+PONG\r\n"),
        (b"*2\r\n$4\r\necho\r\n$0\r\n\r\n", b"$0\r\n\r\n"),
    ],
    ids=repr,
)
def test_a_person_with_a_terminal_is_understood(server: LiveServer, request_bytes: bytes, answer: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(request_bytes)
        assert read_count(connection, len(answer)) == answer


@pytest.mark.parametrize(
    ("request_bytes", "error"),
    [
        (b"*abc\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*3000000000\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n:4\r\n", b"-ERR Protocol error: expected '$', got ':'\r\n"),
        (b"*1\r\n$-5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$x\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$999999999999\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (b'GET "unclosed\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
        (b"*" + b"1" * 70_000, b"-ERR Protocol error: too big mbulk count string\r\n"),
        (b"*1\r\n$" + b"1" * 70_000, b"-ERR Protocol error: too big bulk count string\r\n"),
        (b"GET " + b"k" * 70_000, b"-ERR Protocol error: too big inline request\r\n"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_a_broken_request_gets_its_error_and_the_door(server: LiveServer, request_bytes: bytes, error: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(b"PING\r\n" + request_bytes)
        assert read_to_the_end(connection) == b"+PONG\r\n" + error
    assert ask(server, b"PING\r\n") == b"+PONG\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "error"),
    [
        (b"GET\r\n", b"-ERR wrong number of arguments for 'get' command\r\n"),
        (b"NOSUCH a b\r\n", b"-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n"),
        (b"SET k v EX 0\r\n", b"-ERR invalid expire time in 'set' command\r\n"),
        (b"SET k v NX XX\r\n", b"-ERR syntax error\r\n"),
        (b"CLIENT NOSUCH\r\n", b"-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n"),
        (b"SELECT 16\r\n", b"-ERR DB index is out of range\r\n"),
    ],
    ids=repr,
)
def test_a_wrong_command_gets_its_error_and_stays(server: LiveServer, request_bytes: bytes, error: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(request_bytes + b"PING\r\n")
        assert read_count(connection, len(error) + 7) == error + b"+PONG\r\n"


def test_a_request_may_come_one_byte_at_a_time(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\nva\r\nue\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nGET k\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.001)
        assert read_until(connection, b"ue\r\n$6\r\nva\r\nue\r\n") == b"+OK\r\n" + b"$6\r\nva\r\nue\r\n" * 2


def test_a_long_pipeline_is_answered_in_order(server: LiveServer) -> None:
    count = 100_000
    expected = b"".join(b":%d\r\n" % (number + 1) for number in range(count))
    with server.connect() as connection:
        sender = threading.Thread(target=connection.sendall, args=(b"INCR n\r\n" * count,))
        sender.start()
        assert read_count(connection, len(expected)) == expected
        sender.join()


def test_a_pipeline_is_answered_after_its_sender_has_said_all(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"SET k v\r\nGET k\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert read_to_the_end(connection) == b"+OK\r\n$1\r\nv\r\n"


def test_a_slow_reader_holds_up_nobody(server: LiveServer) -> None:
    value = b"v" * 100_000
    server.client().set("big", value)
    answer = b"$100000\r\n" + value + b"\r\n"
    with server.connect() as slow:
        slow.sendall(b"GET big\r\n" * 300)
        for _ in range(20):
            began = time.monotonic()
            assert ask(server, b"PING\r\n") == b"+PONG\r\n"
            assert time.monotonic() - began < 2
        assert read_count(slow, 300 * len(answer)) == answer * 300


def test_a_reader_that_never_reads_is_let_go(server: LiveServer) -> None:
    client = server.client()
    client.config_set("client-output-buffer-limit", "normal 1048576 0 0")
    client.set("big", b"v" * 100_000)
    with server.connect() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        slow.sendall(b"GET big\r\n" * 1_000)
        time.sleep(0.5)
        assert len(read_to_the_end(slow)) < 1_000 * 100_000
    assert client.ping() is True


def test_a_request_beyond_the_query_buffer_is_let_go(server: LiveServer) -> None:
    client = server.client()
    client.config_set("client-query-buffer-limit", str(MIB))
    with server.connect() as greedy:
        with contextlib.suppress(OSError):
            greedy.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8388608\r\n" + b"v" * (4 * MIB))
        assert b"+OK" not in read_to_the_end(greedy)
    assert client.get("k") is None


def test_hello_changes_how_answers_look(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET missing\r\n")
        assert read_count(connection, 5) == b"$-1\r\n"
        connection.sendall(b"HELLO 3\r\nECHO end\r\n")
        greeting = read_until(connection, b"$3\r\nend\r\n")
        assert greeting.startswith(b"%")
        assert b"$5\r\nproto\r\n:3\r\n" in greeting
        connection.sendall(b"GET missing\r\n")
        assert read_count(connection, 3) == b"_\r\n"
        connection.sendall(b"HELLO 4\r\n")
        assert read_until(connection, b"\r\n") == b"-NOPROTO unsupported protocol version\r\n"


def test_a_client_may_want_no_answers(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"CLIENT REPLY OFF\r\nSET k v\r\nNOSUCH\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nPING\r\nGET k\r\n"
        )
        assert read_until(connection, b"v\r\n") == b"+OK\r\n$1\r\nv\r\n"


def test_quit_is_answered_before_the_door(server: LiveServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"QUIT\r\nPING\r\n")
        assert read_to_the_end(connection) == b"+OK\r\n"


def test_nothing_is_served_without_the_password(start_server: StartServer) -> None:
    server = start_server("--requirepass", "secret")
    with server.connect() as connection:
        connection.sendall(b"GET k\r\n")
        assert read_until(connection, b"\r\n") == b"-NOAUTH Authentication required.\r\n"
        connection.sendall(b"AUTH wrong\r\n")
        assert read_until(connection, b"\r\n") == b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        connection.sendall(b"AUTH secret\r\n")
        assert read_until(connection, b"\r\n") == b"+OK\r\n"
        connection.sendall(b"SET k v\r\n")
        assert read_until(connection, b"\r\n") == b"+OK\r\n"
    assert server.client(password="secret", protocol=3).get("k") == b"v"
    with server.connect() as stranger:
        stranger.sendall(b"*100\r\n")
        assert read_to_the_end(stranger) == b"-ERR Protocol error: unauthenticated multibulk length\r\n"


def test_there_is_room_for_as_many_clients_as_were_allowed(start_server: StartServer) -> None:
    server = start_server("--maxclients", "2")
    with connect_when_there_is_room(server), connect_when_there_is_room(server), server.connect() as third:
        assert read_to_the_end(third) == b"-ERR max number of clients reached\r\n"
    connect_when_there_is_room(server).close()


def connect_when_there_is_room(server: LiveServer) -> socket.socket:
    """A connection that is served. The server may take a moment to notice that one before it has gone."""
    deadline = time.monotonic() + 5
    while True:
        connection = server.connect()
        with contextlib.suppress(OSError):
            connection.sendall(b"PING\r\n")
            answer = connection.recv(100)
            if answer == b"+PONG\r\n":
                return connection
            assert time.monotonic() < deadline, answer
        connection.close()
        time.sleep(0.02)


def test_a_unix_socket_is_a_door_too(start_server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "kvark.sock"
    server = start_server("--unixsocket", str(path))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"SET k v\r\nGET k\r\n")
        assert read_count(connection, 12) == b"+OK\r\n$1\r\nv\r\n"
    assert server.client().get("k") == b"v"
    server.stop()
    assert not path.exists()


def test_a_polite_end_is_quick_and_loses_nothing(server: LiveServer) -> None:
    client = server.client()
    client.mset({f"key:{number}": number for number in range(1_000)})
    with server.connect() as idle:
        idle.sendall(b"PING\r\n")
        assert read_until(idle, b"\r\n") == b"+PONG\r\n"
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
        assert read_to_the_end(idle) == b""
    server.start()
    assert client.dbsize() == 1_000


@pytest.mark.parametrize("count", [500])
def test_many_clients_are_served_at_once(server: LiveServer, count: int) -> None:
    connections = [server.connect() for _ in range(count)]
    for number, connection in enumerate(connections):
        connection.sendall(b"SET k:%d %d\r\nGET k:%d\r\n" % (number, number, number))
    for number, connection in enumerate(connections):
        answer = b"+OK\r\n$%d\r\n%d\r\n" % (len(str(number)), number)
        assert read_count(connection, len(answer)) == answer
        connection.close()
    assert server.client().dbsize() == count


def test_a_client_that_vanishes_mid_request_changes_nothing(server: LiveServer) -> None:
    for cut in range(1, 30, 4):
        with server.connect() as connection:
            connection.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n"[:cut])
    assert server.client().get("k") is None
    assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) < 100
