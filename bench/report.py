"""Tables in Markdown, a plot, and a line that says what is being measured."""

from __future__ import annotations

import platform
import statistics
import sys
from collections.abc import Callable, Sequence
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
class Plot:
    """Bars: a group for each key of `heights`, in it a bar for each contestant."""

    title: str
    unit: str
    heights: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of_column(cls, table: Table, column: str) -> Plot:
        """One column of a table whose first two columns name the group and the contestant."""
        plot = cls(table.title, column)
        for row in table.rows:
            plot.heights.setdefault(str(row[0]), {})[str(row[1])] = number(row[table.columns.index(column)])
        return plot

    @classmethod
    def of_rows(cls, table: Table, unit: str) -> Plot:
        """All columns of a table whose first column names the contestant."""
        plot = cls(table.title, unit)
        for place, column in enumerate(table.columns[1:], start=1):
            plot.heights[column] = {str(row[0]): number(row[place]) for row in table.rows}
        return plot

    def draw(self, axes: Any) -> None:
        names = list(dict.fromkeys(name for group in self.heights.values() for name in group))
        width = 0.8 / max(len(names), 1)
        for place, name in enumerate(names):
            heights = [group.get(name, 0.0) for group in self.heights.values()]
            axes.bar([index + place * width for index in range(len(heights))], heights, width, label=name)
        axes.set_xticks([index + 0.4 - width / 2 for index in range(len(self.heights))], list(self.heights))
        axes.set_title(self.title)
        axes.set_ylabel(self.unit)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        drawn = [height for group in self.heights.values() for height in group.values() if height > 0]
        if drawn and max(drawn) > WIDE * min(drawn):
            axes.set_yscale("log")


@dataclass
class Report:
    """What one program measured, written as NAME.md and NAME.png."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        machine = f"{platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
        text = "\n".join([f"# {self.title}", "", machine, "", *(table.markdown() for table in self.tables)])
        (folder / f"{self.name}.md").write_text(text)
        print(text)
        if self.plots:
            draw(self.plots, folder / f"{self.name}.png")


def draw(plots: Sequence[Plot], path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        progress("no plot: matplotlib is not installed (the dependency group `bench` has it)")
        return
    figure = Figure(figsize=(11, 4.5 * len(plots)), layout="constrained")
    for axes, plot in zip(figure.subplots(len(plots), squeeze=False)[:, 0], plots, strict=True):
        plot.draw(axes)
    figure.savefig(path, dpi=120)


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
