"""redis-py and valkey-py on a store of this process: each answer is that of the wire, and waiting is as there."""

from __future__ import annotations

import functools
import multiprocessing
import select
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hiredis
import kvark
import kvark.redis
import kvark.valkey
import pytest
import redis
import valkey

PATIENCE_S = 20.0
LIBRARIES = {"redis": (redis, kvark.redis), "valkey": (valkey, kvark.valkey)}


def parser_options(library: str, parser: str, protocol: int) -> dict[str, Any]:
    """The options by which a client has this parser: the library's own in Python, hiredis, or ours for `None`."""
    if parser == "hiredis":
        assert hiredis.Reader
        return {"parser_class": redis.connection._HiredisParser}
    if parser == "python":
        parsers = LIBRARIES[library][0]._parsers
        return {"parser_class": parsers._RESP3Parser if protocol == 3 else parsers._RESP2Parser}
    return {}


WAYS = [
    (library, protocol, parser)
    for library in LIBRARIES
    for protocol in (2, 3)
    for parser in ("ours", "python", "hiredis")
    if (library, parser) != ("valkey", "hiredis")
]


@pytest.fixture
def db() -> Iterator[kvark.Store]:
    with kvark.open(":memory:") as store:
        yield store


@pytest.fixture(params=WAYS, ids=lambda way: "-".join(map(str, way)))
def make(request: pytest.FixtureRequest, db: kvark.Store) -> Iterator[Callable[..., Any]]:
    """Makes a client inside, of one library, protocol and parser."""
    library, protocol, parser = request.param
    options = {"protocol": protocol, **parser_options(library, parser, protocol)}
    made: list[Any] = []

    def make(**more: Any) -> Any:
        made.append(LIBRARIES[library][1].client(db, **options, **more))
        return made[-1]

    make.library = LIBRARIES[library][0]  # type: ignore[attr-defined]
    make.options = options  # type: ignore[attr-defined]
    yield make
    for client in made:
        client.close()


def connection_of(client: Any) -> Any:
    pool = client.connection_pool
    # valkey-py wants to know what for; redis-py does not any more.
    return pool.get_connection("PING") if isinstance(client, valkey.Valkey) else pool.get_connection()


def errors_of(library: Any) -> Any:
    return library.exceptions


def battery(client: Any) -> Iterator[Any]:
    """What a client is answered by words of every kind of reply."""
    yield client.flushall()
    yield client.set("s", "caf\u00e9"), client.get("s"), client.get("missing"), client.set("s", "x", nx=True)
    yield client.set("big", b"\x00\r\n$5\r\n" * 400_000), client.strlen("big"), client.get("n")
    yield client.incr("n"), client.incrbyfloat("f", 0.5), client.append("s", ""), client.getrange("s", 0, -1)
    yield client.hset("h", mapping={"a": 1, "b": 2.5}), client.hgetall("h"), client.hmget("h", "a", "z")
    yield client.zadd("z", {"one": 1, "half": 0.5, "inf": float("inf")}), client.zscore("z", "inf")
    yield client.zrange("z", 0, -1, withscores=True), client.zmscore("z", ["one", "none"])
    yield client.rpush("l", *range(200)), client.lrange("l", 0, -1), client.lpos("l", 7), client.lpop("missing")
    yield client.sadd("set", "m"), client.smembers("set"), client.smismember("set", ["m", "n"])
    yield client.xadd("x", {"k": "v"}, id="1-1"), client.xrange("x"), client.xread({"x": 0}), client.xinfo_stream("x")
    yield client.exists("s", "h"), client.type("h"), client.object("encoding", "l"), client.ttl("s"), client.dbsize()
    yield client.config_get("maxmemory*"), client.execute_command("CONFIG GET", "appendonly"), client.echo("")
    for refused in ("NOSUCH", "INCR s", "LPUSH s x", "GET"):
        try:
            client.execute_command(*refused.split())
        except Exception as error:
            yield type(error).__name__, str(error)
    with client.pipeline(transaction=False) as pipe:
        pipe.set("p", 1).incr("s").get("p").lrange("l", 0, 2)
        yield [repr(answer) for answer in pipe.execute(raise_on_error=False)]
    with client.pipeline() as pipe:
        pipe.watch("p")
        pipe.multi()
        pipe.incr("p").hgetall("h").get("missing")
        yield pipe.execute()
    with client.pipeline(transaction=False) as pipe:
        for number in range(3000):
            pipe.set(f"many:{number}", "v" * (number % 500)).get(f"many:{number}")
        yield pipe.execute()


