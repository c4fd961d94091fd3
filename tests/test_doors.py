"""Every example of the manual through every door, and the same store behind each after a restart, digest by digest.

A digest of the whole store is compared, because "is the key there?" stayed green when an effect was lost on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kvark
import pytest
from conftest import StartServer
from kvark import _native
from kvark._cli import _client
from kvark._cli._client import Client, Place, Refusal, Status
from live import LiveServer

EXAMPLES = _native.examples()
each_example = pytest.mark.parametrize("steps", [pytest.param(steps, id=command) for command, steps in EXAMPLES])
DATABASES = 16
NOTHING = "0" * 32
# They empty databases, or write a checkpoint.
FIRST = ("FLUSHALL", "FLUSHDB", "SAVE", "BGSAVE", "DEBUG|RELOAD")

Steps = list[tuple[list[bytes], str]]
Ask = Callable[..., Any]


class Wire(Client):
    """A connection that speaks RESP2 until it is told otherwise."""

    def greeting(self) -> list[list[str]]:
        return []

    def ask_bytes(self, *words: bytes | str) -> Any:
        return self.ask(*(word if isinstance(word, str) else word.decode("utf-8", "surrogateescape") for word in words))


def wire(server: LiveServer, version: int) -> Wire:
    connection = Wire(Place(("127.0.0.1", server.port), "", "default"))
    if version == 3:
        assert isinstance(connection.ask("HELLO", "3"), dict)
    return connection


@pytest.fixture(autouse=True)
def texts_are_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """RESP3 has a type of its own for text that a shell shows as it is; its twin of RESP2 is bytes."""
    monkeypatch.setitem(_client.READERS, b"=", lambda client, length: (client.read_bytes(length) or b"")[4:])


def in_17_digits(number: float) -> str:
    """A number as some words of RESP2 write it."""
    return f"{number:.17g}"


def shortest(number: float) -> str:
    """A number as the others do: in as few digits as it takes to read it back."""
    return repr(number).removesuffix(".0")


def shown(reply: Any, number: Callable[[float], str] = in_17_digits) -> str:
    """A reply as `redis-cli` shows it; one of RESP3, or of the embedded door, as its twin of RESP2."""
    match reply:
        case None:
            return "(nil)"
        case kvark.WrongType():
            return f"(error) WRONGTYPE {reply}"
        case Refusal() | kvark.KvarkError():
            return f"(error) {reply}"
        case str():
            return reply
        case int():
            return f"(integer) {int(reply)}"
        case float():
            return shown(number(reply).encode())
        case bytes():
            return '"' + "".join(map(shown_byte, reply)) + '"'
        case dict():
            return shown([each for pair in reply.items() for each in pair], number)
        case []:
            return "(empty array)"
    width = len(str(len(reply)))
    indent = "\n" + " " * (width + 2)
    return "\n".join(
        f"{at:>{width}}) {shown(each, number).replace(chr(10), indent)}" for at, each in enumerate(reply, 1)
    )


def shown_byte(byte: int) -> str:
    named = {0x5C: "\\\\", 0x22: '\\"', 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
    return named.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")


def twins(reply: Any) -> Iterator[Any]:
    """What a reply of RESP3 is in RESP2: a map is flat, but where streams are the keys it is a list of pairs; a list of
    pairs with scores is flat."""
    yield reply
    if isinstance(reply, dict):
        yield [list(pair) for pair in reply.items()]
    if isinstance(reply, list) and all(isinstance(each, list) and len(each) == 2 for each in reply):
        yield [each for pair in reply for each in pair]


def answers(said: str, reply: Any) -> bool:
    """Whether the reply is what the page says, where three dots stand for anything."""
    pattern = ".*".join(map(re.escape, said.split("...")))
    texts = (shown(twin, number) for twin in twins(reply) for number in (in_17_digits, shortest))
    return any(re.fullmatch(pattern, text, re.DOTALL) for text in texts)


def run(ask: Ask, steps: Steps) -> None:
    for typed, said in steps:
        reply = ask(*typed)
        assert answers(said, reply), f"{typed}\nthe page says:\n{said}\nthe answer is:\n{shown(reply)}"


def asking(db: kvark.Store) -> Ask:
    def ask(*words: bytes | str) -> Any:
        try:
            return db.execute(*words)
        except (kvark.ReplyError, kvark.WrongType) as refusal:
            return refusal

    return ask


def open_with_debug(folder: Path) -> kvark.Store:
    return kvark.Store._opened(folder, {"enable-debug-command": "yes"})


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("doors") / "data"
    folder.mkdir()
    server = LiveServer(folder)
    yield server
    server.end()


@pytest.mark.parametrize("version", [2, 3])
@each_example
def test_the_wire_answers_as_the_manual_says(shared_server: LiveServer, steps: Steps, version: int) -> None:
    with wire(shared_server, version) as connection:
        assert connection.ask("FLUSHALL") == "OK"
        # Functions stay when keys go.
        assert connection.ask("FUNCTION", "FLUSH") == "OK"
        run(connection.ask_bytes, steps)


@each_example
def test_the_embedded_door_answers_as_the_manual_says_and_a_restart_changes_nothing(
    tmp_path: Path, steps: Steps
) -> None:
    with open_with_debug(tmp_path / "store") as db:
        run(asking(db), steps)
        before = db.execute("DEBUG", "DIGEST")
    with open_with_debug(tmp_path / "store") as db:
        assert db.execute("DEBUG", "DIGEST") == before


def run_all(connect: Callable[[], tuple[Ask, Callable[[], None]]]) -> None:
    """Runs all examples, each by a client of its own in the next database.

    Their answers may depend on an empty store and are looked at elsewhere; here the effects count. So what would take
    earlier ones away, or keep them by another way than the log, comes first.
    """
    bundle = sorted(EXAMPLES, key=lambda example: example[0] not in FIRST)
    for number, (_, steps) in enumerate(bundle):
        ask, leave = connect()
        assert ask("SELECT", str(number % DATABASES)) == "OK"
        for typed, _ in steps:
            ask(*typed)
        leave()


def test_all_examples_in_one_server_survive_a_stop_and_a_kill(start_server: StartServer) -> None:
    server = start_server()

    def connect() -> tuple[Ask, Callable[[], None]]:
        connection = wire(server, 2)
        return connection.ask_bytes, connection.close

    def digest() -> str:
        with wire(server, 2) as connection:
            reply = connection.ask("DEBUG", "DIGEST")
            assert isinstance(reply, Status)
            return reply

    for end in (server.stop, server.kill):
        run_all(connect)
        before = digest()
        assert before != NOTHING
        end()
        server.start()
        assert digest() == before


def test_all_examples_in_one_embedded_store_survive_closing(tmp_path: Path) -> None:
    with open_with_debug(tmp_path / "store") as db:
        run_all(lambda: (asking(db), lambda: None))
        before = db.execute("DEBUG", "DIGEST")
        assert before != NOTHING
        databases = db.execute("INFO", "keyspace").count(b"\ndb")
        assert databases > DATABASES // 2
    with open_with_debug(tmp_path / "store") as db:
        assert db.execute("DEBUG", "DIGEST") == before


def test_three_dots_stand_for_anything() -> None:
    for said, reply, fits in [
        ("(integer) 1", 1, True),
        ("(integer) 1", 10, False),
        ("(integer) ...", 10, True),
        ('"a...c"', b"abbc", True),
        ('"a...c"', b"abb", False),
        ("1) (nil)\n2) (empty array)", [None, []], True),
        ('1) "a"\n2) 1) (integer) 1', {b"a": [True]}, True),
    ]:
        assert answers(said, reply) is fits, (said, reply)
