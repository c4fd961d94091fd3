"""Django's own Redis cache on Kvark, over the wire or inside the process.

python django_cache.py redis://127.0.0.1:6379/1    # a server, as Django has it anywhere
python django_cache.py kvark:///tmp/cache.kvark    # a store of this process
"""

import sys

import django
from django.conf import settings
from django.core.cache import cache, caches

where = sys.argv[1]
options = {"pool_class": "kvark.redis.ConnectionPool"} if where.startswith("kvark:") else {}
backend = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": where, "OPTIONS": options}
settings.configure(CACHES={"default": backend, "short": {**backend, "KEY_PREFIX": "short", "TIMEOUT": 1}})
django.setup()

cache.clear()
cache.set("user:100", {"name": "Ada", "email": "ada@example.org"}, timeout=300)
print(cache.get("user:100")["name"], cache.get("user:101", "nobody"))
print(cache.add("user:100", "somebody else"), cache.get_or_set("answer", lambda: 42))

cache.set_many({"visits": 1, "likes": 10})
cache.incr("visits")
cache.decr("likes", 3)
print(cache.get_many(["visits", "likes", "missing"]))

print(cache.touch("visits", 60), cache.delete("visits"), cache.has_key("visits"))
short = caches["short"]
short.set("user:100", "another prefix")
print(cache.get("user:100")["name"], short.get("user:100"))
cache.clear()
print(cache.get("user:100"))
