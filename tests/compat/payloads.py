"""Asks a real server for payloads and writes them down, for the tests of `crates/rdb`.

`python -m tests.compat.payloads /path/to/redis-server crates/rdb/tests/payloads/name.txt`

Each case has the commands that made the value, what the server says it holds, and what it dumps. Forms that no server
writes any more are put together here and restored into the server first, which says what they hold. Needs redis-py.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

KEY = "key"
LATER = 4_000_000_000_000
SMALL = {"hash": "hash-max-listpack-entries 1", "zset": "zset-max-listpack-entries 1"}
POLYNOMIAL = 0x95AC9329AC4BC9B5


def crc64(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc


def seal(body: bytes, version: int) -> bytes:
    framed = body + struct.pack("<H", version)
    return framed + struct.pack("<Q", crc64(framed))


def text(data: bytes) -> bytes:
    assert len(data) < 16384
    return (bytes([len(data)]) if len(data) < 64 else struct.pack(">H", len(data) | 0x4000)) + data


def ziplist(*elements: bytes) -> bytes:
    """Of elements that are written out, each without the length of the one before."""
    body, before, last = b"", 0, 0
    for element in elements:
        last = len(body)
        body += bytes([before]) + element
        before = len(body) - last
    return struct.pack("<IIH", 10 + len(body) + 1, 10 + last, len(elements)) + body + b"\xff"


def listpack(*elements: bytes) -> bytes:
    """Of elements that are written out, without their own length behind them."""
    body = b"".join(element + bytes([len(element)]) for element in elements)
    return struct.pack("<IH", 6 + len(body) + 1, len(elements)) + body + b"\xff"


BY_HAND = {
    "list, plain": (1, b"\x03" + text(b"a") + b"\xc0\xf6" + text(b""), 9),
    "set, plain": (2, b"\x02" + text(b"a") + b"\xc1\xe8\x03", 9),
    "sorted set, scores in decimals": (
        3,
        b"\x04" + text(b"a") + b"\x031.5" + text(b"b") + b"\xff" + text(b"c") + b"\xfe"
        + text(b"d") + b"\x07-1.5e-9",
        6,
    ),
    "hash, zipmap": (9, text(b"\x02\x01a\x02\x00vv\x01b\x01\x02w??\xff"), 6),
    "list, ziplist": (10, text(ziplist(b"\x02hi", b"\xf1", b"\xfd", b"\xfe\x80", b"\xc0\xff\x7f", b"\x00")), 6),
    "list, long ziplist": (
        10,
        text(
            ziplist(
                b"\xf0\xff\xff\x7f", b"\xd0\0\0\0\x80", b"\xe0\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x40\x46" + b"x" * 70
            )
        ),
        6,
    ),
    "sorted set, ziplist": (12, text(ziplist(b"\x01a", b"\x031.5", b"\x01b", b"\xf4")), 6),
    "hash, ziplist": (13, text(ziplist(b"\x01a", b"\xf2", b"\x01b", b"\x02vv")), 6),
    "list, quicklist of ziplists": (14, b"\x02" + text(ziplist(b"\x01a")) + text(ziplist(b"\xf2", b"\x01b")), 7),
    "stream, first form": (
        15,
        b"\x01\x10" + struct.pack(">QQ", 1000, 5)
        + text(
            listpack(
                b"\x02", b"\x01", b"\x01", b"\x81f", b"\x00",
                b"\x02", b"\x00", b"\x00", b"\x81v", b"\x04",
                b"\x03", b"\x00", b"\x01", b"\x07", b"\x04",
                b"\x00", b"\x01", b"\xdf\xfb", b"\x02", b"\x81g", b"\x00", b"\x81h", b"\xc1\x2c", b"\x08",
            )
        )
        + b"\x02\x43\xe9\x00"
        + b"\x02" + text(b"new") + b"\x43\xe9\x00\x00\x00"
        + text(b"old") + b"\x43\xe8\x05"
        + b"\x01" + struct.pack(">QQ", 1000, 5) + struct.pack("<q", 1_600_000_000_000) + b"\x03"
        + b"\x01" + text(b"ann") + struct.pack("<q", 1_600_000_000_001) + b"\x01" + struct.pack(">QQ", 1000, 5),
        9,
    ),
    "hash with deadlines, before 7.4": (
        22,
        b"\x02\x81" + struct.pack(">Q", LATER) + text(b"a") + text(b"v") + b"\x00" + text(b"b") + b"\xc0\x07",
        12,
    ),
    "hash with deadlines, packed, before 7.4": (
        23,
        text(listpack(b"\x81a", b"\x81v", b"\xf4" + struct.pack("<q", LATER), b"\x81b", b"\x07", b"\x00")),
        12,
    ),
}  # fmt: skip

ONE_NODE = ("CONFIG SET list-max-listpack-size 2",)
CASES: dict[str, tuple[str, ...]] = {
    "string": ("SET key hello",),
    "string, empty": ('SET key ""',),
    "string, 8 bits": ("SET key -100",),
    "string, 16 bits": ("SET key 32000",),
    "string, 32 bits": ("SET key -2147483648",),
    "string, a longer integer": ("SET key 9223372036854775807",),
    "string, compressed": ("SET key " + "abcabcabcd" * 30,),
    "string, 14 bits of length": ("SETRANGE key 0 " + "".join(chr(33 + i * i * 7 % 90) for i in range(90)),),
    "list, packed": ("RPUSH key a -1 300 70000 5000000000 " + "x" * 70,),
    "list, nodes": (*ONE_NODE, "RPUSH key a b c d 5"),
    "list, a large element": ("CONFIG SET list-max-listpack-size 1", "RPUSH key a " + "yz" * 4200 + " b"),
    "set, integers": ("SADD key 1 -2 300",),
    "set, wide integers": ("SADD key 1 -2 5000000000",),
    "set, packed": ("SADD key a b 3",),
    "set, big": ("CONFIG SET set-max-listpack-entries 1", "CONFIG SET set-max-intset-entries 1", "SADD key a b 3"),
    "sorted set, packed": ("ZADD key 1 a -0.5 b 1e300 c +inf d 3 4",),
    "sorted set, big": (f"CONFIG SET {SMALL['zset']}", "ZADD key 1 a -0.5 b 0.1 c -inf d 3 4"),
    "hash, packed": ("HSET key a 1 b two 3 " + "z" * 64,),
    "hash, big": (f"CONFIG SET {SMALL['hash']}", "HSET key a 1 b two 3 " + "z" * 64),
    "hash with deadlines, packed": (
        "HSET key a 1 b two 3 four",
        f"HPEXPIREAT key {LATER} FIELDS 1 a",
        f"HPEXPIREAT key {LATER - 5} FIELDS 1 3",
    ),
    "hash with deadlines, big": (
        f"CONFIG SET {SMALL['hash']}",
        "HSET key a 1 b two 3 four",
        f"HPEXPIREAT key {LATER} FIELDS 1 a",
        f"HPEXPIREAT key {LATER - 5} FIELDS 1 3",
    ),
    "stream": (
        "XADD key 1-1 f v g 2",
        "XADD key 1-2 f w g 3",
        "XADD key 5-0 other 1",
        "XADD key 5-1 f x g -70000",
        "XDEL key 1-2",
    ),
    "stream, nodes": (
        "CONFIG SET stream-node-max-entries 2",
        *(f"XADD key 1700000000000-{i} f {i * i * 1000}" for i in range(5)),
        "XTRIM key MINID 1700000000000-1",
    ),
    "stream, empty": ("XADD key 3-4 a b", "XDEL key 3-4", "XGROUP CREATE key g 0"),
    "stream, groups": (
        *(f"XADD key {i}-0 f v{i}" for i in range(1, 5)),
        "XGROUP CREATE key first 0",
        "XGROUP CREATE key second 2 ENTRIESREAD 2",
        "XGROUP CREATE key third 2",
        "XGROUP CREATECONSUMER key first idle",
        "XREADGROUP GROUP first ann COUNT 2 STREAMS key >",
        "XREADGROUP GROUP first bob COUNT 1 STREAMS key >",
        "XREADGROUP GROUP second bob STREAMS key >",
        "XACK key second 3-0",
        "XCLAIM key first bob 0 1-0 TIME 1700000000000 RETRYCOUNT 7",
    ),
}


def escaped(data: bytes) -> str:
    """As Rust's `escape_ascii` does."""
    special = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return "".join(special.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data)


