"""From a template (`words.txt`) to a command, now and then bent: an argument lost, doubled, swapped, or nonsense."""

from __future__ import annotations

import re
from pathlib import Path

from tests.compat.differential.dice import Dice


def templates() -> dict[str, list[str]]:
    """The lines of each group in `words.txt`."""
    groups: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("words.txt").read_text().splitlines():
        if line.startswith("== "):
            group = groups.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            group.append(line)
    return groups


GROUPS = templates()
TOKEN = re.compile(r"#?<(?=\S)|>[+!]|\{\w+\}|[\[\]()|]|[^\s\[\]()|]+")
BENT = 0.06
# Keys of one of several types.
MIXED = ("zS", "lSz")
# Numbers behind these make servers allocate as much.
ALLOCATING = {b"SETBIT", b"SETRANGE", b"BITFIELD"}
DRAWING = {b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"}


class Phrase:
    """A template that is being spoken."""

    def __init__(self, template: str, dice: Dice) -> None:
        self.tokens = TOKEN.findall(template)
        self.dice = dice

    def speak(self) -> list[str]:
        words, at = self._sequence(0, len(self.tokens))
        assert at == len(self.tokens)
        return words

    def _sequence(self, at: int, end: int) -> tuple[list[str], int]:
        words: list[str] = []
        while at < end:
            token = self.tokens[at]
            if token == "[":
                close = self._close(at, "[", "]")
                words += self._sequence(at + 1, close)[0] if self.dice.chance(0.35) else []
                at = close + 1
            elif token == "(":
                close = self._close(at, "(", ")")
                words += self._choice(at + 1, close)
                at = close + 1
            elif token.endswith("<"):
                close = self._close(at, "<", ">")
                words += self._repeated(at, close)
                at = close + 1
            else:
                words.append(self._word(token))
                at += 1
        return words, at

    def _close(self, at: int, opening: str, closing: str) -> int:
        closings, depth = (">+", ">!") if closing == ">" else (closing,), 0
        for place in range(at, len(self.tokens)):
            token = self.tokens[place]
            depth += token.endswith(opening) and not token.startswith("{")
            depth -= token in closings
            if depth == 0:
                return place
        raise ValueError(f"{opening} without {closing}")

    def _choice(self, at: int, end: int) -> list[str]:
        starts, depth = [at], 0
        for place in range(at, end):
            depth += self.tokens[place] in ("(", "[") or self.tokens[place].endswith("<")
            depth -= self.tokens[place] in (")", "]") or self.tokens[place] in (">+", ">!")
            if self.tokens[place] == "|" and depth == 0:
                starts.append(place + 1)
        chosen = self.dice.random.randrange(len(starts))
        ends = [start - 1 for start in starts[1:]] + [end]
        return self._sequence(starts[chosen], ends[chosen])[0]

    def _repeated(self, at: int, close: int) -> list[str]:
        times = self.dice.random.randint(1, 4) if self.tokens[close] == ">+" else self.dice.random.choice((20, 300))
        words = [word for _ in range(times) for word in self._sequence(at + 1, close)[0]]
        if self.tokens[at] == "#<":
            counted = times + self.dice.random.choice((-1, 1)) if self.dice.chance(0.04) else times
            words.insert(0, str(counted))
        return words

    def _word(self, token: str) -> str:
        if not token.startswith("{"):
            return token.lower() if token.isupper() and self.dice.chance(0.1) else token
        kind = token[1:-1]
        return self.dice.make(self.dice.random.choice(kind) if kind in MIXED else kind)


def command(template: str, dice: Dice) -> list[bytes]:
    """A command from `template` that no server suffers from."""
    while True:
        words = Phrase(template, dice).speak()
        if dice.chance(BENT) and not template.startswith("ZADD {y}"):
            bend(words, dice)
        args = [word.encode("latin-1") for word in words]
        if harmless(args):
            return args


def bend(words: list[str], dice: Dice) -> None:
    place = dice.random.randrange(1, len(words)) if len(words) > 1 else 1
    match dice.random.randrange(5):
        case 0:
            del words[place : place + 1]
        case 1:
            words.insert(place, dice.junk())
        case 2 if place + 1 < len(words):
            words[place], words[place + 1] = words[place + 1], words[place]
        case 3:
            words += words[place : place + 1]
        case _:
            words[place : place + 1] = [dice.junk()]


def harmless(args: list[bytes]) -> bool:
    name = args[0].upper()
    texts = (arg.lstrip(b"#") for arg in args[1:])
    numbers = [int(text) for text in texts if re.fullmatch(rb"-?\d{1,19}", text)]
    if name in ALLOCATING:
        return all(number < 100_000 or number >= 2**40 for number in numbers)
    # Redis answers as often as a negative count says, however often that is.
    return name not in DRAWING or all(number > -1000 for number in numbers)
