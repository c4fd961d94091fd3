"""A script that takes longer than it may: every client is told so at once, whichever loop serves it, and may end it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from live import LiveServer

BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."


class Running:
    """A command on its way in a thread of its own."""

    def __init__(self, client: redis.Redis, *command: object) -> None:
        self.result: object = None
        self.thread = threading.Thread(target=self.run, args=(client, command))
        self.thread.start()

    def run(self, client: redis.Redis, command: tuple[object, ...]) -> None:
        with client:
            try:
                self.result = client.execute_command(*command)
            except redis.RedisError as error:
                self.result = error

    def end(self) -> object:
        self.thread.join(timeout=30)
        assert not self.thread.is_alive()
        return self.result


def answer(client: redis.Redis, *command: object) -> str:
    try:
        reply = client.execute_command(*command)
        return reply.decode() if isinstance(reply, bytes) else str(reply)
    except redis.ResponseError as error:
        return str(error)


@contextmanager
def clients(server: LiveServer, count: int) -> Iterator[list[redis.Redis]]:
    """Connected already, so that every loop of the server has some."""
    made = [server.client() for _ in range(count)]
    for client in made:
        client.ping()
    yield made
    for client in made:
        client.close()


def wait_until_busy(client: redis.Redis) -> None:
    deadline = time.monotonic() + 30
    while not answer(client, "PING").startswith("BUSY"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "script",
    [
        "while true do end",
        "local f = function() while 1 do redis.call('PING') end end while 1 do pcall(f) end",
        "redis.call('GET', KEYS[1]) while true do end",
        "while true do redis.call('GET', KEYS[1]) end",
    ],
)
def test_a_script_that_has_not_written_is_ended(server: LiveServer, script: str) -> None:
    with clients(server, 8) as made:
        made[0].config_set("busy-reply-threshold", 20)
        running = Running(server.client(), "EVAL", script, 1, "k")
        wait_until_busy(made[0])
        assert [answer(client, "SET", "k", "v") for client in made] == [BUSY] * 8
        with server.client() as late:
            assert answer(late, "GET", "other") == BUSY
        assert answer(made[5], "SCRIPT", "KILL") == "OK"
        assert "Script killed by user" in str(running.end())
        assert [answer(client, "PING") for client in made] == ["True"] * 8
        assert answer(made[0], "SCRIPT", "KILL") == "NOTBUSY No scripts in execution right now."


def test_who_waits_for_a_key_of_the_script_still_hears_its_other_clients(server: LiveServer) -> None:
    """The loops wait for the script's key before it takes too long; their other clients may end it all the same."""
    with clients(server, 16) as made:
        made[0].config_set("busy-reply-threshold", 300)
        made[0].eval("return redis.call('GET', KEYS[1])", 1, "k")
        running = Running(server.client(), "EVAL", "while true do end", 1, "k")
        time.sleep(0.1)
        waiting = [Running(server.client(), "SET", "k", number) for number in range(8)]
        wait_until_busy(made[0])
        assert [answer(client, "PING") for client in made] == [BUSY] * 16
        assert answer(made[9], "SCRIPT", "KILL") == "OK"
        assert "Script killed by user" in str(running.end())
        # Who was waiting for the key has it now; who was behind such a one, or behind the script, was told.
        assert {str(one.end()) for one in waiting} <= {"True", BUSY}


def test_a_script_that_has_written_goes_on_until_the_server_stops(server: LiveServer) -> None:
    with clients(server, 4) as made:
        made[0].config_set("lua-time-limit", 20)
        running = Running(server.client(), "EVAL", "redis.call('SET', KEYS[1], 1) while true do end", 1, "k")
        wait_until_busy(made[0])
        assert answer(made[1], "SCRIPT", "KILL").startswith(
            "UNKILLABLE Sorry the script already executed write commands"
        )
        assert answer(made[1], "SHUTDOWN").startswith("BUSY")
        with pytest.raises(redis.ConnectionError):
            made[2].execute_command("SHUTDOWN", "NOSAVE")
        assert isinstance(running.end(), redis.RedisError)
        assert server.process.wait(timeout=30) == 0


def test_a_client_of_the_script_is_served_when_it_has_ended(server: LiveServer) -> None:
    with clients(server, 2) as made, server.connect() as connection:
        made[0].config_set("busy-reply-threshold", 20)
        loop = b"while 1 do redis.call('PING') end"
        connection.sendall(b"*3\r\n$4\r\nEVAL\r\n$%d\r\n%s\r\n$1\r\n0\r\nPING\r\n" % (len(loop), loop))
        wait_until_busy(made[0])
        # What it sends while its own command runs is not lost.
        connection.sendall(b"ECHO later\r\n")
        assert answer(made[1], "SCRIPT", "KILL") == "OK"
        received = b""
        while not received.endswith(b"later\r\n"):
            received += connection.recv(4096)
        assert b"killed by user" in received
        assert b"+PONG\r\n" in received
