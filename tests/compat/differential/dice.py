"""Random arguments, by kind: keys, members, scores, times, and now and then nonsense."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

# A key's first letter is its type's.
TYPES = "snlhSzxgpb"
ALL_TYPES = TYPES + "y"
JUNK = (
    "", "abc", "-1", "0", "1.5", "nan", "inf", "-inf", "-", "+", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "18446744073709551616", "0x10", "1 ", "1e400", "3.0e3", "FIELDS", "COUNT", "LIMIT", "STORE",
)  # fmt: skip
BINARY = ("\x01\x00", "\xff\xfe", "a\r\nb", "\x80")


class Dice:
    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.last_id = 0
        # Whether a time was given that passes before long.
        self.soon = False

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def make(self, kind: str) -> str:
        """An argument of a kind; a single letter is a key of a type."""
        if len(kind) == 1:
            return self.key(kind)
        maker: Callable[[], str] = getattr(self, kind)
        return maker()

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def number(self, least: int, most: int) -> str:
        return str(self.random.randint(least, most))

    def key(self, kind: str) -> str:
        if kind == "k" or (kind != "y" and self.chance(0.03)):
            kind = self.random.choice(TYPES)
        return "none" if kind != "y" and self.chance(0.03) else kind + self.number(1, 3)

    def weight_key(self) -> str:
        return "w_" + self.number(-12, 12)

    def field(self) -> str:
        if self.chance(0.05):
            return self.pick("", "f" * 70, "\x01\x00\xff", "9223372036854775807", "-0", "01", "1.5")
        return self.pick(self.number(-12, 12), "f" + self.number(0, 9))

    def many_field(self) -> str:
        return "f" + self.number(0, 300)

    def value(self) -> str:
        roll = self.random.random()
        if roll < 0.5:
            return self.number(-12, 12)
        if roll < 0.8:
            return self.pick(*"abcdefgh", "alpha", "beta", "Gamma", "1.5", "-3.25", "10e3")
        if roll < 0.9:
            return "x" * self.random.choice((1, 12, 43, 44, 45, 63, 64, 65, 300))
        return self.pick("", *BINARY, str(2**63 - 1), str(-(2**63)), str(2**63), "007", "-0", "+5")

    def text(self) -> str:
        return "".join(self.random.choice("abc") for _ in range(self.random.randint(0, 12)))

    def small(self) -> str:
        if self.chance(0.03):
            return self.pick(str(2**63 - 1), str(-(2**63) + 1), str(2**31))
        return self.number(-12, 12)

    def index(self) -> str:
        return self.number(-30, 30)

    def read(self) -> str:
        return self.pick("0", "-1", "-2", "x")

    def positive(self) -> str:
        return self.number(1, 6) if self.chance(0.95) else self.number(-2, 40)

    def count(self) -> str:
        return self.number(0, 12) if self.chance(0.9) else self.number(-12, -1)

    def skipped(self) -> str:
        return self.number(0, 6)

    def draws(self) -> str:
        """For words where a negative count is well."""
        return self.number(-8, 12)

    def offset(self) -> str:
        return self.number(0, 200)

    def bit(self) -> str:
        return self.number(0, 1)

    def decimal(self) -> str:
        return self.pick(
            self.number(-20, 20), "1.5", "-0.1", "3.0e3", "1e-7", "0.1", "1e15", "-0", "5.", "0.25", "1e300"
        )

    def score(self) -> str:
        if self.chance(0.06):
            return self.pick("inf", "-inf", "+inf", "1e308", "-1e308", "4.9e-324", "9007199254740993", "0x1F", "-0")
        return self.number(-9, 9) if self.chance(0.8) else f"{self.random.uniform(-9, 9):.17g}"

    def edge(self) -> str:
        score = self.pick("-inf", "+inf", self.number(-9, 9), self.number(-9, 9), f"{self.random.uniform(-9, 9):.3f}")
        return ("(" if self.chance(0.3) else "") + score

    def lex_edge(self) -> str:
        return self.pick("-", "+", "[" + self.field(), "(" + self.field(), "[f", "(f3", "[-5")

    def pattern(self) -> str:
        return self.pick("*", "f*", "?", "[a-f]*", "*[^0-9]", "1*", "\\1*", "f[0-3]", "nothing", "[", "h\\", "**a**")

    def key_pattern(self) -> str:
        return self.pick("*", "h*", "?1", "[sl]*", "w_-*", "nothing")

    def cursor(self) -> str:
        """The beginning, or none: what another cursor means is known to its server."""
        return "0" if self.chance(0.93) else self.pick("abc", "-1", "18446744073709551616", "")

    def seconds(self) -> str:
        return self.pick(
            self.number(100, 10**6),
            self.number(100, 10**6),
            self.number(-5, 0),
            "9223372036854775",
            "9223372036854776000",
        )

    def milliseconds(self) -> str:
        self.soon = self.chance(0.05)
        if self.soon:
            return self.number(1, 3)
        return self.pick(self.number(10**5, 10**9), self.number(10**5, 10**9), self.number(-5, 0), str(2**63 - 1))

    def at_seconds(self) -> str:
        now = int(time.time())
        return self.pick(
            str(now + self.random.randint(100, 10**6)), str(now - 10), "1", "0", "-7", "70368744177", "9223372036854776"
        )

    def at_milliseconds(self) -> str:
        now = int(time.time() * 1000)
        later = str(now + self.random.randint(10**5, 10**9))
        return self.pick(later, later, str(now - 10), "1", "0", "-7", "70368744177664", str(2**63 - 1))

    def longitude(self) -> str:
        return (
            f"{self.random.uniform(-3, 3):.6f}"
            if self.chance(0.9)
            else self.pick("-180.1", "181", "nan", f"{self.random.uniform(179, 180):.6f}")
        )

    def latitude(self) -> str:
        return (
            f"{self.random.uniform(-3, 3):.6f}"
            if self.chance(0.9)
            else self.pick("86", "-86", "x", f"{self.random.uniform(84, 85):.6f}")
        )

    def place(self) -> str:
        return "p" + self.number(0, 15)

    def radius(self) -> str:
        return self.pick("0", "10", "100", "300.5", "1000", "20000", "-1")

    def unit(self) -> str:
        return self.pick("m", "km", "ft", "mi", "KM") if self.chance(0.97) else "x"

    def new_id(self) -> str:
        if self.chance(0.85):
            self.last_id += self.random.randint(0, 2)
        ms = self.last_id if self.chance(0.9) else self.random.randint(0, self.last_id + 1)
        return self.pick(f"{ms}-*", f"{ms}-*", f"{ms}-{self.random.randint(0, 5)}", f"{ms}")

    def id(self) -> str:
        ms = self.random.randint(0, self.last_id + 1)
        return (
            self.pick(str(ms), f"{ms}-{self.random.randint(0, 3)}")
            if self.chance(0.97)
            else self.pick("0-0", "abc", "1-x", f"{2**64}")
        )

    def id_edge(self) -> str:
        return self.pick("-", "+", self.id(), self.id(), "(" + self.id())

    def group(self) -> str:
        return "G" + self.number(1, 2) if self.chance(0.97) else "nogroup"

    def consumer(self) -> str:
        return "C" + self.number(1, 3)

    def idle(self) -> str:
        return self.pick("0", "0", "100000000", "-1")

    def field_type(self) -> str:
        width = self.random.choice((1, 4, 5, 8, 16, 31, 32, 63, 64))
        return self.pick("u", "i") + str(width)

    def field_offset(self) -> str:
        return self.pick("", "#") + self.number(0, 30)

    def junk(self) -> str:
        return self.pick(*JUNK)
