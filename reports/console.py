"""What verbs print: a page or one JSON document on stdout, messages and errors on stderr; and
where they keep a record."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.errors import AllotError, InfeasibleError, refuse
from reports.words import Words

if TYPE_CHECKING:
    from models.scenario import Scenario
    from models.solution import Solution
    from models.workbook import Note
    from reports.layout import Part

BROKEN, BAD_INPUT, BUG, INTERRUPTED, BROKEN_PIPE = 1, 2, 70, 130, 141
"""Exit codes; those of 3 and 4 stand with their errors."""


@dataclass(frozen=True)
class Given:
    """The options that all verbs share."""

    lang: str
    json: bool
    quiet: bool

    @property
    def words(self) -> Words:
        return Words(self.lang)

    @property
    def talks(self) -> bool:
        """Whether progress may be drawn."""
        return not (self.json or self.quiet)

    def show(self, view: Callable[[], dict[str, Any]], page: Callable[[], list[Part]]) -> None:
        """Print the JSON document or the page; nothing with `-q` but the document."""
        if self.json:
            from reports.json_view import json_text

            ascii_only = (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
            click.echo(json_text(view(), ascii_only))
        elif not self.quiet:
            from reports.layout import render
            from reports.terminal import page_width

            color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
            click.echo(render(page(), page_width(), color))

    def tell(self, key: str, **values: object) -> None:
        """A message on stderr, unless `-q`."""
        if not self.quiet:
            click.echo(self.words(key, **values), err=True)

    def tell_notes(self, notes: Sequence[Note]) -> None:
        """What was read in an edited workbook with some good will, cell by cell."""
        from models.exact import rounded_text

        notes = sorted(notes, key=lambda note: note.kind == "blank")
        for note in notes[:_MOST_NOTES]:
            number = rounded_text(note.number, 6)
            self.tell(_NOTES[note.kind], place=note.place, text=note.text, number=number)
        if more := len(notes[_MOST_NOTES:]):
            self.tell("read.more", count=more)


@dataclass(frozen=True)
class Keep:
    """Whether and where a record is kept."""

    output: Path | None
    force: bool
    author: str
    reason: str

    def refuse_early(self, scenario: Scenario) -> None:
        """Before a long solve: what would make the record impossible to write after it."""
        if self.output is None:
            return
        from models.shown import check_shown

        check_shown(scenario.programme)
        if os.path.lexists(self.output):
            if not self.force:
                refuse(str(self.output), "", "is there already; name another folder, or --force")
            if not (self.output / "manifest.json").is_file():
                refuse(str(self.output), "", "is not a record and is never replaced")
        above = next(folder for folder in self.output.absolute().parents if folder.exists())
        if not (above.is_dir() and os.access(above, os.W_OK)):
            refuse(str(self.output), "", f"cannot be written: {above} takes no new folder")

    def write(self, solution: Solution, lang: str) -> None:
        """Write the record with its reports, if one is asked for."""
        if self.output is not None:
            from models.record import record_files, write_files
            from reports.kept import reports_of

            also = reports_of(solution, lang)
            files = record_files(solution, self.author, self.reason, also)
            write_files(self.output, files, force=self.force)


class NotNegative(click.ParamType):  # type: ignore[type-arg]
    """A finite number, zero or more."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not (math.isfinite(number) and number >= 0):
            self.fail(f"{value} is not a number of zero or more", param, ctx)
        return number


_MOST_NOTES = 100
_NOTES = {
    "blank": "read.blank",
    "dash": "read.dash",
    "text": "read.text",
    "padded": "read.padded",
    "missing": "read.missing",
}
_MOST_LINES = 200


def told(error: BaseException, words: Words) -> int:
    """The message of an error on stderr, and its exit code."""
    if isinstance(error, BrokenPipeError):
        _let_go_of_stdout()
        return BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        click.echo(words("cli.interrupted"), err=True)
        return INTERRUPTED
    if isinstance(error, AllotError):
        click.echo(words(_HEADS.get(error.exit_code, "cli.bad-input")), err=True)
        # The head says as much; what follows it names the rules.
        plain = isinstance(error, InfeasibleError) and bool(error.giving_way or error.reasons)
        lines = [] if plain else str(error).splitlines()
        for line in lines[:_MOST_LINES]:
            said = words(_SAID[line]) if line in _SAID else line
            click.echo(f"  {said}", err=True)
        if rest := len(lines[_MOST_LINES:]):
            click.echo("  " + words("cli.more-problems", count=rest), err=True)
        _tell_giving_way(error, words)
        return error.exit_code
    if isinstance(error, OSError):
        _let_go_of_stdout()
        place = f"{error.filename}: " if error.filename else ""
        reason = f"{place}{error.strerror or error}"
        click.echo(words("cli.cannot-write", reason=reason), err=True)
        return BAD_INPUT
    sys.excepthook(type(error), error, error.__traceback__)
    click.echo(words("cli.unexpected"), err=True)
    return BUG


def _let_go_of_stdout() -> None:
    """What could not be written is not tried again when Python closes: that would be exit 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


_HEADS = {3: "cli.infeasible", 4: "cli.no-answer"}
_SAID = {
    "no allocation can keep all the rules": "cli.no-allocation",
    "the solver stopped at its limit without an allocation": "cli.stopped",
    "no whole-unit allocation was found within the limits": "cli.no-whole-units",
    "the solver reports an unbounded model; check weights and tiers": "cli.unbounded",
}
"""Messages of solvers that a user can meet → the label that says them."""


def _tell_giving_way(error: AllotError, words: Words) -> None:
    if not isinstance(error, InfeasibleError):
        return
    for reason in error.reasons:
        click.echo(f"  - {reason[words.lang]}", err=True)
    if error.giving_way:
        click.echo(words("cli.giving-way"), err=True)
    for way in error.giving_way:
        click.echo(f"  - {way.text[words.lang]}", err=True)
    click.echo(words("cli.diagnose"), err=True)
