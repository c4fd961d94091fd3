"""Tables in Markdown, a plot, and a line that says what is being measured."""

from __future__ import annotations

import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Cell = str | float
Run = TypeVar("Run")
# A plot whose values differ by more than this factor is drawn on a logarithmic scale.
WIDE = 50


@dataclass
class Table:
    """One measurement: a row per contestant, the first columns name it."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for the {len(self.columns)} columns of {self.title!r}")
        self.rows.append(list(cells))

    def markdown(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *([show(cell) for cell in row] for row in self.rows)]
        return "\n".join([f"## {self.title}", "", *("| " + " | ".join(line) + " |" for line in lines), ""])


@dataclass
class Report:
    """What one program measured, written as NAME.md and NAME.png."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)

    def write(self, folder: Path, plot: Mapping[str, str]) -> None:
        """`plot` says which column of which table is drawn."""
        folder.mkdir(parents=True, exist_ok=True)
        machine = f"{platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
        text = "\n".join([f"# {self.title}", "", machine, "", *(table.markdown() for table in self.tables)])
        (folder / f"{self.name}.md").write_text(text)
        print(text)
        drawn = [(table, plot[table.title]) for table in self.tables if table.title in plot]
        if drawn:
            draw(drawn, folder / f"{self.name}.png")


def draw(tables: Sequence[tuple[Table, str]], path: Path) -> None:
    """Bars grouped by a table's first column, one colour for each name in its second."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        progress("no plot: matplotlib is not installed (the dependency group `bench` has it)")
        return
    figure = Figure(figsize=(11, 4.5 * len(tables)), layout="constrained")
    for axes, (table, column) in zip(figure.subplots(len(tables), squeeze=False)[:, 0], tables, strict=True):
        bars(axes, table, column)
    figure.savefig(path, dpi=120)


def bars(axes: Any, table: Table, column: str) -> None:
    groups = list(dict.fromkeys(str(row[0]) for row in table.rows))
    names = list(dict.fromkeys(str(row[1]) for row in table.rows))
    height = {(str(row[0]), str(row[1])): number(row[table.columns.index(column)]) for row in table.rows}
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        heights = [height.get((group, name), 0.0) for group in groups]
        axes.bar([index + place * width for index in range(len(groups))], heights, width, label=name)
    axes.set_xticks([index + 0.4 - width / 2 for index in range(len(groups))], groups)
    axes.set_title(table.title)
    axes.set_ylabel(column)
    axes.legend()
    drawn = [value for value in height.values() if value > 0]
    if drawn and max(drawn) > WIDE * min(drawn):
        axes.set_yscale("log")


def number(cell: Cell) -> float:
    """A cell's height; a cell of text (not measured) has none."""
    return 0.0 if isinstance(cell, str) else cell


def show(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if abs(cell) >= 100 or cell == int(cell):
        return f"{cell:,.0f}"
    return f"{cell:.2f}"


def median(runs: Sequence[Run], by: Callable[[Run], float]) -> Run:
    """The run whose figure is the median (the lower one of two)."""
    middle = statistics.median_low([by(run) for run in runs])
    return next(run for run in runs if by(run) == middle)


def progress(text: str) -> None:
    """One line on standard error, with the time where rich is installed."""
    try:
        from rich.console import Console
    except ImportError:
        print(text, file=sys.stderr)
        return
    Console(stderr=True, log_path=False).log(text)
