"""Runs redis-py's own tests against our server and a Redis: `python -m tests.compat.redis_py SUITE --peer PROGRAM`.

Neither is part of this repository: SUITE names an unpacked source tree of redis-py (8.1.0 was used), PROGRAM a
redis-server (8.0.6 was used). What counts is what fails with us and passes with Redis; what Redis fails too wants
modules, sentinels or certificates that are not there. Each file runs for itself, so none takes another along.

The suite has requirements of its own (its dev_requirements.txt): `--python` names the interpreter that has them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from tests.live import LiveServer

MODULE_TIMEOUT_S = 1200
TEST_TIMEOUT_S = 20
# What one server without modules and TLS is asked.
MARKS = " and ".join(
    f"not {mark}" for mark in "onlycluster fixed_client multidb_integration redismod ssl cp_integration".split()
)
# These want other servers, or none.
LEFT_OUT = "scenario maint_notifications multidb observability sentinel cluster ssl bloom json".split()
# What is not here yet, as a name that its tests have in common; with --all they run too.
LATER = {"acl": "access control lists come later"}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.redis_py", description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path, help="the source tree of redis-py")
    parser.add_argument("modules", nargs="*", help="test files below its tests/ (default: all that need a server)")
    parser.add_argument("--peer", required=True, help="the redis-server to compare with")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the suite's requirements")
    parser.add_argument("--protocol", choices=["2", "3"], default="3", help="which version the clients speak")
    parser.add_argument("--all", action="store_true", help="run what is known to come later, too")
    options = parser.parse_args(argv)
    modules = options.modules or sorted(
        str(path.relative_to(options.suite / "tests"))
        for path in (options.suite / "tests").rglob("test_*.py")
        if not any(word in str(path.relative_to(options.suite)) for word in LEFT_OUT)
    )
    later = "" if options.all else " and ".join(f"not {name}" for name in LATER)
    pytest = [options.python, *"-m pytest -q -p no:cacheprovider --tb=line".split(), f"--timeout={TEST_TIMEOUT_S}"]
    pytest += ["-m", MARKS, "-k", later, f"--protocol={options.protocol}"]
    with serving(None) as port:
        ours = verdicts(options.suite, pytest, port, modules)
    with serving(options.peer) as port:
        theirs = verdicts(options.suite, pytest, port, modules)
    return compared(ours, theirs)


@contextmanager
def serving(program: str | None) -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="kvark-redis-py-") as folder:
        server = LiveServer(Path(folder), program=program)
        try:
            yield server.port
        finally:
            server.end()


def verdicts(suite: Path, pytest: list[str], port: int, modules: Sequence[str]) -> dict[str, str]:
    """What became of each test that ran: passed, failed or skipped."""
    found: dict[str, str] = {}
    for module in modules:
        print(f"{module} on port {port}", file=sys.stderr, flush=True)
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            command = [
                *pytest,
                f"--redis-url=redis://127.0.0.1:{port}/0",
                f"--junit-xml={report.name}",
                f"tests/{module}",
            ]
            try:
                subprocess.run(command, cwd=suite, capture_output=True, check=False, timeout=MODULE_TIMEOUT_S)
                found.update(read(Path(report.name)))
            except (subprocess.TimeoutExpired, ElementTree.ParseError) as error:
                found[module] = f"failed as a whole: {type(error).__name__}"
    return found


def read(report: Path) -> Iterator[tuple[str, str]]:
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        verdict = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        yield f"{case.get('classname')}::{case.get('name')}", verdict


def compared(ours: dict[str, str], theirs: dict[str, str]) -> int:
    """Prints the counts and what only we fail; 1 if there is anything."""
    for name, verdicts in ("kvark", ours), ("peer", theirs):
        counts = Counter(verdict.partition(" ")[0] for verdict in verdicts.values())
        print(f"{name}: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    only_ours = [name for name, verdict in ours.items() if verdict[:6] == "failed" != theirs.get(name, "")[:6]]
    print(f"{len(only_ours)} fail with us only", *only_ours, sep="\n  ")
    return int(bool(only_ours))


if __name__ == "__main__":
    raise SystemExit(main())