@pytest.mark.parametrize("decodes", [False, True])
def test_every_answer_is_that_of_the_wire(make: Any, db: kvark.Store, decodes: bool) -> None:
    # The big value is no text.
    options = {"decode_responses": decodes, "encoding_errors": "replace"}
    with kvark.Server(db) as server:
        host, port = "127.0.0.1", server.port
        over_wire_class = make.library.Redis if make.library is redis else make.library.Valkey
        wire = over_wire_class(host=host, port=port, **options, **{k: make.options[k] for k in ("protocol",)})
        inside = list(battery(make(**options)))
        assert inside == list(battery(wire))
        wire.close()


def test_a_client_has_its_database_its_name_and_its_identity(make: Any, db: kvark.Store) -> None:
    first, second = make(db=3, client_name="ada"), make(health_check_interval=1)
    first.set("k", "3")
    assert (second.get("k"), db.get("k"), first.client_getname() in ("ada", b"ada")) == (None, None, True)
    db["k"] = b"0"
    assert (second.get("k"), first.get("k")) == (b"0", b"3")
    assert first.client_id() != second.client_id()
    assert {client["name"] for client in second.client_list()} >= {"ada", ""}


def test_a_pool_gives_a_connection_again_unless_something_was_left_in_it(make: Any) -> None:
    client = make(max_connections=2)
    first = client.client_id()
    assert client.client_id() == first
    pool = client.connection_pool
    connection = connection_of(client)
    connection.send_command("PING")
    pool.release(connection)
    assert client.client_id() > first, "the answer of that PING belongs to nobody"
    taken = [connection_of(client), connection_of(client)]
    with pytest.raises(Exception, match="Too many connections"):
        client.ping()
    for each in taken:
        pool.release(each)
        pool.release(each)
    assert client.ping()
    assert len(pool._available_connections) == 2


def test_an_ended_connection_is_made_again(make: Any) -> None:
    client, other = make(), make()
    first = client.client_id()
    other.client_kill_filter(_id=first)
    assert client.client_id() > first
    connection = connection_of(client)
    connection.send_command("QUIT")
    connection.read_response()
    client.connection_pool.release(connection)
    assert client.ping()
    client.close()
    assert client.ping()


