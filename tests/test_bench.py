"""The benchmarks run, small: what they print is read by people, so a test only sees that every part still works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(module: str, folder: Path) -> str:
    command = [sys.executable, "-m", module, "--small", "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return (folder / f"{module.removeprefix('bench.')}.md").read_text()


def test_the_wire(tmp_path: Path) -> None:
    if not Path("/usr/bin/redis-benchmark").exists():
        pytest.skip("redis-benchmark is not installed (package redis-tools)")
    report = run("bench.wire", tmp_path)
    rows = ["SET P1 | kvark (os)", "GET P16 | kvark (os)", "SET P16 | kvark (disk)", "kvark (os) | checkpoint"]
    for row in [*rows, "LPOP P16 | kvark (os)", "SPOP P1 | kvark (os)", "list | kvark (os)", "set | kvark (os)"]:
        assert f"| {row} |" in report


def test_the_embedded_stores(tmp_path: Path) -> None:
    report = run("bench.embedded", tmp_path)
    for store in ("dict", "kvark", "sqlite3 WAL"):
        assert f"| {store} |" in report


def test_the_clients_inside(tmp_path: Path) -> None:
    report = run("bench.inside", tmp_path)
    for way in (r"redis-py \S+, TCP", r"redis-py \S+, inside", r"valkey-py \S+, inside"):
        assert re.search(rf"^\| {way} \|", report, re.MULTILINE)
