"""A durable, ordered dict inside this process, no server: `python examples/embedded.py [PATH]`."""

import json
import sys
import tempfile
from pathlib import Path

import kvark

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "profiles.kvark"

with kvark.open(path) as db:
    db["user:100"] = json.dumps({"name": "Ada"}).encode()
    db["user:101"] = json.dumps({"name": "Grace"}).encode()
    db.set("session:100", b"open", ttl=3600)
    db.incr("visits")

# Opened again, as after a restart: everything is still there.
with kvark.open(path) as db:
    print(json.loads(db["user:100"])["name"])
    print([key.decode() for key, value in db.scan(prefix="user:")])
    print(len(db), "session:100" in db, int(db["visits"]))
