"""The reports that are kept in a record, made from its solution and its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.record import Reports
from models.solution import Solution
from reports.words import Words


def reports_of(solution: Solution, lang: str) -> Reports:
    """What makes the reports of a record, in one language; imports them only when it does."""

    def make(manifest: Mapping[str, Any]) -> dict[str, bytes]:
        from reports.excel import workbook
        from reports.html import NAME, report_html

        return {
            NAME: report_html(solution, manifest, lang),
            "workbook.xlsx": workbook(solution, manifest, Words(lang)),
        }

    return make
