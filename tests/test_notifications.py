"""Keyspace notifications over the wire: settings, and what many clients at a time are told of one key."""

from __future__ import annotations

import threading
from collections import defaultdict

import pytest
import redis
from conftest import StartServer
from live import LiveServer

PATIENCE_S = 20.0
WRITERS, ROUNDS = 4, 200


def connect(server: LiveServer, protocol: int = 2) -> redis.Redis:
    return redis.Redis(port=server.port, protocol=protocol, socket_timeout=PATIENCE_S)


def test_the_setting_is_checked_and_shown_in_order(start_server: StartServer) -> None:
    client = connect(start_server())
    for given, shown in (("KEA", "AKE"), ("Exg", "gxE"), ("", ""), ("Km$", "$Km")):
        client.config_set("notify-keyspace-events", given)
        assert client.config_get("notify-keyspace-events") == {"notify-keyspace-events": shown}
    with pytest.raises(redis.ResponseError, match="Invalid event class character"):
        client.config_set("notify-keyspace-events", "KEy")


@pytest.mark.parametrize("durability", ["os", "disk"])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_each_key_is_told_in_the_order_of_its_changes(start_server: StartServer, threads: str, durability: str) -> None:
    server = start_server("--threads", threads, durability=durability)
    connect(server).config_set("notify-keyspace-events", "E$lgn")
    with connect(server).pubsub() as pubsub:
        pubsub.psubscribe("__keyevent@0__:*")
        pubsub.get_message(timeout=PATIENCE_S)
        writers = [threading.Thread(target=make_and_remove, args=(server,)) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        told: defaultdict[bytes, list[str]] = defaultdict(list)
        ended = 0
        while ended < WRITERS:
            message = pubsub.get_message(timeout=PATIENCE_S)
            assert message is not None, "an event is missing"
            event = message["channel"].decode().split(":")[1]
            told[message["data"]].append(event)
            ended += message["data"] == b"end" and event == "set"
        for writer in writers:
            writer.join()
    for key in (b"k0", b"k1", b"k2"):
        alive = False
        for event in told[key]:
            # A key is made when it is not there, and changed and removed when it is: the order of the log.
            assert alive == (event != "new"), (key, event)
            alive = event != "del"
        assert told[key].count("lpush") + told[key].count("del") > 0


def make_and_remove(server: LiveServer) -> None:
    client = connect(server)
    for number in range(ROUNDS):
        pipeline = client.pipeline(transaction=number % 2 == 0)
        pipeline.lpush(f"k{number % 3}", "x")
        pipeline.delete(f"k{(number + 1) % 3}")
        pipeline.execute()
    client.set("end", "x")
