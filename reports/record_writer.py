"""A record written whole: scenario, tables and manifest, with the page and the workbook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.errors import with_keywords
from models.record import PAGE, WORKBOOK, Reports, record_files, write_files
from models.record.manifest import NAME, Manifest
from models.shadow_price import prices_csv, read_prices
from models.solution import Solution
from reports.catalogue import Words
from reports.excel import workbook
from reports.html.page import report_html


@with_keywords()
def write_record(
    solution: Solution,
    path: Path | str,
    *,
    lang: str = "en",
    author: str = "",
    reason: str = "",
    force: bool = False,
) -> str:
    """Write the record of `solution` as the new folder `path`, as `allot solve -o` does.

    It holds the scenario and its programme, the allocation in money units, outcomes in the units
    of their metrics, every finding, certificate and prices where the solution has them, baseline
    and repaired baseline, `report.html` and `workbook.xlsx` in `lang` (zh or en), and
    `manifest.json` with the hashes, the `author` and the `reason`. A record is whole or absent.
    Returns its fingerprint: 64 hexadecimal digits, which page and workbook carry in groups of four.

    Raises `InputError` for a folder that is there already (with `force` a record, and nothing
    else, is replaced), for one that cannot be written, for texts of the programme that no page
    can show, and for another language.
    """
    files = record_files(solution, author, reason, reports_of(solution, lang))
    write_files(Path(path), files, force=force)
    return Manifest.model_validate_json(files[NAME]).fingerprint


def reports_of(solution: Solution, lang: str) -> Reports:
    """What makes the page and the workbook of a record, in one language."""
    words, metrics = Words(lang), solution.scenario.programme.metrics
    # Drawn from what the record will say, so that it can be drawn again from there.
    told = replace(solution, prices=read_prices(prices_csv(solution.prices, metrics), metrics))

    def draw(manifest: Manifest) -> dict[str, bytes]:
        page = report_html(told, manifest, lang)
        return {PAGE: page, WORKBOOK: workbook(told, manifest, words)}

    return Reports(lang, draw)
