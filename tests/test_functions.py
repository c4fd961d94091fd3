"""Functions: libraries that are kept as the data is, replaced as a whole, and ended when they take too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import redis
from live import LiveServer
from test_scripts_busy import wait_until_busy

StartServer = Callable[..., LiveServer]

LIBRARY = """#!lua name=counting
local function add(key, by) return redis.call('INCRBY', key, by) end
redis.register_function('up', function(keys, args) return add(keys[1], args[1] or 1) end)
redis.register_function{
    function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end,
    flags={'no-writes'}, description='what is there'
}
"""


def library(name: str, function: str, body: str) -> str:
    return f"#!lua name={name}\nredis.register_function('{function}', function(keys, args) {body} end)"


def test_what_redis_py_says_of_functions(server: LiveServer) -> None:
    with server.client() as client:
        assert client.function_load(LIBRARY) == b"counting"
        assert client.fcall("up", 1, "k", 5) == 5
        assert client.fcall_ro("look", 1, "k") == b"5"
        with pytest.raises(redis.ResponseError, match="write flag"):
            client.fcall_ro("up", 1, "k")
        payload = client.function_dump()
        client.function_delete("counting")
        assert client.function_list() == []
        assert client.function_restore(payload)
        assert client.fcall("up", 1, "k") == 6
        assert client.info("memory")["number_of_functions"] == 2


@pytest.mark.parametrize("checkpoint", [False, True])
def test_libraries_outlive_a_server_that_is_killed(start_server: StartServer, checkpoint: bool) -> None:
    """Be it by the log or by the tier; and what was removed stays away."""
    server = start_server()
    with server.client() as client:
        client.function_load(LIBRARY)
        client.function_load(library("gone", "gone", "return 1"))
        client.set("k", 1)
        before = client.execute_command("DEBUG", "DIGEST")
        if checkpoint:
            client.execute_command("SAVE")
        client.function_delete("gone")
        client.function_load(library("counting2", "which", "return 'old'"))
        client.function_load(library("counting2", "which", "return 'new'"), replace=True)
        assert client.execute_command("DEBUG", "DIGEST") == before
        listed = client.function_list(withcode=True)
    server.kill()
    server.start()
    with server.client() as client:
        assert client.function_list(withcode=True) == listed
        assert client.fcall("which", 0) == b"new"
        assert client.fcall("up", 1, "k") == 2
        client.flushall()
        assert client.fcall("which", 0) == b"new"
        if checkpoint:
            client.execute_command("SAVE")
        client.function_flush()
    server.kill()
    server.start()
    with server.client() as client:
        assert client.function_list() == []
        assert client.dbsize() == 0


def test_a_library_is_replaced_as_a_whole(server: LiveServer) -> None:
    """A call answers of one version, on whichever loop, and never of an older one than was loaded before it."""

    def text(version: int) -> str:
        return (
            f"#!lua name=both\nlocal version = {version}\n"
            f"redis.register_function('one', function(keys, args) redis.call('SET', keys[1], {version}) "
            f"return {{version, redis.call('GET', keys[1])}} end)"
        )

    stop, failures, calls = threading.Event(), list[str](), [0] * 4
    loaded = 0

    def run(at: int) -> None:
        with server.client() as client:
            while not stop.is_set():
                least = loaded
                first, second = client.fcall("one", 1, f"k{at}")
                if first != int(second) or first < least:
                    failures.append(f"{first} {second} {least}")
                calls[at] += 1

    with server.client() as client:
        client.function_load(text(0))
        threads = [threading.Thread(target=run, args=(at,)) for at in range(len(calls))]
        for thread in threads:
            thread.start()
        for version in range(1, 60):
            client.function_load(text(version), replace=True)
            loaded = version
            time.sleep(0.005)
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert min(calls) > 0


def test_two_who_load_at_once_both_have_their_library(server: LiveServer) -> None:
    def run(at: int) -> None:
        with server.client() as client:
            for number in range(10):
                client.function_load(library(f"lib_{at}_{number}", f"f_{at}_{number}", "return 1"))

    threads = [threading.Thread(target=run, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with server.client() as client:
        assert len(client.function_list()) == 40


def test_libraries_in_a_transaction(start_server: StartServer) -> None:
    server = start_server()
    with server.client() as client, client.pipeline(transaction=True) as pipeline:
        pipeline.function_load(library("lib", "f", "return redis.call('INCR', keys[1])"))
        pipeline.fcall("f", 1, "k")
        pipeline.function_load(library("lib", "f", "return 'second'"), replace=True)
        pipeline.fcall("f", 1, "k")
        assert pipeline.execute() == [b"lib", 1, b"lib", b"second"]
    server.kill()
    server.start()
    with server.client() as client:
        assert client.fcall("f", 0) == b"second"
        assert client.get("k") == b"1"


def test_a_load_that_takes_too_long_or_fails_changes_nothing(server: LiveServer) -> None:
    with server.client() as client:
        client.function_load(LIBRARY)
        for code, error in [
            ("#!lua name=counting\nwhile true do end", "FUNCTION LOAD timeout"),
            ("#!lua name=counting\nredis.call('PING')", "nonexistent global variable 'call'"),
            ("#!lua name=counting\nreturn math.random()", "nonexistent global variable 'math'"),
            ("#!lua name=counting\nx = 1", "Attempt to modify a readonly table"),
            ("#!lua name=counting\nreturn 1", "No functions registered"),
            (library("other", "UP", "return 1"), "Function up already exists|Function UP already exists"),
        ]:
            with pytest.raises(redis.ResponseError, match=error):
                client.function_load(code, replace=True)
        assert client.fcall("up", 1, "k") == 1


def test_nobody_hears_of_the_key_that_the_libraries_are_kept_at(server: LiveServer) -> None:
    with server.client() as client, server.client() as listener:
        client.config_set("notify-keyspace-events", "KEAn")
        pubsub = listener.pubsub()
        pubsub.psubscribe("*")
        pubsub.get_message(timeout=5)
        client.function_load(LIBRARY)
        client.function_flush()
        client.set("k", "v")
        heard = []
        while len(heard) < 2:
            message = pubsub.get_message(timeout=5)
            assert message is not None
            heard.append(message["channel"])
        assert all(channel.endswith((b"__:k", b"__:new", b"__:set")) for channel in heard)
        pubsub.close()


def test_nor_does_who_tracks_keys(server: LiveServer) -> None:
    with server.client() as client, server.client(protocol=3) as reader:
        reader.execute_command("CLIENT", "TRACKING", "ON", "BCAST")
        connection = reader.connection_pool.get_connection()
        connection.send_command("CLIENT", "TRACKING", "ON", "BCAST")
        assert connection.read_response() == b"OK"
        heard: list[object] = []
        connection._parser.set_invalidation_push_handler(heard.append)
        client.function_load(LIBRARY)
        client.function_flush()
        client.set("k", "v")
        connection.send_command("PING")
        connection.read_response()
        assert [message[1] for message in heard] == [[b"k"]]  # type: ignore[index]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_function_that_takes_too_long_is_told_of_and_ended(start_server: StartServer, threads: str) -> None:
    """On the loop that runs it, too: FUNCTION STATS may not wait for the log, which the function may have."""
    server = start_server("--threads", threads)
    ended: list[str] = []

    def run(client: redis.Redis) -> None:
        with pytest.raises(redis.ResponseError) as error:
            client.fcall("endless", 0, "word")
        ended.append(str(error.value))

    with server.client() as runner, server.client() as client:
        client.config_set("busy-reply-threshold", 10)
        client.function_load(library("lib", "endless", "while true do end"))
        thread = threading.Thread(target=run, args=(runner,))
        thread.start()
        wait_until_busy(client)
        with pytest.raises(redis.ResponseError, match="You can only call FUNCTION KILL or SHUTDOWN NOSAVE"):
            client.ping()
        running = client.execute_command("FUNCTION", "STATS")[b"running_script"]
        assert running[b"name"] == b"endless"
        assert running[b"command"] == [b"FCALL", b"endless", b"0", b"word"]
        with pytest.raises(redis.ResponseError, match="FUNCTION KILL"):
            client.script_kill()
        assert client.execute_command("FUNCTION", "KILL") == b"OK"
        thread.join(timeout=30)
        assert client.ping()
    assert ended[0].startswith("Error running script: Script killed by user with FUNCTION KILL.")
