"""Codecs: what a collection's values and members are in Python, and the bytes they are in the store.

`kvark.codecs.BYTES` is what is meant when none is chosen: any bytes, and text as its UTF-8; bytes come back.

>>> kvark.codecs.JSON.encode({"b": 1, "a": [None, True]})
b'{"a":[null,true],"b":1}'
>>> kvark.codecs.STR.decode(b"caf\\xc3\\xa9")
'café'

Invariant: equal values have equal bytes, because a member is found by its bytes (pickle alone does not promise it).
Invariant: nothing is unpickled unless its collection was asked for with the codec `pickle`, by name.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from kvark._errors import InvalidInput, Unsupported

T = TypeVar("T")

Anything: TypeAlias = Literal["json"] | Literal["msgpack"] | Literal["pickle"]


class Codec(Generic[T]):
    """A pair of functions: a value to its bytes, and back.

    >>> import datetime
    >>> of_bytes = lambda held: datetime.date.fromisoformat(held.decode())
    >>> day = kvark.Codec("day", lambda date: date.isoformat().encode(), of_bytes)
    >>> store.lists(codec=day)["days"].append(datetime.date(2026, 11, 21))
    >>> store.lists(codec=day)["days"][0]
    datetime.date(2026, 11, 21)
    """

    __slots__ = ("decode", "encode", "name")

    def __init__(self, name: str, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        self.name = name
        self.encode = encode
        self.decode = decode

    def __repr__(self) -> str:
        return f"<kvark.Codec {self.name!r}>"


def _encode_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"a value is bytes or str, not {type(value).__name__}; choose a codec for others: codec='json'")


def _encode_str(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"a value of the codec 'str' is str, not {type(value).__name__}")


def _encode_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _msgpack() -> Any:
    try:
        import msgpack  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise Unsupported("the codec 'msgpack' wants the package msgpack: pip install msgpack") from None
    return msgpack


def _encode_msgpack(value: Any) -> bytes:
    packed: bytes = _msgpack().packb(value)
    return packed


def _decode_msgpack(held: bytes) -> Any:
    return _msgpack().unpackb(held)


def _same(held: bytes) -> bytes:
    return held


BYTES: Final[Codec[bytes]] = Codec("bytes", _encode_bytes, _same)
STR: Final[Codec[str]] = Codec("str", _encode_str, bytes.decode)
JSON: Final[Codec[Any]] = Codec("json", _encode_json, json.loads)
MSGPACK: Final[Codec[Any]] = Codec("msgpack", _encode_msgpack, _decode_msgpack)
# Whoever can write to the store can make a reader run code: only for stores that nobody else writes to.
PICKLE: Final[Codec[Any]] = Codec("pickle", pickle.dumps, pickle.loads)

_NAMED: Final[dict[str, Codec[Any]]] = {codec.name: codec for codec in (BYTES, STR, JSON, MSGPACK, PICKLE)}


def codec_of(codec: Codec[T] | str) -> Codec[T]:
    """The codec itself, or the one of that name; an unknown name is an InvalidInput (a ValueError)."""
    if not isinstance(codec, str):
        return codec
    if codec not in _NAMED:
        raise InvalidInput(f"no codec is named {codec!r}: there are {', '.join(_NAMED)}")
    return _NAMED[codec]