def holds(client: redis.Redis) -> Iterator[str]:
    kind = client.execute_command("TYPE", KEY).decode()
    yield from {
        "string": strings, "list": lists, "set": sets, "zset": zsets, "hash": hashes, "stream": streams
    }[kind](client)  # fmt: skip


def strings(client: redis.Redis) -> Iterator[str]:
    yield f'text "{escaped(client.execute_command("GET", KEY))}"'


def lists(client: redis.Redis) -> Iterator[str]:
    for element in client.execute_command("LRANGE", KEY, 0, -1):
        yield f'element "{escaped(element)}"'


def sets(client: redis.Redis) -> Iterator[str]:
    for member in sorted(client.execute_command("SMEMBERS", KEY)):
        yield f'member "{escaped(member)}" 0'


def zsets(client: redis.Redis) -> Iterator[str]:
    for member, score in two_by_two(client.execute_command("ZRANGE", KEY, 0, -1, "WITHSCORES")):
        yield f'scored "{escaped(member)}" {struct.pack(">d", float(score)).hex()} 0'


def hashes(client: redis.Redis) -> Iterator[str]:
    for name, value in two_by_two(client.execute_command("HGETALL", KEY)):
        try:
            [deadline] = client.execute_command("HPEXPIRETIME", KEY, "FIELDS", 1, name)
        except redis.ResponseError:
            deadline = 0
        yield f'field "{escaped(name)}" "{escaped(value)}" {max(deadline, 0)}'


