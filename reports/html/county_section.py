"""The table of counties × tasks: the total first, a subtotal a group, then its counties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.metadata import value_name
from models.selection import value_text
from reports.numbers import amount_text, plain, signed_change, upper
from reports.view.page_model import PageModel, PerHead, per_head

MARKS = "◆●▲■"
"""What marks the counties of the highlighted groups, in their order."""


@dataclass(frozen=True)
class CountyRow:
    """One line: a county, a subtotal, the total, or a place outside the grid."""

    kind: str
    """`total`, `sub`, `county` or `outside`."""
    name: str
    cells: tuple[str, ...]
    mark: str = ""
    search: str = ""
    """What the filter finds it by besides its name."""


@dataclass(frozen=True)
class CountyTable:
    """The table, and what its marks mean."""

    header: tuple[str, ...]
    rows: tuple[CountyRow, ...]
    legend: tuple[str, ...]
    tasks: int
    """So many columns after the name are tasks."""


def county_table(sheet: PageModel) -> CountyTable:
    """Every county once, in the order of the programme's table within its subtotal."""
    heads = per_head(sheet)
    rows = [_sum_row(sheet, "total", sheet.words("total"), (sheet.counties, heads))]
    for name, counties in _groups(sheet).items():
        if name:
            rows.append(_sum_row(sheet, "sub", name, (counties, heads)))
        rows += [_county_row(sheet, county, heads) for county in counties]
    rows += _outside_rows(sheet, len(rows[0].cells))
    legend = []
    for mark, group in zip(MARKS, sheet.labels.highlight, strict=False):
        title = upper(group.title.of(sheet.words.lang))
        legend.append(sheet.words("page.mark", mark=mark, title=title))
    return CountyTable(_header(sheet, heads), tuple(rows), tuple(legend), len(sheet.tasks))


def _groups(sheet: PageModel) -> dict[str, list[int]]:
    """Name of a subtotal → its counties; one group without a name where there are none."""
    column = sheet.labels.subtotal
    if column is None:
        return {"": list(sheet.counties)}
    programme = sheet.solution.scenario.programme
    groups: dict[str, list[int]] = {}
    for county, value in enumerate(programme.counties.values(column)):
        item = (column, value_text(value))
        name = upper(value_name(programme, sheet.labels, item, sheet.words.lang))
        groups.setdefault(name, []).append(county)
    return groups


def _header(sheet: PageModel, heads: PerHead | None) -> tuple[str, ...]:
    words = sheet.words
    first = upper(sheet.labels.column("county", words.lang))
    metrics = sheet.solution.scenario.programme.file.metrics
    return (
        first,
        *(sheet.task_name(task) for task in sheet.tasks),
        words("total"),
        *([words("page.against")] if len(sheet.columns) > 1 else []),
        *(_last_year_heads(sheet)),
        *([upper(heads.title)] if heads else []),
        *(
            words("metric", title=one.title.of(words.lang), unit=one.unit.of(words.lang))
            for one in metrics
        ),
    )


def _last_year_heads(sheet: PageModel) -> list[str]:
    if sheet.solution.scenario.last_year is None:
        return []
    return [sheet.words("page.last-year"), sheet.words("page.change")]


def _cells(
    sheet: PageModel, counties: Sequence[int], heads: PerHead | None, beside: Fraction = Fraction(0)
) -> tuple[str, ...]:
    """The figures of some counties together; `beside` is money outside the grid."""
    this = sheet.this
    total = this.value("amount", counties, sheet.tasks) + beside
    cells = [_blank(this.value("amount", counties, [task])) for task in sheet.tasks]
    cells.append(amount_text(total))
    if len(sheet.columns) > 1:
        before = sheet.columns[1].value("amount", counties, sheet.tasks) + beside
        cells.append(signed_change(total - before))
    cells += _last_year_cells(sheet, counties, total)
    residents = sheet.heads()
    if heads is not None and residents is not None:
        cells.append(heads.text(total, sum((residents[c] for c in counties), Fraction(0))))
    for metric in sheet.solution.scenario.programme.metrics:
        cells.append(plain(this.value(metric, counties, sheet.tasks), 1))
    return tuple(cells)


def _last_year_cells(sheet: PageModel, counties: Sequence[int], total: Fraction) -> list[str]:
    last = sheet.solution.scenario.last_year
    if last is None:
        return []
    codes = [sheet.solution.scenario.programme.counties.ids[county] for county in counties]
    if len(codes) == len(sheet.counties):
        return [amount_text(last.total), signed_change(total - last.total)]
    known = [last.by_county[code] for code in codes if code in last.by_county]
    if not known:
        return [sheet.words("page.not-known"), "-"]
    before = sum(known, Fraction(0))
    return [amount_text(before), signed_change(total - before)]


def _blank(amount: Fraction) -> str:
    return amount_text(amount) if amount else "-"


def _sum_row(
    sheet: PageModel, kind: str, name: str, of: tuple[Sequence[int], PerHead | None]
) -> CountyRow:
    counties, heads = of
    if kind == "sub":
        label = sheet.words("page.subtotal", name=name)
        return CountyRow(kind, label, _cells(sheet, counties, heads))
    inside = sheet.this.value("amount", counties, sheet.tasks)
    cells = _cells(sheet, counties, heads, sheet.this.shown.audit.spent - inside)
    return CountyRow(kind, name, cells)


def _county_row(sheet: PageModel, county: int, heads: PerHead | None) -> CountyRow:
    marks = [
        mark
        for mark, group in zip(MARKS, sheet.labels.highlight, strict=False)
        if county in sheet.selected(group.where)[0]
    ]
    cells = _cells(sheet, [county], heads)
    name = sheet.county_name(county)
    return CountyRow("county", name, cells, "".join(marks), _search(sheet, county))


def _search(sheet: PageModel, county: int) -> str:
    """Code, both names and the groups of a county."""
    programme, labels = sheet.solution.scenario.programme, sheet.labels
    table = programme.counties
    said = [table.ids[county], table.names("zh")[county], table.names("en")[county]]
    for column in (labels.subtotal, labels.group_by):
        if column is not None:
            item = (column, value_text(table.values(column)[county]))
            said.append(value_name(programme, labels, item, sheet.words.lang))
    shown = sheet.county_name(county)
    return " ".join(dict.fromkeys(text for text in said if text != shown))


def _outside_rows(sheet: PageModel, width: int) -> list[CountyRow]:
    """Places outside the grid: money without a task."""
    tasks = len(sheet.tasks)
    return [
        CountyRow(
            "outside",
            name,
            (*["-"] * tasks, amount_text(amount), *[""] * (width - tasks - 1)),
            search=code,
        )
        for code, name, amount in sheet.this.allocation.outside
    ]
