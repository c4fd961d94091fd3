"""What the package shows: its names, its errors, its types, and that its core needs nothing else."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import kvark
import pytest
from kvark import _errors

PACKAGE = Path(kvark.__file__).parent


def test_all_is_what_there_is() -> None:
    assert kvark.__all__ == sorted(kvark.__all__)
    public = {name for name, value in vars(kvark).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public == set(kvark.__all__) - {"__version__", "codecs"}
    assert kvark.__version__ == metadata.version("kvark")


def test_every_module_is_private_but_those_that_need_a_library() -> None:
    public = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.name.startswith("_"))
    assert public == ["redis", "valkey"]
    for name in public:
        module = getattr(kvark, name)
        assert module.__all__ == sorted(module.__all__)
        for each in module.__all__:
            assert inspect.getdoc(getattr(module, each)), f"kvark.{name}.{each}"


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_a_missing_library_is_named(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import kvark; kvark.{library}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    sentence = f"kvark.{library} needs {library}-py, which is missing: pip install {library}"
    assert done.stderr.splitlines()[-1] == f"ModuleNotFoundError: {sentence}"


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    errors = [each for each in vars(_errors).values() if inspect.isclass(each) and each is not _errors.KvarkError]
    drawn = dict(
        line.split("── ")[1].replace("(", "").replace(")", "").split()[:2]
        for line in (_errors.__doc__ or "").splitlines()
        if "── " in line
    )
    assert {each.__name__: each.__bases__[1].__name__ for each in errors} == drawn
    for each in errors:
        assert each.__bases__[0] is kvark.KvarkError
        assert getattr(kvark, each.__name__) is each
        again = pickle.loads(pickle.dumps(each("a sentence")))
        assert (type(again), str(again)) == (each, "a sentence")


def test_every_public_call_is_documented() -> None:
    for cls in (kvark.Store, kvark.AsyncStore, kvark.Server, kvark.Subscription, kvark.AsyncSubscription):
        for name in dir(cls):
            if not name.startswith("_"):
                assert inspect.getdoc(getattr(cls, name)), f"{cls.__name__}.{name}"


def test_the_core_imports_nothing_but_the_standard_library() -> None:
    code = """
import sys
sys.path = [entry for entry in sys.path if "site-packages" not in entry] + [sys.argv[1]]
before = set(sys.modules)
import kvark, kvark._config, kvark._cli
kvark.open(":memory:").close()
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(names - set(sys.stdlib_module_names) - {"kvark"}))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, PACKAGE.parent], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert [each for each in metadata.requires("kvark") or [] if "extra ==" not in each] == []


@pytest.mark.parametrize("command", [["mypy", "--strict", str(PACKAGE)], ["mypy.stubtest", "kvark"]])
def test_types_are_what_they_say(command: list[str], tmp_path: Path) -> None:
    cache = ["--cache-dir", str(tmp_path)] if command[0] == "mypy" else []
    done = subprocess.run(
        [sys.executable, "-m", *command, *cache], capture_output=True, text=True, check=False, cwd=PACKAGE.parent.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (PACKAGE / "py.typed").exists()


USER = """
import asyncio, kvark
from datetime import timedelta
from typing import assert_type

db = kvark.open("x", durability="disk")
assert_type(db, kvark.Store)
assert_type(db["a"], bytes)
assert_type(db.get("a"), bytes | None)
assert_type(db.get(b"a", b""), bytes)
assert_type(db.get("a", 7), bytes | int)
assert_type(db.set("a", bytearray(), ttl=timedelta(1)), bool)
assert_type(db.set("a", b"", get=True), bytes | None)
assert_type(db.pop("a", None), bytes | None)
assert_type(list(db.scan(prefix="a")), list[tuple[bytes, bytes]])
assert_type(list(db), list[bytes])
db.set_many({"a": b""})
db.set_many({b"a": b""})

async def main() -> None:
    async with kvark.aopen("x") as adb:
        assert_type(await adb.get("a"), bytes | None)
        assert_type(await adb.set("a", b"", get=True), bytes | None)
        assert_type([pair async for pair in adb.scan()], list[tuple[bytes, bytes]])

assert_type(db.lists["a"], kvark.List[bytes])
assert_type(db.lists["a"][0], bytes)
assert_type(db.lists(codec="str")["a"][1:], list[str])
assert_type(db.hashes(codec=kvark.codecs.STR)["a"].get("b"), str | None)
assert_type(db.hashes["a"].increment("n"), int)
assert_type(db.hashes["a"].increment("n", 0.5), float)
assert_type(db.sets(codec="str")["a"].to_set(), set[str])
assert_type(db.zsets["a"]["b"], float)
assert_type(db.streams["a"].range()[0].fields, dict[bytes, bytes])
db.hashes["user:1"]["name"] = "ada"
db.hashes["user:1"] = {"name": "ada"}
db.sets["a"] |= {b"x"}
db.lists["a"] += ["x"]
db.sets["a"].union_into("b", db.sets["c"])
db.zsets(codec="str")["a"].update({"x": 1})

async def collections() -> None:
    async with kvark.aopen("x") as adb:
        assert_type(await adb.lists["a"][0], bytes)
        assert_type(await adb.hashes(codec="str")["a"].get("b"), str | None)
        assert_type([member async for member in adb.sets(codec="str")["a"]], list[str])
        await adb.hashes["x"].set("name", "ada")

db.lists["a"].append(7)  # type: ignore[arg-type]
db.lists(codec="yaml")  # type: ignore[call-overload]
db["a"] = "text"  # type: ignore[assignment]
db[7]  # type: ignore[index]
kvark.open("x", durability="quorum")  # type: ignore[arg-type]
"""


def test_users_see_the_types(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "user.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
