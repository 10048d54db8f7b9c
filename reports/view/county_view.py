"""The table of counties: money in every column, and each county opened to what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.metadata import value_name
from models.programme import Metric
from models.selection import rows_where
from optimizer.compare import Column
from reports.numbers import amount_text, plain, signed_change
from reports.view.allocation_view import MARKS
from reports.view.comparison_view import ComparisonView, difference_text
from reports.view.page_model import by_county


@dataclass(frozen=True)
class MoneyCell:
    """Money of one column, and what it is more or less than the reference's."""

    column: int
    """Position of the column."""
    money: str
    change: str = ""


@dataclass(frozen=True)
class Behind:
    """One column of one county, opened."""

    column: int
    letter: str
    money: str
    change: str
    tasks: str
    """Which tasks get how much."""
    outcomes: tuple[str, ...]
    """Of the county, by the column's own response."""
    rules: str
    """The rules that bind for it, or are broken."""
    province: tuple[str, ...]
    """What the whole grid gains or loses of each metric in this column."""


@dataclass(frozen=True)
class ComparedCounty:
    """One county in all columns."""

    name: str
    mark: str
    search: str
    cells: tuple[MoneyCell, ...]
    behind: tuple[Behind, ...]
    opened: bool


@dataclass(frozen=True)
class ComparedCounties:
    """All counties, with the total above them."""

    rows: tuple[ComparedCounty, ...]
    total: tuple[MoneyCell, ...]
    legend: tuple[str, ...]
    metrics: tuple[str, ...]


def county_table(view: ComparisonView, opened: Sequence[int] = ()) -> ComparedCounties:
    """Every county of the common grid in its order; those in `opened` lie open."""
    compared = view.compared
    marked = _marked(view)
    rows = _Rows(view)
    listed = [
        ComparedCounty(
            name=view.county(at),
            mark=marked.get(at, ""),
            search=_search(view, at),
            cells=tuple(rows.cells(at)),
            behind=tuple(rows.behind(at)),
            opened=at in opened,
        )
        for at in range(len(compared.world.counties))
    ]
    legend = [
        view.words("page.mark", mark=mark, title=title)
        for mark, (title, _) in zip(MARKS, view.highlights(), strict=False)
    ]
    metrics = tuple(metric.title.of(view.lang) for metric in compared.world.metrics)
    return ComparedCounties(tuple(listed), tuple(rows.total()), tuple(legend), metrics)


class _Rows:
    """Rows of counties; what is the same for all of them is worked out once."""

    def __init__(self, view: ComparisonView) -> None:
        self._board, self._compared = view, view.compared
        self._counted: dict[tuple[str, str], Sequence[Fraction | int]] = {}
        self._changes = {one.name: self._compared.changes(one) for one in self._compared.columns}
        self._bound = {one.name: view.binding(one)[1] for one in self._compared.columns}
        self._province = {
            one.name: tuple(
                "" if one is self._compared.reference else difference_text(view, row)
                for row in self._compared.outcome_rows
                if row.column == one.name
            )
            for one in self._compared.columns
        }

    def cells(self, at: int) -> list[MoneyCell]:
        found = []
        for number, one in enumerate(self._compared.columns):
            if one.reads is None:
                found.append(MoneyCell(number, "-"))
                continue
            money = Fraction(sum(one.reads.money[at].tolist()))
            found.append(MoneyCell(number, amount_text(money), self._change(one, at)))
        return found

    def total(self) -> list[MoneyCell]:
        mine = self._compared.reference.reads
        found = []
        for number, one in enumerate(self._compared.columns):
            spent = one.reads.audit.spent if one.reads else None
            change = ""
            if spent is not None and mine is not None and one is not self._compared.reference:
                change = signed_change(spent - mine.audit.spent)
            found.append(MoneyCell(number, "-" if spent is None else amount_text(spent), change))
        return found

    def behind(self, at: int) -> list[Behind]:
        code = self._compared.world.counties[at].code
        rows = zip(self._compared.columns, self.cells(at), strict=True)
        return [
            Behind(
                column=cell.column,
                letter=self._board.letter(one),
                money=cell.money,
                change=cell.change,
                tasks=self._tasks(one, at),
                outcomes=self._outcomes(one, at),
                rules=self._board.words("list").join(self._bound[one.name].get(code, [])),
                province=self._province[one.name],
            )
            for one, cell in rows
        ]

    def _change(self, column: Column, at: int) -> str:
        if column is self._compared.reference or self._compared.reference.reads is None:
            return ""
        return signed_change(self._changes[column.name][at])

    def _tasks(self, column: Column, at: int) -> str:
        if column.reads is None:
            return ""
        amounts = column.reads.money[at].tolist()
        said = [
            self._board.words(
                "compare.move", county=self._board.task(task), change=amount_text(amount)
            )
            for task, amount in enumerate(amounts)
            if amount
        ]
        return self._board.words("list").join(said)

    def _outcomes(self, column: Column, at: int) -> tuple[str, ...]:
        """What the county's money brings by the column's own response."""
        world, reads = self._compared.world, column.reads
        programme = column.scenario.programme
        row = programme.counties.index.get(world.counties[at].code)
        if reads is None or row is None:
            return tuple("-" for _ in world.metrics)
        return tuple(
            self._counted_in(column, metric, row) if metric.id in programme.metrics else "-"
            for metric in world.metrics
        )

    def _counted_in(self, column: Column, metric: Metric, county: int) -> str:
        """What a county yields in a column, as papers show it."""
        key = column.name, metric.id
        if key not in self._counted and column.reads is not None:
            self._counted[key] = metric.parts(by_county(column.reads.reading, metric.id))
        return plain(Fraction(self._counted[key][county]), 0 if metric.whole else 1)


def _marked(view: ComparisonView) -> dict[int, str]:
    """County → the marks of the highlighted groups that it is in."""
    world = view.compared.world
    found: dict[int, str] = {}
    for mark, group in zip(MARKS, world.labels.highlight, strict=False):
        for county in rows_where(world.programme.counties, group.where):
            found[county] = found.get(county, "") + mark
    return found


def _search(view: ComparisonView, at: int) -> str:
    """Code, both names and the groups of a county, as far as they are not its shown name."""
    world = view.compared.world
    county = world.counties[at]
    said = [county.code, county.name.zh, county.name.en]
    for column, value in zip(world.groupings, county.groups, strict=True):
        said.append(value_name(world.programme, world.labels, (column, value), view.lang))
    return " ".join(text for text in dict.fromkeys(said) if text != view.county(at))
