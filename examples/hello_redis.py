"""The first steps of every introduction, against a running `kvark serve`: `python examples/hello_redis.py [PORT]`."""

import json
import sys

import redis

port = int(sys.argv[1]) if len(sys.argv) > 1 else 6379
r = redis.Redis(host="localhost", port=port, db=0)

r.set("foo", "bar")
print(r.get("foo"))

profile = {"name": "Ada", "email": "ada@example.org", "languages": ["Python", "Rust"]}
r.set("user:100", json.dumps(profile))
print(json.loads(r.get("user:100"))["name"])

r.set("session:100", "open", ex=3600)
print(r.ttl("session:100") > 0)

r.incr("visits")
print(int(r.get("visits")) >= 1)
