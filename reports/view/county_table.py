"""The table of counties × tasks: the total first, a subtotal a group, then its counties.

Of very many counties tables of their groups, and the counties that gain and lose most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from models.exact import exact_sum
from models.metadata import value_name
from models.selection import value_text
from reports.document import Grid, Line, LineMark
from reports.numbers import amount_text, change_rate, plain, signed_change, upper
from reports.view.allocation_view import MARKS, counties_by, grouping_columns, is_large
from reports.view.page_model import PageModel, PerHead, per_head
from reports.view.rule_view import RuleView


@dataclass(frozen=True)
class CountyRow:
    """One line: a county, a subtotal, the total, or a place outside the grid."""

    kind: str
    """`total`, `sub`, `county`, `group` or `outside`."""
    name: str
    cells: tuple[str, ...]
    mark: str = ""
    search: str = ""
    """What the filter finds it by besides its name."""


@dataclass(frozen=True)
class CountyTable:
    """The table, and what its marks mean."""

    title: str
    """By what it adds up; '' where it lists the counties."""
    header: tuple[str, ...]
    rows: tuple[CountyRow, ...]
    legend: tuple[str, ...]
    tasks: int
    """So many columns after the name and the total are tasks."""


def county_tables(model: PageModel) -> list[CountyTable]:
    """Every county once, under the subtotal of its group; of very many counties the groups only, a
    table for each column that groups them."""
    scenario = model.solution.scenario
    if not is_large(scenario):
        return [_by_county(model)]
    columns = grouping_columns(scenario, model.labels)
    return [_by_group(model, column) for column in columns] or [_by_group(model, None)]


def group_grids(model: PageModel) -> list[Grid]:
    """The tables of groups as text."""
    marks: dict[str, LineMark] = {"total": "total"}
    return [
        Grid(
            table.title or model.words("page.counties"),
            table.header,
            tuple(Line((row.name, *row.cells), marks.get(row.kind, "")) for row in table.rows),
        )
        for table in county_tables(model)
    ]


def _by_county(model: PageModel) -> CountyTable:
    """Every county in the order of the programme's table within its subtotal."""
    heads = per_head(model)
    rows = [_sum_row(model, "total", model.words("total"), (model.counties, heads))]
    column = model.labels.subtotal
    for name, counties in (_groups(model, column) if column else {"": model.counties}).items():
        if name:
            named = model.words("page.subtotal", name=name)
            rows.append(_sum_row(model, "sub", named, (counties, heads)))
        rows += [_county_row(model, county, heads) for county in counties]
    rows += _outside_rows(model, len(rows[0].cells))
    legend = []
    for mark, group in zip(MARKS, model.labels.highlight, strict=False):
        title = upper(group.title.of(model.words.lang))
        legend.append(model.words("page.mark", mark=mark, title=title))
    first = upper(model.labels.column("county", model.words.lang))
    header = (first, *_header(model, heads))
    return CountyTable("", header, tuple(rows), tuple(legend), len(model.tasks))


def _by_group(model: PageModel, column: str | None) -> CountyTable:
    """The groups of counties that a column makes, each with how many counties it has."""
    heads, words = per_head(model), model.words
    groups = {words("total"): model.counties, **(_groups(model, column) if column else {})}
    rows = []
    for at, (name, counties) in enumerate(groups.items()):
        row = _sum_row(model, "group" if at else "total", name, (counties, heads))
        rows.append(replace(row, cells=(*row.cells, plain(len(counties)))))
    rows += _outside_rows(model, len(rows[0].cells))
    named = upper(model.labels.column(column or "county", words.lang))
    header = (named, *_header(model, heads), words("column.counties"))
    title = words("page.by-group", group=named, money=model.money) if column else ""
    return CountyTable(title, header, tuple(rows), (), len(model.tasks))


def _groups(model: PageModel, column: str) -> Mapping[str, Sequence[int]]:
    """Name of a value of a column → its counties."""
    return counties_by(model.solution.scenario, model.labels, column, model.words.lang)


def _header(model: PageModel, heads: PerHead | None) -> tuple[str, ...]:
    words = model.words
    metrics = model.solution.scenario.programme.file.metrics
    return (
        words("total"),
        *(model.task_name(task) for task in model.tasks),
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
    return [model.words(key) for key in ("page.last-year", "page.change", "page.rate")]


def _cells(
    model: PageModel, counties: Sequence[int], heads: PerHead | None, beside: Fraction = Fraction(0)
) -> tuple[str, ...]:
    """The figures of some counties together; `beside` is money outside the grid."""
    this = model.this
    total = this.value("amount", counties, model.tasks) + beside
    by_task = (_blank(this.value("amount", counties, [task])) for task in model.tasks)
    cells = [amount_text(total), *by_task]
    if len(model.columns) > 1:
        before = model.columns[1].value("amount", counties, model.tasks) + beside
        cells.append(signed_change(total - before))
    cells += _last_year_cells(model, counties, total)
    residents = model.heads()
    if heads is not None and residents is not None:
        cells.append(heads.text(total, exact_sum(residents[c] for c in counties)))
    for metric in model.solution.scenario.programme.file.metrics:
        cells.append(this.counted(metric, counties))
    return tuple(cells)


def _last_year_cells(model: PageModel, counties: Sequence[int], total: Fraction) -> list[str]:
    last = model.solution.scenario.last_year
    if last is None:
        return []
    before = last.of(model.solution.scenario.programme.counties.ids[county] for county in counties)
    if before is None:
        return [model.words("page.not-known"), "-", "-"]
    if len(counties) == len(model.counties):
        before = last.total
    return [amount_text(before), signed_change(total - before), change_rate(total, before)]


def _blank(amount: Fraction) -> str:
    return amount_text(amount) if amount else "-"


def _sum_row(
    model: PageModel, kind: str, name: str, of: tuple[Sequence[int], PerHead | None]
) -> CountyRow:
    counties, heads = of
    if kind != "total":
        return CountyRow(kind, name, _cells(model, counties, heads))
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
            said.append(value_in(model.view, column, county))
    shown = model.county_name(county)
    return " ".join(dict.fromkeys(text for text in said if text != shown))


def _outside_rows(model: PageModel, width: int) -> list[CountyRow]:
    """Places outside the grid: money without a task."""
    tasks = len(model.tasks)
    return [
        CountyRow(
            "outside",
            name,
            (amount_text(amount), *["-"] * tasks, *[""] * (width - tasks - 1)),
            search=code,
        )
        for code, name, amount in model.this.allocation.outside
    ]


def value_in(view: RuleView, column: str, county: int) -> str:
    """What a column says of a county, by name."""
    programme = view.scenario.programme
    item = (column, value_text(programme.counties.values(column)[county]))
    return value_name(programme, view.labels, item, view.words.lang)