def streams(client: redis.Redis) -> Iterator[str]:
    info = paired(client.execute_command("XINFO", "STREAM", KEY, "FULL", "COUNT", 0))
    for entry_id, fields in info["entries"]:
        yield " ".join([f"entry {entry_id.decode()}", *(f'"{escaped(field)}"' for field in fields)])
    counters = (info["last-generated-id"].decode(), info["max-deleted-entry-id"].decode(), info["entries-added"])
    yield "counters {} {} {}".format(*counters)
    for group in map(paired, info["groups"]):
        read = "?" if group["entries-read"] is None else group["entries-read"]
        yield f'group "{escaped(group["name"])}" {group["last-delivered-id"].decode()} {read}'
        for consumer in map(paired, group["consumers"]):
            active = consumer.get("active-time", consumer["seen-time"])
            seen = f"{consumer['seen-time']} {'never' if active == -1 else active}"
            yield f'consumer "{escaped(consumer["name"])}" {seen}'
        for entry_id, consumer, delivered, count in group["pending"]:
            yield f'pending {entry_id.decode()} "{escaped(consumer)}" {delivered} {count}'


def two_by_two(flat: list) -> list[tuple]:
    return sorted(zip(flat[::2], flat[1::2], strict=True))


def paired(flat: list) -> dict:
    return {name.decode(): value for name, value in two_by_two(flat)}


def cases(client: redis.Redis) -> Iterator[list[str]]:
    defaults = paired(client.execute_command("CONFIG", "GET", "*max*"))
    for name, commands in CASES.items():
        client.execute_command("FLUSHALL")
        for setting, value in defaults.items():
            if "listpack" in setting or "intset" in setting or "stream-node" in setting:
                client.execute_command("CONFIG", "SET", setting, value)
        try:
            for command in commands:
                client.execute_command(*(word if word != '""' else "" for word in command.split(" ")))
        except redis.ResponseError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        made = [f"made: {command}" for command in commands]
        payload = client.execute_command("DUMP", KEY)
        yield [f"case: {name}", *made, *(f"holds: {line}" for line in holds(client)), f"payload: {payload.hex()}"]
    for name, (kind, body, version) in BY_HAND.items():
        client.execute_command("FLUSHALL")
        payload = seal(bytes([kind]) + body, version)
        try:
            client.execute_command("RESTORE", KEY, 0, payload)
        except redis.ResponseError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        yield [
            f"case: {name}", "made: by hand", *(f"holds: {line}" for line in holds(client)), f"payload: {payload.hex()}"
        ]  # fmt: skip


def main(program: str, output: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            time.sleep(1)
            client = redis.Redis(port=port, protocol=2)
            info = client.info("server")
            name, version = info.get("server_name", "redis"), info.get("valkey_version", info["redis_version"])
            client.response_callbacks.clear()
            blocks = [[f"# What {name} {version} wrote; made by tests/compat/payloads.py."], *cases(client)]
        finally:
            process.kill()
    Path(output).write_text("\n\n".join("\n".join(block) for block in blocks) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
