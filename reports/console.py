"""What verbs print: a page or one JSON document on stdout, messages and errors on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from models.errors import AllotError, InfeasibleError
from reports.words import Words

if TYPE_CHECKING:
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
        lines = str(error).splitlines()
        for line in lines[:_MOST_LINES]:
            click.echo(f"  {line}", err=True)
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


def _tell_giving_way(error: AllotError, words: Words) -> None:
    if isinstance(error, InfeasibleError) and error.giving_way:
        click.echo(words("cli.giving-way"), err=True)
        for way in error.giving_way:
            click.echo(f"  - {way.text[words.lang]}", err=True)
