"""A line on stderr while a solve runs: what it is at, its gap so far, the time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from reports.words import Words


class Stage(Protocol):
    """Where a long solve stands."""

    @property
    def stage(self) -> str: ...

    @property
    def gap(self) -> float | None: ...


@contextmanager
def progress(words: Words, shown: bool) -> Iterator[Callable[[Stage], None]]:
    """What to hand to `solve`, which calls it as it goes.

    It draws only where `shown` and stderr is a terminal, and leaves nothing behind.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (SpinnerColumn("line"), TextColumn("{task.description}", markup=False))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(words("progress.begin"), total=None)
        yield lambda at: bar.update(task, description=progress_text(at, words))


@contextmanager
def points(
    words: Words, shown: bool, key: str = "study.progress"
) -> Iterator[Callable[[int, int], None]]:
    """What to hand to a study, which tells it (points done, of how many); drawn like `progress`.

    `key` is the wording of what is done."""
    if not (shown and sys.stderr.isatty()):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(words("progress.begin"), total=None)

        def tell(done: int, total: int) -> None:
            text = words(key, done=done, total=total)
            bar.update(task, completed=done, total=total, description=text)

        yield tell


def progress_text(at: Stage, words: Words) -> str:
    """One line for where a solve stands: its stage, and the gap where one is known."""
    from reports.numbers import gap_text

    name = words(_STAGES[at.stage]) if at.stage in _STAGES else at.stage
    text = words("progress", stage=name)
    if at.gap is None or at.gap > 1:
        return text
    return text + words("progress.gap", gap=gap_text(at.gap))


_STAGES = {
    "search": "stage.search",
    "tie-break": "stage.tie-break",
    "whole": "stage.whole",
    "repaired baseline": "stage.repaired",
}
