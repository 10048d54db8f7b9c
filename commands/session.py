"""What a verb is run with: language, output, progress; and how errors are told."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.errors import (
    AllotError,
    InfeasibleError,
    InputError,
    InputProblem,
)
from reports.catalogue import Words

if TYPE_CHECKING:
    from commands.output_folder import PageFolder
    from models.allocation import Allocation
    from models.scenario import Scenario
    from models.table import Note
    from reports.document import Document
    from reports.view.remarks import Stage

BROKEN, BAD_INPUT, BUG, INTERRUPTED, BROKEN_PIPE = 1, 2, 70, 130, 141
"""Exit codes; those of 3 and 4 stand with their errors."""
_MOST_NOTES = 100
_NOTES = {
    "blank": "read.blank",
    "dash": "read.dash",
    "text": "read.text",
    "padded": "read.padded",
    "missing": "read.missing",
    "sheet": "read.sheet",
}


@dataclass(frozen=True)
class Session:
    """The options that all verbs share."""

    lang: str
    json: bool
    quiet: bool

    @property
    def words(self) -> Words:
        return Words(self.lang)

    def show(
        self,
        view: Callable[[], dict[str, Any]],
        page: Callable[[], Document],
        pages: PageFolder | None = None,
        tables: Mapping[str, str] | None = None,
    ) -> None:
        """Print the JSON document or the page; nothing with `-q` but the document.

        Before that the page and `tables` (name → text) are written to `pages`, if one is named.
        """
        written = pages.write(page, self.words, tables or {}) if pages is not None else []
        self._print(view, page)
        for path in written:
            self.tell("cli.written", file=path)

    def show_document(self, view: dict[str, Any]) -> None:
        """Print a JSON document."""
        from reports.document import json_text

        ascii_only = (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
        click.echo(json_text(view, ascii_only))

    def _print(self, view: Callable[[], dict[str, Any]], page: Callable[[], Document]) -> None:
        if self.json:
            self.show_document(view())
        elif not self.quiet:
            from reports.terminal import page_width, render

            color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
            click.echo(render(page(), page_width(), color))

    def show_line(self, view: dict[str, Any], key: str, **values: object) -> None:
        """Print the JSON document, or one line of wording, unbroken: it may name a long path."""
        from reports.document import Document, Paragraph

        said = Paragraph(self.words(key, **values), "unbroken")
        self.show(lambda: view, lambda: Document("", (said,)))

    def tell(self, key: str, **values: object) -> None:
        """A message on stderr, unless `-q`."""
        if not self.quiet:
            click.echo(self.words(key, **values), err=True)

    def tell_record(self, folder: Path, fingerprint: str) -> None:
        """Where a record was kept, and what it is known by."""
        self.tell("cli.saved", folder=folder)
        self.tell("fingerprint", groups=fingerprint)

    def tell_notes(self, notes: Sequence[Note]) -> None:
        """What was read in an edited workbook with some good will, cell by cell."""
        from models.exact import rounded_text

        notes = sorted(notes, key=lambda note: note.kind == "blank")
        for note in notes[:_MOST_NOTES]:
            number = rounded_text(note.number, 6)
            self.tell(
                _NOTES[note.kind], place=self.words.place(note.place), text=note.text, number=number
            )
        if more := len(notes[_MOST_NOTES:]):
            self.tell("read.more", count=more)

    def read_allocation(self, scenario: Scenario, table: Path) -> Allocation:
        """The allocation in a CSV file or workbook; what was read with good will is told."""
        from models.workbook.reader import read_table

        outside = scenario.outside_names
        amounts, notes = read_table(table, scenario.programme, outside)
        self.tell_notes(notes)
        return amounts

    @contextmanager
    def solve_progress(self) -> Iterator[Callable[[Stage], None]]:
        """What to hand to a solve, which calls it as it goes: a line says where it stands."""
        with self._line(bar=False) as update:
            if update is None:
                yield lambda at: None
            else:
                from reports.view.remarks import progress

                yield lambda at: update(description=progress(at, self.words))

    @contextmanager
    def count_progress(self, key: str = "study.progress") -> Iterator[Callable[[int, int], None]]:
        """What to hand to a study, which tells it (points done, of how many).

        `key` is the wording of what is done.
        """
        with self._line(bar=True) as update:
            if update is None:
                yield lambda done, total: None
            else:
                yield lambda done, total: update(
                    completed=done,
                    total=total,
                    description=self.words(key, done=done, total=total),
                )

    @contextmanager
    def _line(self, bar: bool) -> Iterator[Callable[..., None] | None]:
        """What changes a line on stderr, which is gone in the end; None where none is drawn."""
        if self.json or self.quiet or not sys.stderr.isatty():
            yield None
            return
        from rich import progress
        from rich.console import Console

        columns: list[str | progress.ProgressColumn] = [
            progress.TextColumn("{task.description}", markup=False),
            progress.TimeElapsedColumn(),
        ]
        if bar:
            columns.insert(1, progress.BarColumn())
            columns.append(progress.TimeRemainingColumn())
        else:
            columns.insert(0, progress.SpinnerColumn("line"))
        console = Console(stderr=True, highlight=False)
        with progress.Progress(*columns, console=console, transient=True) as drawn:
            task = drawn.add_task(self.words("progress.begin"), total=None)
            yield partial(drawn.update, task)


_MOST_LINES = 20
_HEADS = {3: "cli.infeasible", 4: "cli.no-answer"}


def tell_error(error: BaseException, words: Words) -> int:
    """The message of an error on stderr; returns the exit code that it has."""
    if isinstance(error, BrokenPipeError):
        _let_go_of_stdout()
        return BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        click.echo(words("cli.interrupted"), err=True)
        return INTERRUPTED
    if isinstance(error, AllotError):
        _tell_problems(error, words)
        return error.exit_code
    if isinstance(error, OSError):
        _let_go_of_stdout()
        place = f"{error.filename}: " if error.filename else ""
        reason = place + words.told(error.strerror or str(error))
        click.echo(words("cli.cannot-write", reason=reason), err=True)
        return BAD_INPUT
    sys.excepthook(type(error), error, error.__traceback__)
    click.echo(words("cli.unexpected"), err=True)
    return BUG


def tell_usage(error: click.ClickException, words: Words) -> int:
    """What is wrong with a command line, on stderr; returns the exit code."""
    at = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if at is not None:
        usage = at.make_formatter()
        pieces = " ".join(at.command.collect_usage_pieces(at))
        usage.write_usage(at.command_path, pieces, words("help.usage"))
        click.echo(usage.getvalue().rstrip(), err=True)
        click.echo(words("cli.see-help", command=at.command_path), err=True)
    message = words.placeholders(words.told(error.format_message()))
    click.echo("\n" + words("cli.usage-error", message=message), err=True)
    return error.exit_code


def _let_go_of_stdout() -> None:
    """What could not be written is not tried again when Python closes: that would be exit 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


