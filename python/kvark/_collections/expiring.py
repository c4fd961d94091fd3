"""Members that expire on their own: fields of hashes, and beyond Redis members of sets and of sorted sets.

Invariant: the three kinds have one form; `_WORDS` is all that tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

from kvark._collections.handle import Handle, T, milliseconds
from kvark._types import Ttl

# Only where there is no ttl, only where there is one, only a later one, only an earlier one.
Only = Literal["nx"] | Literal["xx"] | Literal["gt"] | Literal["lt"]

_MISSING: Final = -2
_NEVER: Final = -1


class Words(NamedTuple):
    """What the words are called for one kind, and what stands before the names of members."""

    expire: str
    ttl: str
    persist: str
    members: str


HASH: Final = Words("HPEXPIRE", "HPTTL", "HPERSIST", "FIELDS")
SET: Final = Words("SPEXPIRE", "SPTTL", "SPERSIST", "MEMBERS")
ZSET: Final = Words("ZPEXPIRE", "ZPTTL", "ZPERSIST", "MEMBERS")


class Expiring(Handle[T]):
    """What the three kinds have in common. A member that has expired is not there any more, in any call."""

    __slots__ = ()
    _WORDS: Words

    def _expire_members(self, members: Iterable[bytes], ttl: Ttl, only: Only | None) -> int:
        condition = () if only is None else (only.upper(),)
        codes = self._of_members(self._WORDS.expire, members, milliseconds(ttl), *condition)
        return sum(code > 0 for code in codes)

    def _member_ttl(self, member: bytes, name: object) -> float | None:
        (left,) = self._of_members(self._WORDS.ttl, [member])
        if left == _MISSING:
            raise KeyError(name)
        return None if left == _NEVER else left / 1000

    def _persist_members(self, members: Iterable[bytes]) -> int:
        return sum(code > 0 for code in self._of_members(self._WORDS.persist, members))

    def _of_members(self, word: str, members: Iterable[bytes], *options: Any) -> list[int]:
        named = list(members)
        if not named:
            return []
        codes: list[int] | None = self._ask(word, *options, self._WORDS.members, len(named), *named)
        return [_MISSING] * len(named) if codes is None else codes
