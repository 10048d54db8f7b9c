"""A record written whole: scenario, tables and manifest, with the page and the workbook."""

from __future__ import annotations

from pathlib import Path

from models.record import Reports, record_files, write_files
from models.record.manifest import Manifest
from models.solution import Solution
from reports.catalogue import Words
from reports.excel import workbook
from reports.html.page import NAME as PAGE
from reports.html.page import report_html


def write_record(
    solution: Solution,
    path: Path | str,
    *,
    lang: str = "en",
    author: str = "",
    reason: str = "",
    force: bool = False,
) -> None:
    """Write the record of `solution` as the new folder `path`, as `allot solve -o` does.

    It holds the scenario and its programme, the allocation in money units, outcomes in the units
    of their metrics, every finding, certificate and prices where the solution has them, baseline
    and repaired baseline, `report.html` and `workbook.xlsx` in `lang` (zh or en), and
    `manifest.json` with the hashes, the `author` and the `reason`. A record is whole or absent.

    Raises `InputError` for a folder that is there already (with `force` a record, and nothing
    else, is replaced), for one that cannot be written, for texts of the programme that no page
    can show, and for another language.
    """
    also = reports_of(solution, lang)
    write_files(Path(path), record_files(solution, author, reason, also), force=force)


def reports_of(solution: Solution, lang: str) -> Reports:
    """What makes the page and the workbook of a record, in one language."""
    words = Words(lang)

    def make(manifest: Manifest) -> dict[str, bytes]:
        page = report_html(solution, manifest, lang)
        return {PAGE: page, "workbook.xlsx": workbook(solution, manifest, words)}

    return make