_OPTIONS = {
    "set_": "--set",
    "dates": "--date",
    "texts": "--text",
    "layers": "--set, --with, --rules",
    **{name: f"--{name}" for name in ("workers", "dask", "solver", "gap", "vary", "by")},
    **{name: f"--{name}" for name in ("units", "strategy", "reference")},
    **{name: f"--{name}" for name in ("draws", "seed", "alpha", "within")},
    **{name: f"--{name}" for name in ("lean", "gamma", "check", "aim")},
    "at_least": "--at-least",
    "time_limit": "--time-limit",
    "second_opinion": "--second-opinion",
}
"""Keyword of the functions → the option that was typed for it."""


def _as_typed(problem: InputProblem) -> InputProblem:
    """A problem of a keyword as one of its option."""
    key = "file" if problem.file else "path"
    word, blank, rest = getattr(problem, key).partition(" ")
    return replace(problem, **{key: _OPTIONS.get(word, word) + blank + rest})


def _tell_problems(error: AllotError, words: Words) -> None:
    click.echo(words(_HEADS.get(error.exit_code, "cli.bad-input")), err=True)
    # The head says as much; what follows it names the rules.
    plain = isinstance(error, InfeasibleError) and bool(error.reasons)
    lines, rest = [] if plain else words.error(error).splitlines(), 0
    if isinstance(error, InputError):
        lines = [words.problem(_as_typed(problem)) for problem in error.problems[:_MOST_LINES]]
        rest = len(error.problems[_MOST_LINES:])
    for line in lines:
        click.echo(f"  {line}", err=True)
    if rest:
        click.echo("  " + words("cli.more-problems", count=rest), err=True)
    if isinstance(error, InfeasibleError):
        for reason in error.reasons:
            click.echo(f"  - {reason[words.lang]}", err=True)
        click.echo(words("cli.diagnose"), err=True)
