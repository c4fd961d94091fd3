"""The Unicode Character Database as a catalogue of JSON records, through both doors and across a restart.

`python examples/unicode_catalogue.py [FOLDER]` reads UnicodeData.txt of Debian's package unicode-data, keeps every
character under `char:HHHHHH`, and checks every record: by key, by prefix and by ordered range. The keys have six
hexadecimal digits, so their byte order is the order of the code points.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kvark
import redis

SOURCE = Path("/usr/share/unicode/UnicodeData.txt")
BATCH = 1_000

Catalogue = dict[bytes, bytes]


def read_catalogue(source: Path) -> Catalogue:
    """Key -> JSON record, one for each line of the database."""
    records = (record_of(line) for line in source.read_text(encoding="ascii").splitlines())
    return {key_of(int(record["code"], 16)): json.dumps(record).encode() for record in records}


def record_of(line: str) -> dict[str, str]:
    code, name, category, combining, direction, decomposition, *_, old_name, _, upper, lower, title = line.split(";")
    record = {"code": code, "name": name, "category": category, "combining": combining, "direction": direction}
    optional = {"decomposition": decomposition, "was": old_name, "upper": upper, "lower": lower, "title": title}
    return record | {field: text for field, text in optional.items() if text}


def key_of(code_point: int) -> bytes:
    return b"char:%06X" % code_point


def batches(catalogue: Catalogue) -> Iterator[Catalogue]:
    items = list(catalogue.items())
    for first in range(0, len(items), BATCH):
        yield dict(items[first : first + BATCH])


def through_the_embedded_door(catalogue: Catalogue, path: Path) -> None:
    with kvark.open(path) as db:
        for batch in batches(catalogue):
            db.set_many(batch)
        check_embedded(catalogue, db)
    with kvark.open(path) as db:
        check_embedded(catalogue, db)


def check_embedded(catalogue: Catalogue, db: kvark.Store) -> None:
    ordered = sorted(catalogue)
    assert len(db) == len(catalogue)
    assert all(db[key] == record for key, record in catalogue.items())
    assert list(db.scan()) == sorted(catalogue.items())
    assert list(db.scan(reverse=True)) == sorted(catalogue.items(), reverse=True)

    emoticons = [key for key in ordered if key.startswith(b"char:01F6")]
    assert [key for key, _ in db.scan(prefix="char:01F6")] == emoticons

    start, stop = key_of(0x0370), key_of(0x0400)
    greek = [(key, catalogue[key]) for key in ordered if start <= key < stop]
    assert list(db.scan(start=start, stop=stop)) == greek
    assert list(db.scan(start=start, stop=stop, reverse=True, limit=5)) == greek[::-1][:5]


def through_redis_py(catalogue: Catalogue, path: Path) -> None:
    with serving(path) as client:
        with client.pipeline(transaction=False) as pipeline:
            for key, record in catalogue.items():
                pipeline.set(key, record)
            assert all(pipeline.execute())
        check_redis(catalogue, client)
    with serving(path) as client:
        check_redis(catalogue, client)
    # The same folder through the other door: one engine, one format.
    with kvark.open(path) as db:
        check_embedded(catalogue, db)


def check_redis(catalogue: Catalogue, client: redis.Redis) -> None:
    assert client.dbsize() == len(catalogue)
    for batch in batches(catalogue):
        assert client.mget(list(batch)) == list(batch.values())
    emoticons = {key for key in catalogue if key.startswith(b"char:01F6")}
    assert set(client.scan_iter("char:01F6*", count=1_000)) == emoticons
    assert json.loads(client.get(key_of(ord("A"))))["name"] == "LATIN CAPITAL LETTER A"


@contextmanager
def serving(path: Path) -> Iterator[redis.Redis]:
    """A client of a server of its own, which ends as `kill` (SIGTERM) ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "kvark", "serve", "--port", str(port), "--dir", str(path)])
    try:
        with redis.Redis(port=port) as client:
            wait_for(client, server)
            yield client
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(client: redis.Redis, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            time.sleep(0.05)
    raise RuntimeError("the server ended before it answered")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="kvark-catalogue-"))
    catalogue = read_catalogue(SOURCE)
    for name, load in (("embedded", through_the_embedded_door), ("redis-py", through_redis_py)):
        began = time.perf_counter()
        load(catalogue, folder / name)
        print(
            f"{name}: {len(catalogue):,} records loaded, read back and checked in {time.perf_counter() - began:.1f} s"
        )


if __name__ == "__main__":
    main()
