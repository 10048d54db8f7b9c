"""Folders that verbs write with `-o DIR`: refused before the work begins, or written whole."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.errors import refuse
from models.files import resolved
from reports.catalogue import Words

if TYPE_CHECKING:
    from models.scenario import Scenario
    from models.solution import Solution
    from reports.document import Document

_WRITTEN_HERE = re.compile(
    r"(backtest|calibrate|check|contestable|diagnose|drivers|explain|front|mend|prices|ranges|reallocate|reproduce|robust|uncertainty|verify)\.(html|xlsx)"
    r"|(given|changes)\.csv|record"  # what `mend` was given; the list to sign; their records
    r"|front(-allocations)?\.csv"  # the points of `front`, and their money
    r"|assumptions\.csv|uncertainty-(draws|outcomes|rules)\.csv"  # what was drawn and came of it
    r"|contestable-(counties|cells|draws)\.csv"
    r"|(backtest|calibrate|drivers|robust|robust-allocation)\.csv"
    r"|.+-(least|most)\.csv"  # what `ranges --witness` found
    r"|\..+\.part"  # what a write that was stopped left
)
"""Names of the files in a folder of pages."""


def refuse_early(folder: Path, kind: str, is_own: Callable[[Path], bool], force: bool) -> None:
    """Before a long solve: what would make `folder` impossible to write after it.

    `kind`: what the verb writes ("record"); `is_own`: whether a folder that is there is one, which
    `force` lets it replace. Raises `InputError`.
    """
    if os.path.lexists(folder):
        if not force:
            refuse(str(folder), "", "is there already; name another folder, or --force")
        if not is_own(folder):
            refuse(str(folder), "", f"is not a {kind} and is never replaced")
    _refuse_unwritable(folder)


def _refuse_unwritable(folder: Path) -> None:
    """Refuse a folder that cannot be made, because what is there above it takes none."""
    above = next(one for one in folder.absolute().parents if one.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        refuse(str(folder), "", f"cannot be written: {above} takes no new folder")


@dataclass(frozen=True)
class PageFolder:
    """Whether and where the page of a verb is kept as VERB.html and VERB.xlsx.

    The pages of several verbs may stand in one folder; each is replaced by the next of its verb.
    """

    output: Path | None

    def refuse_early(self, table: Path | None = None) -> None:
        """Before a long solve: what would make the folder impossible to write after it.

        Raises `InputError` for one that holds anything but what verbs write here, and for one
        that holds the `table` that is read.
        """
        if self.output is None:
            return
        if not os.path.lexists(self.output):
            _refuse_unwritable(self.output)
            return
        if not (self.output.is_dir() and os.access(self.output, os.W_OK)):
            refuse(str(self.output), "", "cannot be written: it is no folder that takes files")
        if table is not None and resolved(table).parent == resolved(self.output):
            refuse(str(self.output), "", f"holds {table.name}, which is read; name another folder")
        names = sorted(one.name for one in self.output.iterdir())
        other = [name for name in names if not _WRITTEN_HERE.fullmatch(name)]
        if other:
            message = f"holds other files ({', '.join(other[:3])}); name another folder"
            refuse(str(self.output), "", message)

    def write(
        self, page: Callable[[], Document], words: Words, tables: Mapping[str, str]
    ) -> list[Path]:
        """Write `tables` (name → text) and the page; all are made before the first is written.

        Each file is there whole or not at all. Returns their paths.
        """
        if self.output is None:
            return []
        from models.allocation import write_file
        from reports.excel.excel_document import document_xlsx
        from reports.html.html_document import document_html

        verb, document = click.get_current_context().command.name, page()
        files: dict[str, str | bytes] = {
            **tables,
            f"{verb}.html": document_html(document, words),
            f"{verb}.xlsx": document_xlsx(document, words),
        }
        self.output.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_file(self.output / name, content)
        return [self.output / name for name in files]


@dataclass(frozen=True)
class RecordTarget:
    """Whether and where a record is kept, and what it says of its author."""

    output: Path | None
    force: bool
    author: str
    reason: str

    def refuse_early(self, scenario: Scenario) -> None:
        """Before a long solve: what would make the record impossible to write after it."""
        if self.output is None:
            return
        from models.metadata import check_shown
        from models.record import refuse_half_characters

        refuse_half_characters(author=self.author, reason=self.reason)
        check_shown(scenario.programme)
        if any(resolved(self.output) in path.parents for path in scenario.document.files):
            refuse(str(self.output), "", "holds the scenario that is read; name another folder")
        refuse_early(
            self.output, "record", lambda folder: (folder / "manifest.json").is_file(), self.force
        )

    def inside(self, name: str) -> RecordTarget:
        """A record in a folder of that name in the one that is named."""
        return self if self.output is None else replace(self, output=self.output / name)

    def write(self, solution: Solution, lang: str) -> str:
        """Write the record with its reports, if one is asked for; its fingerprint in groups."""
        if self.output is None:
            return ""
        from models.record.manifest import in_fours
        from reports.record_writer import write_record

        return in_fours(
            write_record(
                solution,
                self.output,
                lang=lang,
                author=self.author,
                reason=self.reason,
                force=self.force,
            )
        )
