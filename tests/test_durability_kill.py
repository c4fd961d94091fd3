"""kill -9 under load: every write that was acknowledged is there afterwards, and nothing that was never asked for.

Each writer owns its keys and keeps a model of them: what was acknowledged, and what was in flight when the server died.
A key in flight may hold its old or its new value; every other key of the whole store must be exactly as acknowledged.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import redis
from live import LONG, LiveServer

StartServer = Callable[..., LiveServer]
ROUNDS = 20 if LONG else 3
SECONDS = 3.0 if LONG else 0.5
WRITERS = 4
KEYS_EACH = 300
PIPELINE = 8

# The state of a key: its value and its expiry in Unix milliseconds (-1 for none), or None where there is no key.
State = tuple[bytes, int] | None


@dataclass
class Writer:
    """One connection that writes until its server is gone."""

    name: int
    seed: int
    known: dict[bytes, State] = field(default_factory=dict)
    in_flight: dict[bytes, list[State]] = field(default_factory=dict)
    acknowledged: int = 0

    def run(self, server: LiveServer) -> None:
        rng = random.Random(self.seed)
        self.in_flight = {}
        with server.client() as client:
            try:
                while True:
                    self.write_once(client, rng)
            except (redis.ConnectionError, redis.TimeoutError):
                return

    def write_once(self, client: redis.Redis, rng: random.Random) -> None:
        """One pipeline; its keys count as in flight until every answer of it has come."""
        with client.pipeline(transaction=False) as pipeline:
            wanted: dict[bytes, list[State]] = {}
            for _ in range(rng.randint(1, PIPELINE)):
                key = b"writer:%d:key:%d" % (self.name, rng.randrange(KEYS_EACH))
                before = wanted[key][-1] if key in wanted else self.known.get(key)
                wanted.setdefault(key, [before]).append(self.ask_for(pipeline, key, before, rng))
            self.in_flight = wanted
            pipeline.execute()
        self.known |= {key: states[-1] for key, states in wanted.items()}
        self.acknowledged += sum(len(states) - 1 for states in wanted.values())
        self.in_flight = {}

    def ask_for(self, pipeline: redis.client.Pipeline, key: bytes, before: State, rng: random.Random) -> State:
        """Queues a random change of the key; the state that it must have afterwards."""
        value = rng.randbytes(rng.choice((1, 20, 100, 3_000)))
        match rng.randrange(6):
            case 0:
                pipeline.delete(key)
                return None
            case 1:
                expiry = 4_000_000_000_000 + rng.randrange(1_000)
                pipeline.set(key, value, pxat=expiry)
                return value, expiry
            case 2 if before is not None:
                pipeline.persist(key)
                return before[0], -1
            case 3:
                pipeline.append(key, value[:20])
                return (before[0] + value[:20], before[1]) if before else (value[:20], -1)
            case _:
                pipeline.set(key, value)
                return value, -1


def content(server: LiveServer) -> dict[bytes, State]:
    """Everything in the store."""
    with server.client() as client:
        keys = sorted(client.scan_iter("*", count=1_000))
        with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.get(key)
                pipeline.pexpiretime(key)
            answers = iter(pipeline.execute())
        assert client.dbsize() == len(keys)
    return {key: (next(answers), next(answers)) for key in keys}


def check(found: dict[bytes, State], writers: list[Writer]) -> None:
    """The store holds what the writers know, and takes over what became of the keys in flight."""
    expected: dict[bytes, State] = {}
    for writer in writers:
        for key, states in writer.in_flight.items():
            assert found.get(key) in states, f"{key!r} was in flight and holds what nobody wrote"
            writer.known[key] = found.get(key)
        expected |= {key: state for key, state in writer.known.items() if state is not None}
    lost = [key for key, state in expected.items() if found.get(key) != state]
    assert not lost, f"{len(lost)} of {len(expected)} acknowledged keys are not as they were, the first is {lost[0]!r}"
    assert found.keys() == expected.keys(), f"keys came back: {sorted(found.keys() - expected.keys())[:3]}"


def write_until_killed(server: LiveServer, writers: list[Writer], seconds: float, checkpoints: bool) -> None:
    threads = [threading.Thread(target=writer.run, args=(server,)) for writer in writers]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    with server.client() as client:
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if checkpoints:
                ask_for_checkpoint(client)
    server.kill()
    for thread in threads:
        thread.join()


def ask_for_checkpoint(client: redis.Redis) -> None:
    try:
        client.bgsave()
    except redis.ResponseError as error:
        if "in progress" not in str(error):
            raise


@pytest.mark.parametrize("checkpoints", [False, True], ids=["quiet", "during checkpoints"])
@pytest.mark.parametrize("durability", ["os", "disk"])
def test_no_acknowledged_write_is_lost(start_server: StartServer, durability: str, checkpoints: bool) -> None:
    server = start_server(durability=durability)
    writers = [Writer(number, seed=number) for number in range(WRITERS)]
    for turn in range(ROUNDS):
        before = sum(writer.acknowledged for writer in writers)
        write_until_killed(server, writers, SECONDS, checkpoints)
        assert sum(writer.acknowledged for writer in writers) > before, "nothing was written, so nothing was tested"
        server.start()
        check(content(server), writers)
        for writer in writers:
            writer.seed += 1_000 * (turn + 1)


def test_a_crash_after_a_crash_changes_nothing(start_server: StartServer) -> None:
    server = start_server()
    writers = [Writer(number, seed=100 + number) for number in range(WRITERS)]
    write_until_killed(server, writers, SECONDS, checkpoints=True)
    server.start()
    found, digest = content(server), digest_of(server)
    check(found, writers)
    for end in (server.kill, server.kill, server.stop, server.kill):
        end()
        server.start()
        assert digest_of(server) == digest
    assert content(server) == found


def digest_of(server: LiveServer) -> bytes:
    with server.client() as client:
        digest: bytes = client.execute_command("DEBUG DIGEST")
    assert len(digest) >= 32
    return digest


def test_a_counter_is_never_behind_its_answers(server: LiveServer) -> None:
    answers: list[int] = []

    def count() -> None:
        with server.client() as client:
            try:
                while True:
                    answers.append(client.incr("counter"))
            except (redis.ConnectionError, redis.TimeoutError):
                return

    counters = [threading.Thread(target=count) for _ in range(WRITERS)]
    for counter in counters:
        counter.start()
    time.sleep(SECONDS)
    server.kill()
    for counter in counters:
        counter.join()
    server.start()
    found = int(server.client().get("counter") or 0)
    assert max(answers) <= found <= max(answers) + WRITERS
    assert len(set(answers)) == len(answers)
