"""DUMP and RESTORE between Kvark and a real Redis, both ways: what goes there and comes back is what it was."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from live import LONG, LiveServer

StartServer = Callable[..., LiveServer]
REDIS = shutil.which("redis-server")
ROUNDS = 50 if LONG else 3
KEY = "key"
Command = tuple[bytes | str | int | float, ...]
Maker = Callable[[random.Random, int], Iterator[Command]]

pytestmark = pytest.mark.skipif(REDIS is None, reason="needs redis-server of Debian")


@pytest.fixture
def redis_client(tmp_path: Path) -> Iterator[redis.Redis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = LiveServer(folder, program=REDIS)
    yield server.client()
    server.end()


@pytest.fixture
def kvark_client(start_server: StartServer) -> redis.Redis:
    return start_server().client()


def some_bytes(rng: random.Random) -> bytes:
    """Numbers, short and long strings, some that compress."""
    kind = rng.randrange(5)
    if kind == 0:
        return str(rng.choice((1, -1)) * rng.getrandbits(rng.randrange(1, 64))).encode()
    if kind == 1:
        return bytes([rng.randrange(256)]) * rng.randrange(300)
    return rng.randbytes(rng.choice((0, 1, 5, 20, 63, 64, 70, 300)))


def strings(rng: random.Random, size: int) -> Iterator[Command]:
    yield "SET", KEY, some_bytes(rng) * (size // 10 + 1)


def lists(rng: random.Random, size: int) -> Iterator[Command]:
    yield "RPUSH", KEY, *(some_bytes(rng) for _ in range(size))


def sets(rng: random.Random, size: int) -> Iterator[Command]:
    yield "SADD", KEY, *(some_bytes(rng) for _ in range(size))


def sets_of_integers(rng: random.Random, size: int) -> Iterator[Command]:
    yield "SADD", KEY, *(rng.getrandbits(rng.choice((7, 15, 31, 62))) for _ in range(size))


def sorted_sets(rng: random.Random, size: int) -> Iterator[Command]:
    for _ in range(size):
        score = rng.choice(("inf", "-inf", 0.1, -5, 3, 1e300, rng.random(), rng.randrange(1 << 40)))
        yield "ZADD", KEY, score, some_bytes(rng)


def hashes(rng: random.Random, size: int) -> Iterator[Command]:
    yield "HSET", KEY, *(some_bytes(rng) for _ in range(2 * size))


def streams(rng: random.Random, size: int) -> Iterator[Command]:
    for number in range(1, size + 1):
        names = ("a", "b") if rng.random() < 0.7 else (some_bytes(rng),)
        yield "XADD", KEY, f"{number * 10}-{number % 3}", *(word for name in names for word in (name, some_bytes(rng)))
    yield "XDEL", KEY, f"{size // 2 * 10}-{size // 2 % 3}"


def streams_with_groups(rng: random.Random, size: int) -> Iterator[Command]:
    yield from streams(rng, size)
    for group in ("first", "second"):
        yield "XGROUP", "CREATE", KEY, group, 0
        for consumer in ("ann", "bob"):
            yield "XREADGROUP", "GROUP", group, consumer, "COUNT", max(1, size // 4), "STREAMS", KEY, ">"
        yield "XACK", KEY, group, "10-1"


MAKERS = (strings, lists, sets, sets_of_integers, sorted_sets, hashes, streams, streams_with_groups)


def made(client: redis.Redis, commands: Iterator[Command]) -> bytes:
    client.flushall()
    for command in commands:
        client.execute_command(*command)
    return dumped(client)


def dumped(client: redis.Redis) -> bytes:
    payload = client.dump(KEY)
    assert isinstance(payload, bytes)
    return payload


def digest(client: redis.Redis) -> bytes:
    """Of everything the key holds, as the server itself sees it."""
    return client.execute_command("DEBUG", "DIGEST-VALUE", KEY)[0]


def described(client: redis.Redis) -> object:
    """What a digest leaves out: groups of a stream, without the times of consumers: Redis 7.0 keeps only one."""
    if client.type(KEY) != b"stream":
        return None
    info = without_times(client.execute_command("XINFO", "STREAM", KEY, "FULL", "COUNT", 0))
    assert isinstance(info, dict)
    told = ("length", "last-generated-id", "max-deleted-entry-id", "entries-added", "entries", "groups")
    return {name: info[name] for name in told}


def without_times(value: object) -> object:
    if isinstance(value, dict):
        times = ("seen-time", "active-time", b"seen-time", b"active-time")
        return {text(name): without_times(part) for name, part in value.items() if name not in times}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


@pytest.mark.parametrize("size", [4, 9, 600])
@pytest.mark.parametrize("maker", MAKERS)
def test_what_redis_dumped_goes_through_kvark_and_back(
    redis_client: redis.Redis,
    kvark_client: redis.Redis,
    maker: Callable[[random.Random, int], Iterator[Command]],
    size: int,
) -> None:
    for seed in range(ROUNDS):
        payload = made(redis_client, maker(random.Random(seed), size))
        before = digest(redis_client), described(redis_client)
        kvark_client.restore(KEY, 0, payload, replace=True)
        assert described(kvark_client) == before[1], f"seed {seed}"
        redis_client.restore(KEY, 0, dumped(kvark_client), replace=True)
        assert (digest(redis_client), described(redis_client)) == before, f"seed {seed}"


@pytest.mark.parametrize("size", [4, 9, 600])
@pytest.mark.parametrize("maker", MAKERS)
def test_what_kvark_dumped_goes_through_redis_and_back(
    redis_client: redis.Redis,
    kvark_client: redis.Redis,
    maker: Callable[[random.Random, int], Iterator[Command]],
    size: int,
) -> None:
    for seed in range(ROUNDS):
        payload = made(kvark_client, maker(random.Random(seed), size))
        before = digest(kvark_client), described(kvark_client)
        redis_client.restore(KEY, 0, payload, replace=True)
        kvark_client.restore(KEY, 0, dumped(redis_client), replace=True)
        assert (digest(kvark_client), described(kvark_client)) == before, f"seed {seed}"


def test_a_deadline_goes_along_when_it_is_named(redis_client: redis.Redis, kvark_client: redis.Redis) -> None:
    redis_client.set(KEY, "value", pxat=4_000_000_000_000)
    kvark_client.restore(KEY, redis_client.pexpiretime(KEY), dumped(redis_client), absttl=True)
    assert kvark_client.pexpiretime(KEY) == 4_000_000_000_000


def test_damage_is_refused_by_both(redis_client: redis.Redis, kvark_client: redis.Redis) -> None:
    redis_client.rpush(KEY, "a", "b")
    payload = bytearray(dumped(redis_client))
    payload[3] ^= 1
    for client in (redis_client, kvark_client):
        with pytest.raises(redis.ResponseError, match="DUMP payload version or checksum are wrong"):
            client.restore("other", 0, bytes(payload))
