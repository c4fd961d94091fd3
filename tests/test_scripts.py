"""Scripts as redis-py runs them: by their name, in pipelines and transactions, and with a server that is killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
import redis
from live import LONG, LiveServer

StartServer = Callable[..., LiveServer]
ROUNDS = 20 if LONG else 3
SECONDS = 3.0 if LONG else 0.5
ACCOUNTS = 8
TRANSFER = """
local from, to = KEYS[1], KEYS[2]
redis.call('DECRBY', from, ARGV[1])
redis.call('RPUSH', 'done:' .. ARGV[2], ARGV[1])
redis.call('INCRBY', to, ARGV[1])
return redis.call('INCR', 'count:' .. ARGV[2])
"""


def test_a_registered_script_is_loaded_when_the_server_does_not_know_it(server: LiveServer) -> None:
    with server.client() as client:
        double = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1] * 2)")
        assert double(keys=["n"], args=[4]) == 8
        client.script_flush()
        assert double(keys=["n"], args=[1]) == 10
        assert client.script_exists(double.sha, "f" * 40) == [True, False]


def test_scripts_stand_in_pipelines_and_transactions(server: LiveServer) -> None:
    with server.client() as client:
        double = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1] * 2)")
        for transaction in (False, True):
            client.set("n", 0)
            with client.pipeline(transaction=transaction) as pipeline:
                pipeline.incr("n")
                double(keys=["n"], args=[4], client=pipeline)
                pipeline.eval("return redis.call('GET', 'n')", 0)
                assert pipeline.execute() == [1, 9, b"9"]


def test_a_script_that_changes_a_watched_key_ends_the_transaction(server: LiveServer) -> None:
    with server.client() as client, client.pipeline() as pipeline:
        client.set("n", 0)
        pipeline.watch("n")
        client.eval("redis.call('INCR', KEYS[1])", 1, "n")
        pipeline.multi()
        pipeline.incr("n")
        with pytest.raises(redis.WatchError):
            pipeline.execute()


def test_a_script_ends_the_wait_of_another_client(server: LiveServer) -> None:
    with server.client() as client, server.client() as waiting:
        popped: list[object] = []
        thread = threading.Thread(target=lambda: popped.append(waiting.blpop(["jobs"], timeout=20)))
        thread.start()
        while client.info("clients").get("blocked_clients") != 1:
            time.sleep(0.01)
        client.eval("redis.call('RPUSH', KEYS[1], 'first', 'second') redis.call('LPOP', KEYS[1])", 1, "jobs")
        thread.join()
        # The wait sees what the whole script has left.
        assert popped == [(b"jobs", b"second")]


class Writer:
    """One connection that transfers by scripts until its server is gone."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.acknowledged = 0

    def account(self, number: int) -> str:
        return f"{self.name}:account:{number}"

    def run(self, server: LiveServer, seed: int) -> None:
        rng = random.Random(seed)
        with server.client() as client:
            transfer = client.register_script(TRANSFER)
            try:
                while True:
                    keys = [self.account(rng.randrange(ACCOUNTS)) for _ in range(2)]
                    transfer(keys=keys, args=[rng.randint(1, 50), self.name])
                    self.acknowledged += 1
            except (redis.ConnectionError, redis.TimeoutError):
                return

    def check(self, client: redis.Redis) -> None:
        balances = client.mget([self.account(number) for number in range(ACCOUNTS)])
        assert sum(int(balance or 0) for balance in balances) == 0, f"half of a transfer is there: {balances}"
        count = int(client.get(f"count:{self.name}") or 0)
        assert count in (self.acknowledged, self.acknowledged + 1)
        assert client.llen(f"done:{self.name}") == count
        self.acknowledged = count


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_of_a_script_all_survives_a_kill_or_nothing(start_server: StartServer, durability: str) -> None:
    server = start_server(durability=durability)
    writers = [Writer(name) for name in range(3)]
    for round_number in range(ROUNDS):
        threads = [
            threading.Thread(target=writer.run, args=(server, round_number * 10 + writer.name)) for writer in writers
        ]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS * random.Random(round_number).random())
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        with server.client() as client:
            for writer in writers:
                writer.check(client)
    assert sum(writer.acknowledged for writer in writers) > 0
