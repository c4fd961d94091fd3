"""kill -9 in the midst of EXECs: of each transaction all is there afterwards, or nothing.

Each writer moves amounts between its accounts, which are in different shards, and counts its transactions, all in one.
What it can't know is whether the transaction in flight when the server died has happened; but all that it wrote must
agree on it.
"""

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
WRITERS = 3
ACCOUNTS = 8
AMOUNT = 1_000


class Writer:
    """One connection that transfers until its server is gone."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.acknowledged = 0

    def account(self, number: int) -> str:
        return f"{self.name}:account:{number}"

    def open(self, client: redis.Redis) -> None:
        client.mset({self.account(number): AMOUNT for number in range(ACCOUNTS)})

    def run(self, server: LiveServer, seed: int) -> None:
        rng = random.Random(seed)
        with server.client() as client:
            try:
                while True:
                    self.transfer(client, rng)
            except (redis.ConnectionError, redis.TimeoutError):
                return

    def transfer(self, client: redis.Redis, rng: random.Random) -> None:
        """Some transfers, and a copy whose size the server learns on the way."""
        with client.pipeline(transaction=True) as pipeline:
            for _ in range(rng.randint(1, 4)):
                amount = rng.randint(1, 50)
                pipeline.decrby(self.account(rng.randrange(ACCOUNTS)), amount)
                pipeline.incrby(self.account(rng.randrange(ACCOUNTS)), amount)
            pipeline.rpush(f"{self.name}:done", self.acknowledged)
            pipeline.ltrim(f"{self.name}:done", -500, -1)
            pipeline.copy(f"{self.name}:done", f"{self.name}:copy", replace=True)
            pipeline.incr(f"{self.name}:count")
            pipeline.execute()
        self.acknowledged += 1

    def check(self, client: redis.Redis) -> None:
        balances = client.mget([self.account(number) for number in range(ACCOUNTS)])
        assert sum(map(int, balances)) == ACCOUNTS * AMOUNT, f"half of a transfer is there: {balances}"
        count = int(client.get(f"{self.name}:count") or 0)
        assert count in (self.acknowledged, self.acknowledged + 1)
        done, copy = (client.lrange(f"{self.name}:{name}", 0, -1) for name in ("done", "copy"))
        assert done == copy
        assert count == 0 or int(done[-1]) == count - 1
        self.acknowledged = count


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_of_a_transaction_all_survives_a_kill_or_nothing(start_server: StartServer, durability: str) -> None:
    server = start_server(durability=durability)
    writers = [Writer(name) for name in range(WRITERS)]
    with server.client() as client:
        for writer in writers:
            writer.open(client)
    for turn in range(ROUNDS):
        threads = [threading.Thread(target=writer.run, args=(server, turn * 100 + writer.name)) for writer in writers]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS)
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        with server.client() as client:
            for writer in writers:
                writer.check(client)
    assert all(writer.acknowledged > 20 for writer in writers)
