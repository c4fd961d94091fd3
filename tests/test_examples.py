"""The examples run as they are, and so does the Python of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from live import LiveServer

ROOT = Path(__file__).resolve().parent.parent
README_BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def run(*arguments: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def example(name: str) -> str:
    return str(ROOT / "examples" / name)


def test_hello_redis(server: LiveServer, tmp_path: Path) -> None:
    printed = run(example("hello_redis.py"), str(server.port), folder=tmp_path)
    assert printed.split() == ["b'bar'", "Ada", "True", "True"]


def test_embedded(tmp_path: Path) -> None:
    printed = run(example("embedded.py"), str(tmp_path / "profiles.kvark"), folder=tmp_path)
    assert printed.splitlines() == ["Ada", "['user:100', 'user:101']", "4 True 1"]


def test_job_queue(tmp_path: Path) -> None:
    printed = run(example("job_queue.py"), str(tmp_path / "jobs.kvark"), folder=tmp_path)
    assert printed.splitlines() == [
        "paint is being done, 2 wait",
        "ada has worked most: 90 minutes",
        "{b'name': 'Ada', b'last': 'paint'}",
        "['ada', 'grace'] 0",
    ]


WHERE = pytest.mark.parametrize("where", ["wire", "inside"])


def place(where: str, server: LiveServer, inside: str) -> str:
    """What an example is told: a server, or a store of its own process."""
    return f"redis://127.0.0.1:{server.port}/1" if where == "wire" else inside


@WHERE
def test_celery_tasks(where: str, server: LiveServer, tmp_path: Path) -> None:
    printed = run(example("celery_tasks.py"), place(where, server, str(tmp_path / "jobs.kvark")), folder=tmp_path)
    doubles = str([2 * number for number in range(10)])
    assert printed.splitlines() == ["5", doubles, "55", "attempt 3", "ValueError('on purpose')"]


@WHERE
def test_rq_jobs(where: str, server: LiveServer, tmp_path: Path) -> None:
    printed = run(example("rq_jobs.py"), place(where, server, str(tmp_path / "jobs.kvark")), folder=tmp_path)
    assert printed.splitlines() == ["1 urgent, 2 others, 1 behind another", "2.5 7.0 120", "True 1", "True 1"]


@WHERE
def test_django_cache(where: str, server: LiveServer, tmp_path: Path) -> None:
    inside = f"kvark://{tmp_path}/cache.kvark?db=2"
    printed = run(example("django_cache.py"), place(where, server, inside), folder=tmp_path)
    assert printed.splitlines() == [
        "Ada nobody",
        "False 42",
        "{'visits': 2, 'likes': 7}",
        "True True False",
        "Ada another prefix",
        "None",
    ]


def test_unicode_catalogue(tmp_path: Path) -> None:
    if not Path("/usr/share/unicode/UnicodeData.txt").exists():
        # On the machine that decides, the package is there: a skip would hide that the example was not run.
        assert not os.environ.get("CI"), "the package unicode-data is missing"
        pytest.skip("the package unicode-data is not installed")
    printed = run(example("unicode_catalogue.py"), str(tmp_path), folder=tmp_path)
    records = [int(count.replace(",", "")) for count in re.findall(r"([\d,]+) records", printed)]
    assert len(records) == 2
    assert min(records) > 30_000


@pytest.mark.parametrize("block", README_BLOCKS, ids=lambda block: block.strip().splitlines()[0])
def test_the_readme(block: str, server: LiveServer, tmp_path: Path) -> None:
    run("-c", block.replace("port=6379", f"port={server.port}"), folder=tmp_path)


def test_the_readme_has_examples() -> None:
    assert len(README_BLOCKS) >= 2