def test_messages_come_at_once_or_when_they_are_sent(make: Any) -> None:
    client = make(decode_responses=True)
    listener = client.pubsub()
    listener.subscribe("news")
    listener.psubscribe("n*")
    assert [listener.get_message(timeout=PATIENCE_S)["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
    assert client.publish("news", "now") == 2
    came = [listener.get_message(timeout=PATIENCE_S) for _ in range(2)]
    assert [(message["type"], message["data"]) for message in came] == [("message", "now"), ("pmessage", "now")]
    assert listener.get_message(timeout=0.01) is None
    assert listener.get_message() is None
    timer = threading.Timer(0.1, client.publish, ["news", "late"])
    timer.start()
    began = time.monotonic()
    assert listener.get_message(timeout=PATIENCE_S)["data"] == "late"
    assert time.monotonic() - began < PATIENCE_S / 2
    timer.join()
    listener.unsubscribe()
    listener.close()


def test_a_blocking_pop_keeps_its_reader_waiting_and_not_its_sender(make: Any, db: kvark.Store) -> None:
    client, other = make(), make()
    connection = connection_of(client)
    connection.send_command("BLPOP", "q", 0)
    connection.send_command("PING")
    assert other.rpush("q", "a", "b") == 2
    assert connection.read_response() == [b"q", b"a"]
    assert connection.read_response() in (b"PONG", "PONG", True)
    client.connection_pool.release(connection)
    assert list(client.blpop("q", timeout=1)) == [b"q", b"b"]
    began = time.monotonic()
    assert client.blpop("q", timeout=0.05) is None
    assert 0.04 < time.monotonic() - began < PATIENCE_S / 2
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(client.brpop, ["p", "q"], PATIENCE_S)
        time.sleep(0.05)
        db.lists["q"].append(b"from Python")
        assert list(waits.result(PATIENCE_S)) == [b"q", b"from Python"]
        waits = pool.submit(client.xread, {"x": "$"}, None, int(PATIENCE_S * 1000))
        time.sleep(0.05)
        other.xadd("x", {"k": "v"}, id="5-0")
        assert b"5-0" in str(waits.result(PATIENCE_S)).encode()


def test_who_waits_can_be_unblocked_and_killed_and_closed(make: Any) -> None:
    client, other = make(), make()
    with ThreadPoolExecutor(1) as pool:
        for end in ("unblock", "kill", "close"):
            number = client.client_id()
            waits = pool.submit(client.blpop, "q", 0)
            time.sleep(0.05)
            if end == "unblock":
                assert other.client_unblock(number, error=True)
                with pytest.raises(errors_of(make.library).ResponseError, match="UNBLOCKED"):
                    waits.result(PATIENCE_S)
                continue
            if end == "kill":
                other.client_kill_filter(_id=number)
            else:
                client.connection_pool.disconnect()
            # The parsers in Python do not expect to be closed while they read, over the wire neither.
            with pytest.raises((errors_of(make.library).ConnectionError, ValueError)):
                waits.result(PATIENCE_S)
    assert other.rpush("q", "stays") == 1
    assert other.llen("q") == 1


def test_who_listens_in_a_thread_is_ended_by_the_store(make: Any, db: kvark.Store) -> None:
    listener = make().pubsub()
    listener.subscribe("news")
    assert listener.get_message(timeout=PATIENCE_S)["type"] == "subscribe"
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(lambda: next(listener.listen()))
        time.sleep(0.05)
        db.close()
        with pytest.raises(errors_of(make.library).ConnectionError):
            waits.result(PATIENCE_S)
    listener.close()


def test_an_answer_is_waited_for_as_long_as_the_timeout_says(make: Any, db: kvark.Store) -> None:
    patient, hasty = make(), make(socket_timeout=0.05)
    assert hasty.ping()
    assert connection_of(make()).socket_timeout is None, "redis-py 8 gives up after 5 seconds by itself"
    other = kvark.redis.client(db)
    other.client_pause(300)
    began = time.monotonic()
    with pytest.raises(errors_of(make.library).TimeoutError):
        hasty.set("k", 1)
    assert 0.04 < time.monotonic() - began < 0.25
    assert patient.set("k", 2)
    assert time.monotonic() - began > 0.25
    other.close()


def test_threads_share_a_client(make: Any) -> None:
    client = make()

    def count(_: int) -> None:
        for _ in range(100):
            client.incr("n")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert client.get("n") == b"800"


def test_a_closed_store_says_so(make: Any, db: kvark.Store) -> None:
    client = make()
    assert client.ping()
    db.close()
    with pytest.raises(errors_of(make.library).ConnectionError, match="the store is closed"):
        client.ping()


def in_child(client: Any, answers: Any) -> None:
    try:
        client.ping()
        answers.put("it answered")
    except Exception as error:
        answers.put(f"{type(error).__name__}: {error}")


# From Python 3.12 on, of any fork with threads.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_cannot_use_the_store_and_does_its_parent_no_harm(make: Any) -> None:
    client = make()
    client.set("k", "v")
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=in_child, args=(client, answers))
    child.start()
    child.join(PATIENCE_S)
    assert child.exitcode == 0
    assert answers.get().startswith("ConnectionError: the store was opened by the parent process")
    assert client.get("k") == b"v"


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_answers_wait_for_the_promise_of_the_store(durability: Any, tmp_path: Any) -> None:
    with kvark.open(tmp_path / "data", durability=durability) as db:
        client = kvark.redis.client(db)
        with client.pipeline(transaction=False) as pipe:
            for number in range(100):
                pipe.set(f"k{number}", number)
            assert pipe.execute() == [True] * 100
        assert (client.incr("k1"), client.get("k1")) == (2, b"2")
        assert client.waitaof(1, 0, 20_000)[0] == 1
        client.close()


def test_a_descriptor_can_be_polled_as_long_as_there_is_something_to_receive(db: kvark.Store) -> None:
    pipe = kvark._native.Pipe(db)
    poll = select.poll()
    poll.register(pipe.fileno(), select.POLLIN)
    assert not poll.poll(0)
    pipe.sendall(b"PING\r\nSUBSCRIBE c\r\n")
    assert poll.poll(0)
    assert pipe.recv(3) == b"+PO"
    assert poll.poll(0)
    assert pipe.recv(1, 2) == b"N", "a peek leaves it there"
    assert pipe.recv(1000) == b"NG\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
    assert not poll.poll(0)
    timer = threading.Timer(0.05, db.publish, ["c", b"hello"])
    timer.start()
    assert poll.poll(PATIENCE_S * 1000)
    assert pipe.recv(1000).endswith(b"hello\r\n")
    assert not poll.poll(0)
    timer.join()
    pipe.setblocking(False)
    with pytest.raises(BlockingIOError):
        pipe.recv(1)
    pipe.settimeout(0.01)
    with pytest.raises(TimeoutError):
        pipe.recv(1)
    db.close()
    assert poll.poll(0)
    assert pipe.recv(10) == b""
    with pytest.raises(BrokenPipeError):
        pipe.sendall(b"PING\r\n")


def test_what_the_library_refuses_to_send_it_refuses_here(make: Any) -> None:
    client = make()
    for wrong in (True, None, object(), ["x"]):
        with pytest.raises(errors_of(make.library).DataError):
            client.set("k", wrong)
    with pytest.raises(UnicodeEncodeError):
        client.set("k", "\udcff")
    assert client.set("k", memoryview(b"view"))
    assert client.get("k") == b"view"
    assert make(encoding="latin-1").set("k", "\xe9")
    # With hiredis there, redis-py packs in UTF-8 whatever it was told.
    assert client.get("k") == (b"\xe9" if make.library is valkey else "\xe9".encode())


def test_only_a_store_can_be_connected_to() -> None:
    with pytest.raises(TypeError, match=r"a store from kvark\.open"):
        kvark.redis.client("profiles.kvark")  # type: ignore[arg-type]


def test_a_plain_pool_of_the_library_takes_the_connection_too(db: kvark.Store) -> None:
    for library, inside in LIBRARIES.values():
        pool = library.BlockingConnectionPool(connection_class=inside.Connection, store=db, max_connections=1)
        client = (library.Redis if library is redis else library.Valkey)(connection_pool=pool)
        assert functools.reduce(lambda total, _: total + client.incr(library.__name__), range(3), 0) == 6
        pool.disconnect()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_url_names_the_store_that_is_open_or_opens_it(library: str, tmp_path: Any) -> None:
    module, inside = LIBRARIES[library]
    make = module.Redis if module is redis else module.Valkey
    url = f"kvark://{tmp_path}/a%20store?db=3&decode_responses=yes"
    with kvark.open(tmp_path / "a store") as db:
        with make(connection_pool=inside.ConnectionPool.from_url(url, client_name="ada", db=1)) as client:
            assert client.set("k", "v")
            assert (client.client_getname(), client.get("k")) == ("ada", "v")
            assert db.execute("INFO", "keyspace").count(b"db3:keys=1")
        client.connection_pool.disconnect()
    client = make(connection_pool=inside.ConnectionPool.from_url(url))
    assert client.get("k") == "v"
    client.connection_pool.connection_kwargs["store"].close()
    with pytest.raises(ValueError, match="kvark:///path/of/store"):
        inside.ConnectionPool.from_url("redis://localhost")
