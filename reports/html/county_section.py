"""The table of counties × tasks: the total first, a subtotal a group, then its counties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.metadata import value_name
from models.selection import value_text
from reports.numbers import amount_text, plain, signed_change, upper
from reports.view.allocation_view import MARKS
from reports.view.page_model import PageModel, PerHead, per_head


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


def county_table(model: PageModel) -> CountyTable:
    """Every county once, in the order of the programme's table within its subtotal."""
    heads = per_head(model)
    rows = [_sum_row(model, "total", model.words("total"), (model.counties, heads))]
    for name, counties in _groups(model).items():
        if name:
            rows.append(_sum_row(model, "sub", name, (counties, heads)))
        rows += [_county_row(model, county, heads) for county in counties]
    rows += _outside_rows(model, len(rows[0].cells))
    legend = []
    for mark, group in zip(MARKS, model.labels.highlight, strict=False):
        title = upper(group.title.of(model.words.lang))
        legend.append(model.words("page.mark", mark=mark, title=title))
    return CountyTable(_header(model, heads), tuple(rows), tuple(legend), len(model.tasks))


def _groups(model: PageModel) -> dict[str, list[int]]:
    """Name of a subtotal → its counties; one group without a name where there are none."""
    column = model.labels.subtotal
    if column is None:
        return {"": list(model.counties)}
    programme = model.solution.scenario.programme
    groups: dict[str, list[int]] = {}
    for county, value in enumerate(programme.counties.values(column)):
        item = (column, value_text(value))
        name = upper(value_name(programme, model.labels, item, model.words.lang))
        groups.setdefault(name, []).append(county)
    return groups


def _header(model: PageModel, heads: PerHead | None) -> tuple[str, ...]:
    words = model.words
    first = upper(model.labels.column("county", words.lang))
    metrics = model.solution.scenario.programme.file.metrics
    return (
        first,
        *(model.task_name(task) for task in model.tasks),
        words("total"),
        *([words("page.against")] if len(model.columns) > 1 else []),
        *(_last_year_heads(model)),
        *([upper(heads.title)] if heads else []),
        *(
            words("metric", title=one.title.of(words.lang), unit=one.unit.of(words.lang))
            for one in metrics
        ),
    )


def _last_year_heads(model: PageModel) -> list[str]:
    if model.solution.scenario.last_year is None:
        return []
    return [model.words("page.last-year"), model.words("page.change")]


def _cells(
    model: PageModel, counties: Sequence[int], heads: PerHead | None, beside: Fraction = Fraction(0)
) -> tuple[str, ...]:
    """The figures of some counties together; `beside` is money outside the grid."""
    this = model.this
    total = this.value("amount", counties, model.tasks) + beside
    cells = [_blank(this.value("amount", counties, [task])) for task in model.tasks]
    cells.append(amount_text(total))
    if len(model.columns) > 1:
        before = model.columns[1].value("amount", counties, model.tasks) + beside
        cells.append(signed_change(total - before))
    cells += _last_year_cells(model, counties, total)
    residents = model.heads()
    if heads is not None and residents is not None:
        cells.append(heads.text(total, sum((residents[c] for c in counties), Fraction(0))))
    for metric in model.solution.scenario.programme.metrics:
        cells.append(plain(this.value(metric, counties, model.tasks), 1))
    return tuple(cells)


def _last_year_cells(model: PageModel, counties: Sequence[int], total: Fraction) -> list[str]:
    last = model.solution.scenario.last_year
    if last is None:
        return []
    codes = [model.solution.scenario.programme.counties.ids[county] for county in counties]
    if len(codes) == len(model.counties):
        return [amount_text(last.total), signed_change(total - last.total)]
    known = [last.by_county[code] for code in codes if code in last.by_county]
    if not known:
        return [model.words("page.not-known"), "-"]
    before = sum(known, Fraction(0))
    return [amount_text(before), signed_change(total - before)]


def _blank(amount: Fraction) -> str:
    return amount_text(amount) if amount else "-"


def _sum_row(
    model: PageModel, kind: str, name: str, of: tuple[Sequence[int], PerHead | None]
) -> CountyRow:
    counties, heads = of
    if kind == "sub":
        label = model.words("page.subtotal", name=name)
        return CountyRow(kind, label, _cells(model, counties, heads))
    inside = model.this.value("amount", counties, model.tasks)
    cells = _cells(model, counties, heads, model.this.shown.audit.spent - inside)
    return CountyRow(kind, name, cells)


def _county_row(model: PageModel, county: int, heads: PerHead | None) -> CountyRow:
    marks = [
        mark
        for mark, group in zip(MARKS, model.labels.highlight, strict=False)
        if county in model.selected(group.where)[0]
    ]
    cells = _cells(model, [county], heads)
    name = model.county_name(county)
    return CountyRow("county", name, cells, "".join(marks), _search(model, county))


def _search(model: PageModel, county: int) -> str:
    """Code, both names and the groups of a county."""
    programme, labels = model.solution.scenario.programme, model.labels
    table = programme.counties
    said = [table.ids[county], table.names("zh")[county], table.names("en")[county]]
    for column in (labels.subtotal, labels.group_by):
        if column is not None:
            item = (column, value_text(table.values(column)[county]))
            said.append(value_name(programme, labels, item, model.words.lang))
    shown = model.county_name(county)
    return " ".join(dict.fromkeys(text for text in said if text != shown))


def _outside_rows(model: PageModel, width: int) -> list[CountyRow]:
    """Places outside the grid: money without a task."""
    tasks = len(model.tasks)
    return [
        CountyRow(
            "outside",
            name,
            (*["-"] * tasks, amount_text(amount), *[""] * (width - tasks - 1)),
            search=code,
        )
        for code, name, amount in model.this.allocation.outside
    ]
