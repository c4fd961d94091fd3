"""Groups of consumers of a stream: each entry goes to one of them, and is pending until it is acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self

from kvark._codecs import Codec
from kvark._collections.entries import Entry, References, decoded_entry, id_words, named
from kvark._collections.handle import T, key_bytes
from kvark._collections.waiting import Question, read_options
from kvark._types import Key, Timeout, Ttl

if TYPE_CHECKING:
    from kvark._store import Store


class Pending(NamedTuple):
    """An entry that was delivered and not acknowledged."""

    id: str
    consumer: bytes
    idle: float
    deliveries: int


class Group(Generic[T]):
    """A group of consumers of one stream; `Stream.group` makes the object, `create` the group.

    >>> jobs = store.streams["jobs"]
    >>> workers = jobs.group("workers").create("$", make_stream=True)
    >>> jobs.append({"task": "paint"}, id="1-1")
    '1-1'
    >>> [entry.fields for entry in workers.read("ada")]
    [{b'task': b'paint'}]
    >>> [(each.id, each.consumer, each.deliveries) for each in workers.pending()]
    [('1-1', b'ada', 1)]
    >>> [entry.id for entry in workers.claim("grace", "1-1")]
    ['1-1']
    >>> workers.ack("1-1"), workers.pending()
    (1, [])
    """

    __slots__ = ("_codec", "_key", "_name", "_store")

    def __init__(self, store: Store, key: bytes, codec: Codec[T], name: Key) -> None:
        self._store = store
        self._key = key
        self._codec = codec
        self._name = key_bytes(name)

    @property
    def name(self) -> bytes:
        """The name of the group."""
        return self._name

    def __repr__(self) -> str:
        return f"<kvark.Group {self._name!r} of {self._key!r}>"

    def _ask(self, word: str, *arguments: Any) -> Any:
        return self._store._ask(word, self._key, self._name, *arguments)

    def _manage(self, word: str, *arguments: Any) -> Any:
        return self._store._ask("XGROUP", word, self._key, self._name, *arguments)

    def create(self, start: str = "$", /, *, make_stream: bool = False) -> Self:
        """Makes the group, which begins after the id `start` (`"$"`: with what comes next); returns the group.

        Raises InvalidInput when it is there already, or when there is no stream and `make_stream` is not asked for.
        """
        self._manage("CREATE", start, *["MKSTREAM"] * make_stream)
        return self

    def destroy(self) -> bool:
        """Removes the group with all that is pending; whether it was there."""
        return bool(self._manage("DESTROY"))

    def set_id(self, id: str, /) -> None:
        """Makes the group go on after `id`."""
        self._manage("SETID", id)

    def create_consumer(self, consumer: Key, /) -> bool:
        """Makes a consumer, which its first read would do too; whether it is new."""
        return bool(self._manage("CREATECONSUMER", consumer))

    def delete_consumer(self, consumer: Key, /) -> int:
        """Removes a consumer; how many entries were pending for it, and are not any more."""
        pending: int = self._manage("DELCONSUMER", consumer)
        return pending

    def consumers(self) -> list[dict[str, Any]]:
        """What there is to know of each consumer, by Redis' names."""
        return [facts(each) for each in self._store._ask("XINFO", "CONSUMERS", self._key, self._name)]

    def read(
        self,
        consumer: Key,
        after: str = ">",
        /,
        *,
        count: int | None = None,
        no_ack: bool = False,
        timeout: Timeout = 0,
    ) -> list[Entry[T]]:
        """The next entries for `consumer`, which are pending then; after an id, those that are pending for it again.

        With `no_ack` they count as acknowledged at once. Where there is no next entry, it may wait `timeout` seconds
        for one (None: for ever). Raises InvalidInput when there is no such group, or it is gone meanwhile.
        """
        question = self._reading(consumer, after, count, no_ack, timeout)
        return question.meaning(self._store._ask(*question.words))

    def _reading(
        self, consumer: Key, after: str, count: int | None, no_ack: bool, timeout: Timeout
    ) -> Question[list[Entry[T]]]:
        options = [*read_options(count, timeout), *["NOACK"] * no_ack]
        words = ("XREADGROUP", "GROUP", self._name, consumer, *options, "STREAMS", self._key, after)
        return Question(words, lambda found: self._entries(found[self._key]) if found else [])

    def ack(self, *ids: str) -> int:
        """Acknowledges entries; how many were pending."""
        done: int = self._ask("XACK", *ids) if ids else 0
        return done

    def ack_and_delete(self, *ids: str, references: References = "keep") -> int:
        """Acknowledges entries and removes them from the stream; how many were removed."""
        codes = self._ask("XACKDEL", *id_words(references, ids)) if ids else []
        return sum(code == 1 for code in codes)

    def pending_count(self) -> int:
        """How many entries are pending."""
        count: int = self._ask("XPENDING")[0]
        return count

    def pending(
        self,
        start: str = "-",
        stop: str = "+",
        *,
        limit: int = 100,
        consumer: Key | None = None,
        idle: Ttl | None = None,
    ) -> list[Pending]:
        """Up to `limit` pending entries from `start` to `stop`, of one consumer, or not touched for `idle`."""
        for_long = () if idle is None else ("IDLE", span(idle))
        of_one = () if consumer is None else (consumer,)
        found = self._ask("XPENDING", *for_long, start, stop, limit, *of_one)
        return [Pending(id.decode(), owner, idle_ms / 1000, times) for id, owner, idle_ms, times in found]

    def claim(self, consumer: Key, /, *ids: str, idle: Ttl = 0) -> list[Entry[T]]:
        """Makes entries that are pending and not touched for `idle` those of `consumer`; the entries."""
        return self._entries(self._ask("XCLAIM", consumer, span(idle), *ids)) if ids else []

    def claim_idle(
        self, consumer: Key, /, *, idle: Ttl, start: str = "0", count: int = 100
    ) -> tuple[str, list[Entry[T]]]:
        """Makes up to `count` entries from `start` on that were not touched for `idle` those of `consumer`.

        Returns where to go on (`"0-0"` at the end) and the entries.
        """
        found = self._ask("XAUTOCLAIM", consumer, span(idle), start, "COUNT", count)
        return named(found[0]) or "", self._entries(found[1])

    def _entries(self, found: Any) -> list[Entry[T]]:
        return [decoded_entry(each, self._codec) for each in found or () if each is not None]


def facts(found: dict[bytes, Any]) -> dict[str, Any]:
    """An answer of XINFO under names that are text."""
    return {name.decode(): value for name, value in found.items()}


def span(time: Ttl) -> int:
    """A length of time in milliseconds."""
    return round(1000 * (time if isinstance(time, int | float) else time.total_seconds()))
