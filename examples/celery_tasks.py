"""Celery with Kvark as its broker and its result backend, over the wire or inside the process.

python celery_tasks.py redis://127.0.0.1:6379/0    # a server, as Celery has it anywhere
python celery_tasks.py jobs.kvark                  # a store of this process, in which the worker is a thread
"""

from __future__ import annotations

import gc
import sys
from typing import Any

import kvark
import kvark.redis
from celery import Celery, chord, group
from celery.backends.redis import RedisBackend
from celery.contrib.testing.worker import start_worker
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis

# The store of this process, if that is where the work goes.
store: kvark.Store | None = None


class Channel(kombu_redis.Channel):
    """Celery's own channel for Redis, whose connections go to the store."""

    connection_class = kvark.redis.Connection

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        options = self._filter_tcp_connparams(**super()._connparams(asynchronous))
        return {name: option for name, option in options.items() if name not in ("host", "port")} | {"store": store}


class Transport(kombu_redis.Transport):
    Channel = Channel


class Backend(RedisBackend):
    """Celery's own backend for Redis, whose connections go to the store."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connparams = {"connection_class": kvark.redis.Connection, "store": store, "socket_timeout": None}


TRANSPORT_ALIASES["kvark"] = f"{__name__}:Transport"


def inside() -> Celery:
    return Celery("jobs", broker="kvark://", backend=Backend)


def over_the_wire(url: str) -> Celery:
    return Celery("jobs", broker=url, backend=url)


def main(where: str) -> None:
    global store
    if "://" in where:
        work(over_the_wire(where))
        return
    with kvark.open(where) as store:
        work(inside())
        # Results end their subscriptions when they are collected, for which the store has to be there.
        gc.collect()


def work(app: Celery) -> None:
    @app.task
    def add(left: int, right: int) -> int:
        return left + right

    @app.task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(bind=True, max_retries=3)
    def third_time_lucky(task: Any) -> str:
        if task.request.retries < 2:
            raise task.retry(countdown=0.1)
        return f"attempt {task.request.retries + 1}"

    @app.task
    def fail() -> None:
        raise ValueError("on purpose")

    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        print(add.delay(2, 3).get(timeout=30))
        print(group(add.s(number, number) for number in range(10))().get(timeout=30))
        print(chord((add.s(number, 1) for number in range(10)), total.s())().get(timeout=30))
        print(third_time_lucky.delay().get(timeout=30))
        print(repr(fail.delay().get(timeout=30, propagate=False)))


if __name__ == "__main__":
    main(sys.argv[1])
