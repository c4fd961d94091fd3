"""Runs Redis' own TCL suite against our server: `python -m tests.compat.redis_suite /path/to/redis-source [unit ...]`.

The suite is not part of this repository: the path names an unpacked source tree of Redis (8.0 was used). What is
skipped, and why, stands in `skipped.txt` beside this file, a test's name and a reason a line.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kvark import Server

# What the suite itself cannot ask of an external server, or what later issues bring.
TAGS = "-slow -needs:debug -needs:repl -needs:save"
UNITS = (
    "unit/type/string",
    "unit/type/incr",
    "unit/type/list",
    "unit/type/list-2",
    "unit/type/list-3",
    "unit/type/set",
    "unit/type/zset",
    "unit/type/hash",
    "unit/type/hash-field-expire",
    "unit/type/stream",
    "unit/type/stream-cgroups",
    "unit/keyspace",
    "unit/sort",
    "unit/bitops",
    "unit/bitfield",
    "unit/hyperloglog",
    "unit/geo",
    "unit/scan",
    "unit/expire",
    "unit/dump",
    "unit/pubsub",
    "unit/pubsubshard",
)
# Lines that are taken out of a temporary copy: scaffolding that needs scripts and functions, which later issues bring,
# and a setting that we do not have (chunks of lists are not compressed). The tests of shard channels refuse external
# servers because of those among them that replicate.
LEFT_OUT = re.compile(
    r"^ *(r (function|script) flush|(r config set|config_set) list-compress-depth.*)$"
    r"|(?<=set original_config) \[config_get_set list-compress-depth 1\]"
    r"|(?<=tags \{\"pubsubshard) external:skip",
    re.MULTILINE,
)
SKIPPED = Path(__file__).with_name("skipped.txt")
VERDICT = re.compile(r"\[(ok|err|exception|ignore|skip)\]:?\s*(.*)")


def skipped_tests(text: str) -> dict[str, str]:
    """Test names and reasons, from lines `name  # reason`."""
    lines = (line.rpartition("  # ") for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, _, reason in lines}


def copy_of(suite: Path, folder: Path) -> Path:
    """A copy of the suite that leaves out what is not there yet."""
    shutil.copytree(suite / "tests", folder / "tests")
    shutil.copy(suite / "runtest", folder)
    (folder / "src").symlink_to(suite.resolve() / "src")
    for script in folder.glob("tests/**/*.tcl"):
        text = script.read_text(errors="surrogateescape")
        script.write_text(LEFT_OUT.sub("", text), errors="surrogateescape")
    return folder


def run_unit(suite: Path, port: int, unit: str, skip_file: Path, extra: Sequence[str]) -> tuple[int, list[str]]:
    """How many tests of a unit passed, and the lines of those that did not."""
    command = ["./runtest", "--host", "127.0.0.1", "--port", str(port), "--clients", "1", "--durable"]
    command += ["--timeout", "120", "--tags", TAGS, "--skipfile", str(skip_file), "--single", unit, *extra]
    done = subprocess.run(command, cwd=suite, capture_output=True, text=True, errors="replace", check=False)
    clean = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    verdicts = [match.groups() for match in map(VERDICT.match, clean.splitlines()) if match]
    failed = [f"[{verdict}] {text}" for verdict, text in verdicts if verdict in ("err", "exception")]
    if done.returncode and not failed:
        failed = ["the suite ended early: " + " | ".join(clean.splitlines()[-6:])]
    return sum(verdict == "ok" for verdict, _ in verdicts), failed


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.redis_suite", description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path, help="an unpacked source tree of Redis")
    parser.add_argument("units", nargs="*", default=list(UNITS), help="units such as unit/type/list")
    parser.add_argument("--force-resp3", action="store_true", help="all clients of the suite speak RESP3")
    options = parser.parse_args(argv)
    extra = ["--force-resp3"] if options.force_resp3 else []
    with tempfile.TemporaryDirectory() as scratch:
        suite = copy_of(options.suite, Path(scratch))
        skip_file = suite / "skip"
        skip_file.write_text("".join(f"{name}\n" for name in skipped_tests(SKIPPED.read_text())))
        return run_units(suite, skip_file, options.units, extra)


def run_units(suite: Path, skip_file: Path, units: Sequence[str], extra: Sequence[str]) -> int:
    """Runs units, each against a fresh server, and prints what did not pass."""
    total, failures = 0, 0
    for unit in units:
        with tempfile.TemporaryDirectory() as folder, Server(folder, port=0) as server:
            passed, failed = run_unit(suite, server.port, unit, skip_file, extra)
        total, failures = total + passed, failures + len(failed)
        print(f"{unit}: {passed} passed, {len(failed)} failed", flush=True)
        for line in failed:
            print(f"    {line}", flush=True)
    print(f"{total} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
