"""Tables of a comparison: outcomes, money, prices of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.shadow_price import RulePrice
from optimizer.compare import Column
from optimizer.compare.columns import Reads
from optimizer.compare.rows import outside_of
from optimizer.compare.who_moves import ColumnMovers
from reports.document import Grid
from reports.documents.price_list import PriceWords
from reports.numbers import (
    amount_text,
    counted,
    lower,
    percent,
    places_for,
    plain,
    signed_change,
    signed_figures,
)
from reports.view.comparison_view import ComparisonView, difference_text
from reports.view.mover_table import MoverTable
from reports.view.rule_view import per_heads

# The outcomes of all columns: value, difference with its mark, the reference's reading of it.


@dataclass(frozen=True)
class OutcomeCell:
    """One figure of one column."""

    text: str
    change: str = ""
    """The difference from the reference, with its mark."""
    beside: str = ""
    """The same money by the reference's response, where that is another."""


@dataclass(frozen=True)
class OutcomeLine:
    """One line."""

    title: str
    cells: tuple[OutcomeCell, ...]
    kind: str = ""
    """`metric` for what is counted."""
    target: str = ""


def outcome_rows(view: ComparisonView) -> list[OutcomeLine]:
    """Metrics first, then shares, money, spread, rules, and last the index that weighs them."""
    words, compared = view.words, view.compared
    rows = [_metric(view, metric.id) for metric in compared.world.metrics]
    for title, shares in view.highlights():
        cells = [OutcomeCell("-" if share is None else percent(share, 1)) for share in shares]
        rows.append(OutcomeLine(words("row.highlight", title=title), tuple(cells)))
    rows.append(_row(view, "row.spent", lambda reads: amount_text(reads.audit.spent)))
    rows.append(_moved(view))
    if any(one.reads and one.reads.gini is not None for one in compared.columns):
        rows.append(
            _row(view, "compare.gini", lambda r: "-" if r.gini is None else plain(r.gini, 3))
        )
    rows.append(_row(view, "row.broken", lambda reads: _broken(view, reads)))
    if not compared.world.metrics:  # Nothing is worth points.
        return rows
    rows.append(
        _row(view, "compare.worth", lambda r: "-" if r.worth is None else plain(r.worth, 4))
    )
    rows.append(_row(view, "compare.own-index", lambda reads: plain(reads.objective, 4)))
    return rows


def _row(view: ComparisonView, key: str, read: Callable[[Reads], str]) -> OutcomeLine:
    columns = view.compared.columns
    cells = [OutcomeCell("-" if one.reads is None else read(one.reads)) for one in columns]
    return OutcomeLine(view.words(key), tuple(cells))


def _broken(view: ComparisonView, reads: Reads) -> str:
    count = len(reads.audit.broken_rules)
    return plain(count) if count else view.words("none")


def _metric(view: ComparisonView, name: str) -> OutcomeLine:
    words, compared = view.words, view.compared
    metric = next(one for one in compared.world.metrics if one.id == name)
    found = {row.column: row for row in compared.outcome_rows if row.metric == name}
    cells = []
    for one in compared.columns:
        row = found[one.name]
        if row.value is None:
            cells.append(OutcomeCell("-"))
            continue
        change = "" if one is compared.reference else difference_text(view, row)
        beside = ""
        if _has_other_reading(view, one) and row.by_reference is not None:
            beside = counted(metric, row.by_reference)
        cells.append(OutcomeCell(counted(metric, row.value, metric.target), change, beside))
    title = words("metric", title=metric.title.of(view.lang), unit=metric.unit.of(view.lang))
    target = "" if metric.target is None else plain(metric.target)
    return OutcomeLine(title, tuple(cells), "metric", target)


def _has_other_reading(view: ComparisonView, column: Column) -> bool:
    return column is not view.compared.reference and view.compared.has_other_response(column)


def _moved(view: ComparisonView) -> OutcomeLine:
    rows = {row.column: row for row in view.compared.moved_rows}
    cells = []
    for one in view.compared.columns:
        row = rows.get(one.name)
        if row is None or row.moved is None:
            cells.append(OutcomeCell("" if row is None else "-"))
            continue
        cells.append(OutcomeCell(amount_text(row.moved), view.mark(row.mark)))
    return OutcomeLine(view.words("compare.moved"), tuple(cells))


# Money of all columns by task and by group, and which counties gain and lose most.


Row = tuple[str, list[Fraction | None]]
"""(name, money in each column; None where it has no allocation)."""


def sums(view: ComparisonView) -> list[tuple[str, list[Row]]]:
    """(what it is by, its rows with the total last): by task, then by each grouping."""
    world, words = view.compared.world, view.words
    every = (range(len(world.counties)), range(len(world.tasks)))
    closing = [*_outside(view), _total(view)]
    by_task = [(view.task(t), _sum(view, (every[0], [t]))) for t in every[1]]
    found = [(words("column.task"), [*by_task, *closing])]
    for level in range(len(world.groupings)):
        rows = [
            (name, _sum(view, (members, every[1]))) for name, members in view.groups(level).items()
        ]
        found.append((view.grouping(level), [*rows, *closing]))
    return found


def _sum(view: ComparisonView, block: tuple[Iterable[int], Iterable[int]]) -> list[Fraction | None]:
    counties, tasks = list(block[0]), list(block[1])
    return [
        None
        if one.reads is None
        else Fraction(sum(one.reads.money[c, t] for c in counties for t in tasks))
        for one in view.compared.columns
    ]


def _outside(view: ComparisonView) -> list[Row]:
    """One row for all places outside the grid, where a column has any."""
    columns = view.compared.columns
    if not any(outside_of(one) for one in columns):
        return []
    amounts = [
        None
        if one.reads is None
        else sum((money for _, money in outside_of(one).values()), Fraction(0))
        for one in columns
    ]
    return [(view.words("compare.outside"), amounts)]


