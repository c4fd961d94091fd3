"""The command line: `kvark serve`, `kvark shell`. One module a word.

Exit codes: 0 a clean end, 1 it could not be done (one line on stderr says why), 2 the line was not understood.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from kvark import __version__
from kvark._cli import serve, shell
from kvark._errors import KvarkError


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        return int(options.run(options))
    except (KvarkError, OSError) as error:
        print(f"kvark: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="kvark", description="A durable, ordered key-value store.", allow_abbrev=False)
    whole.add_argument("--version", action="version", version=f"kvark {__version__}")
    words = whole.add_subparsers(title="words", required=True)
    serve.add_to(words)
    shell.add_to(words)
    return whole
