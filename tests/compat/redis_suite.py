"""Runs Redis' own TCL suite against our server: `python -m tests.compat.redis_suite /path/to/redis-source [unit ...]`.

The suite is not part of this repository: the path names an unpacked source tree of Redis (8.0 was used) or Valkey
(9.1). What is skipped, and why, stands in `skipped.txt` beside this file, a test's name and a reason a line. Tests that
need DEBUG run too, and those of fields that expire, which the suite keeps from external servers.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.live import LiveServer

# What the suite itself cannot ask of an external server, or what later issues bring.
TAGS = "-slow -needs:repl -needs:save -needs:config-maxmemory"
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
    "unit/hashexpire",
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
    "unit/multi",
    "unit/scripting",
    "unit/functions",
    "unit/tracking",
    "unit/introspection",
    "unit/introspection-2",
    "unit/info",
    "unit/info-command",
    "unit/slowlog",
    "unit/latency-monitor",
    "unit/querybuf",
    "unit/protocol",
    "unit/other",
    "unit/pause",
    "unit/violations",
    "unit/printver",
    "unit/quit",
)
# These speak both versions of the protocol themselves: a Redis fails them, too, if all its clients have to speak RESP3.
OF_BOTH = ("unit/tracking",)
# What goes from a temporary copy: settings that we do not have (chunks of lists are not compressed, the log has one
# form), and the word that keeps the tests of fields that expire and of shard channels away from us.
LEFT_OUT = re.compile(
    r"^ *(r config set|config_set) (list-compress-depth|repl-ping-replica-period|aof-use-rdb-preamble).*$"
    r"|external:skip (?=needs:debug)| (aof-use-rdb-preamble no|appendfsync always)\b"
    r"|(?<=set original_config) \[config_get_set list-compress-depth 1\]"
    r"|(?<=tags \{\"pubsubshard) external:skip",
    re.MULTILINE,
)
# What is answered with OK in that copy: other settings that we do not have (no element of a list is kept apart because
# it is large, and no payload is restored that was not looked at).
ANSWERED = re.compile(
    r"\br (debug quicklist-packed-threshold|config set sanitize-dump-payload|debug set-disable-deny-scripts"
    r"|debug pause-cron) \w+"
)
# The words that do the same here: they read the log again, and make one that is short.
RENAMED = {
    "debug loadaof": "debug reload",
    # Each change of the libraries writes all of them, which are few.
    "set n 50000": "set n [expr {$is_eval ? 50000 : 300}]",
    "r bgrewriteaof": "r bgsave schedule",
    "aof_rewrite_in_progress": "rdb_bgsave_in_progress",
}
# With --force-resp3 the suite starts a server that speaks RESP3 from the first: here each client says so itself.
CONNECTED = re.compile(r"^    interp alias \{\} ::(\w+)::\w+Handle\$id \{\} ::\w+::__dispatch__ \$id$", re.MULTILINE)
GREETING = """    if {$::force_resp3} {
        set ::\\1::readraw($id) 0
        puts -nonewline $fd "HELLO 3\\\\r\\\\n"
        flush $fd
        ::\\1::\\1_read_reply $id $fd
        set ::\\1::readraw($id) $readraw
    }
\\g<0>"""
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
        for theirs, ours in RENAMED.items():
            text = text.replace(theirs, ours)
        text = CONNECTED.sub(GREETING, text)
        script.write_text(ANSWERED.sub("format OK", LEFT_OUT.sub("", text)), errors="surrogateescape")
    return folder


def run_unit(
    suite: Path, port: int, unit: str, skip_file: Path, extra: Sequence[str]
) -> tuple[Counter[str], list[str]]:
    """How many tests of a unit have which verdict, and the lines of those that failed."""
    command = ["./runtest", "--host", "127.0.0.1", "--port", str(port), "--clients", "1", "--durable"]
    command += ["--timeout", "120", "--tags", TAGS, "--skipfile", str(skip_file), "--single", unit, *extra]
    done = subprocess.run(command, cwd=suite, capture_output=True, text=True, errors="replace", check=False)
    clean = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    lines = clean.splitlines()
    verdicts = [(match[1], match[2], at) for at, match in enumerate(map(VERDICT.match, lines)) if match]
    failed = [
        f"[{verdict}] {text}: {' '.join(lines[at + 1 : at + 2])}"
        for verdict, text, at in verdicts
        if verdict in ("err", "exception")
    ]
    if done.returncode and not failed:
        failed = ["the suite ended early: " + " | ".join(lines[-6:])]
    return Counter(verdict for verdict, _, _ in verdicts), failed


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
        left_out = OF_BOTH if options.force_resp3 else ()
        units = [unit for unit in options.units if (suite / "tests" / f"{unit}.tcl").exists() and unit not in left_out]
        return run_units(suite, skip_file, units, extra)


def run_units(suite: Path, skip_file: Path, units: Sequence[str], extra: Sequence[str]) -> int:
    """Runs units, each against a fresh server, and prints what did not pass."""
    total, failures = Counter[str](), 0
    for unit in units:
        with tempfile.TemporaryDirectory() as scratch:
            data = Path(scratch, "data")
            data.mkdir()
            server = LiveServer(data)
            try:
                verdicts, failed = run_unit(suite, server.port, unit, skip_file, extra)
            finally:
                server.end()
        total, failures = total + verdicts, failures + len(failed)
        print(f"{unit}: {told(verdicts, len(failed))}", flush=True)
        for line in failed:
            print(f"    {line}", flush=True)
    print(told(total, failures))
    return 1 if failures else 0


def told(verdicts: Counter[str], failures: int) -> str:
    """What the suite ignores has a tag that says why; what is skipped stands in our list."""
    return f"{verdicts['ok']} passed, {failures} failed, {verdicts['skip']} skipped, {verdicts['ignore']} ignored"


if __name__ == "__main__":
    sys.exit(main())