def _total(view: ComparisonView) -> Row:
    columns = view.compared.columns
    spent = [None if one.reads is None else one.reads.audit.spent for one in columns]
    return view.words("total"), spent


def per_resident(view: ComparisonView) -> tuple[str, list[tuple[str, list[str]]]] | None:
    """(title, rows of money per so many residents by the first grouping, the whole last).

    None where the programme names no residents, or nothing to add up by.
    """
    world = view.compared.world
    heads = [county.heads for county in world.counties]
    mine = view.compared.reference.scenario.budget
    known = sum((head for head in heads if head is not None), Fraction(0))
    if not known or not world.groupings:
        return None
    scale = int(10 ** places_for(Fraction(mine) / known, 2))
    named = world.labels.column(str(world.labels.residents), view.lang)
    per = per_heads(view.words, scale, named)
    rows = {**view.groups(0), view.words("total"): list(range(len(heads)))}
    title = view.words("compare.per-head", by=lower(view.grouping(0)), per=per, money=view.money)
    return title, [(name, _each(view, members, scale)) for name, members in rows.items()]


def _each(view: ComparisonView, members: Sequence[int], scale: int) -> list[str]:
    """Money per resident of some counties in each column."""
    heads = [view.compared.world.counties[at].heads for at in members]
    known = [at for at, head in zip(members, heads, strict=True) if head is not None]
    total = sum((head for head in heads if head is not None), Fraction(0))
    tasks = range(len(view.compared.world.tasks))
    sums_ = _sum(view, (known, tasks))
    return [
        "-" if money is None or not total else plain(money * scale / total, 1) for money in sums_
    ]


def moves(view: ComparisonView, column: Column, most: int) -> list[str]:
    """How much moves in a column, and which counties gain and lose most; [] without allocation."""
    words, compared = view.words, view.compared
    row = next(one for one in compared.moved_rows if one.column == column.name)
    if row.moved is None:
        return []
    letter = view.letter(column)
    if not row.moved:
        return [words("compare.moves.none", letter=letter)]
    said = words(
        "compare.moves",
        letter=letter,
        moved=amount_text(row.moved),
        money=view.money,
        gaining=plain(row.gaining),
        losing=plain(row.losing),
    )
    if row.mark == "tie":
        said += words("compare.moves.tie")
    changes = compared.changes(column)
    order = sorted(range(len(changes)), key=lambda at: (-changes[at], at))
    gain = [at for at in order[:most] if changes[at] > 0]
    lose = [at for at in reversed(order[-most:]) if changes[at] < 0]
    for key, listed in (("compare.moves.most", gain), ("compare.moves.least", lose)):
        if listed:
            said += words(key, counties=_named(view, listed, changes))
    return [said]


def _named(view: ComparisonView, listed: Sequence[int], changes: Sequence[Fraction]) -> str:
    pairs = [
        view.words("compare.move", county=view.county(at), change=signed_change(changes[at]))
        for at in listed
    ]
    return view.words("list").join(pairs)


# What a step of each rule's number is worth, column by column.


@dataclass(frozen=True)
class PriceCell:
    """One rule in one column."""

    points: str
    """Change of the column's own index; what is said instead where there is none."""
    step: str = ""
    """The number before and after the step."""
    metrics: str = ""
    """What the step does to each metric that it changes."""


@dataclass(frozen=True)
class PriceRow:
    """One rule that is worth anything in some column."""

    title: str
    cells: tuple[PriceCell, ...]


def price_rows(view: ComparisonView) -> list[PriceRow]:
    """The rules with a price in any column, in the order of the rules; [] where none was made."""
    columns = view.compared.columns
    prices = {one.name: _prices(one) for one in columns}
    names = dict.fromkeys(row.rule for row in view.compared.rule_rows)
    found = []
    for name in names:
        mine = [prices[one.name].get(name) for one in columns]
        if any(one is not None and (one.points or not one.kept) for one in mine):
            cells = [_cell(view, *pair) for pair in zip(columns, mine, strict=True)]
            found.append(PriceRow(view.rule_title(name), tuple(cells)))
    return found


def _prices(column: Column) -> dict[str, RulePrice]:
    solution = column.solution
    return {} if solution is None else {one.rule: one for one in solution.prices}


def _cell(view: ComparisonView, column: Column, price: RulePrice | None) -> PriceCell:
    if price is None:
        return PriceCell("-")
    step = PriceWords(view.rule_view(column)).step(price)
    if not price.kept:
        return PriceCell(view.words("prices.none"), step)
    said = [
        view.words(
            "prices.metric",
            title=metric.title.of(view.lang),
            change=signed_figures(price.metrics[metric.id]),
            unit="",
        ).strip()
        for metric in column.scenario.programme.file.metrics
        if price.metrics[metric.id]
    ]
    return PriceCell(signed_figures(price.points), step, view.words("list").join(said))


# Who gains and loses most in the solved columns, and why.


def compared_grids(view: ComparisonView) -> list[Grid]:
    """The counties that gain and lose most in each solved column."""
    found = []
    for one in view.compared.who_moves:
        now, why = view.letter(one.column), one.column.scenario.spec.objective.has_points
        title = view.words("compare.most-moved", letter=now, title=_against(view, one))
        table = MoverTable(view.rule_view(one.column), (_against(view, one), now), why)
        found.append(table.grid(title, one.movers))
    return found


def _against(view: ComparisonView, one: ColumnMovers) -> str:
    if one.against is not None:
        return view.letter(one.against)
    return view.words("page.last-year" if one.last_year else "column.baseline")
