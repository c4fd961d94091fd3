"""The rooms import only what ARCHITECTURE.md allows, and names with one owner stay with their owner.

The page is the rule: both tables are read from it, so a row that is wrong, missing or left over turns this red.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "kvark-"


def table(heading: str) -> list[list[str]]:
    """The rows of the Markdown table of ARCHITECTURE.md whose first header cell is `heading`, without its header."""
    lines = (ROOT / "ARCHITECTURE.md").read_text().splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith(f"| {heading} |")) + 2
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@cache
def allowed() -> dict[str, set[str]]:
    """Room -> the rooms it may import."""
    rows = {row[0].strip("`"): row[2] for row in table("room (crate)")}
    return {room: imports(text, set(rows)) for room, text in rows.items()}


def imports(text: str, rooms: set[str]) -> set[str]:
    if text == "nothing of ours":
        return set()
    if text.startswith("everything but "):
        return rooms - words(text.removeprefix("everything but "))
    assert words(text) <= rooms, f"ARCHITECTURE.md names rooms that do not exist: {words(text) - rooms}"
    return words(text)


def words(text: str) -> set[str]:
    return {word.strip().strip("`") for word in text.split(",")}


@cache
def imported() -> dict[str, set[str]]:
    """Room -> the rooms that its Cargo.toml names; what only its tests need is left out."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    return {
        package["name"].removeprefix(PREFIX): {
            dependency["name"].removeprefix(PREFIX)
            for dependency in package["dependencies"]
            if dependency["name"].startswith(PREFIX) and dependency["kind"] != "dev"
        }
        for package in metadata["packages"]
    }


def test_every_room_has_its_row() -> None:
    assert set(imported()) == set(allowed())


@pytest.mark.parametrize("room", sorted(allowed()))
def test_a_room_imports_only_rooms_to_its_right(room: str) -> None:
    forbidden = imported().get(room, set()) - allowed()[room]
    assert not forbidden, f"`{room}` imports {sorted(forbidden)}, which the table of ARCHITECTURE.md forbids"


@pytest.mark.parametrize(("names", "owners"), table("name"))
def test_a_name_stays_with_its_owner(names: str, owners: str) -> None:
    looked_for = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in words(names)))
    crates = ROOT / "crates"
    homes = [crates / owner for owner in words(owners)]
    missing = [home for home in homes if not home.exists()]
    assert not missing, f"ARCHITECTURE.md names owners that do not exist: {missing}"
    strays = [
        str(path.relative_to(ROOT))
        for path in crates.glob("*/src/**/*.rs")
        if not any(path.is_relative_to(home) for home in homes) and looked_for.search(code_of(path))
    ]
    assert not strays, f"{names} belongs to {owners} and is used in {strays}"


def code_of(path: Path) -> str:
    """The source without its comments and without the test module at its end."""
    code = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
    return code.split("#[cfg(test)]\nmod ")[0]
