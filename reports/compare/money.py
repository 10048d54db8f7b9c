"""Money of all columns by task and by group, and which counties gain and lose most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from optimizer.compare import Column
from optimizer.compare.rows import outside_of
from reports.compare.board import Board, lower, signed
from reports.numbers import places_for, plain
from reports.page.sheet import amount_text

Row = tuple[str, list[Fraction | None]]
"""(name, money in each column; None where it has no allocation)."""


def sums(board: Board) -> list[tuple[str, list[Row]]]:
    """(what it is by, its rows with the total last): by task, then by each grouping."""
    world, words = board.compared.world, board.words
    every = (range(len(world.counties)), range(len(world.tasks)))
    closing = [*_outside(board), _total(board)]
    by_task = [(board.task(t), _sum(board, (every[0], [t]))) for t in every[1]]
    found = [(words("column.task"), [*by_task, *closing])]
    for level in range(len(world.groupings)):
        rows = [
            (name, _sum(board, (members, every[1])))
            for name, members in board.groups(level).items()
        ]
        found.append((board.grouping(level), [*rows, *closing]))
    return found


def _sum(board: Board, block: tuple[Iterable[int], Iterable[int]]) -> list[Fraction | None]:
    counties, tasks = list(block[0]), list(block[1])
    return [
        None
        if one.reads is None
        else Fraction(sum(one.reads.money[c, t] for c in counties for t in tasks))
        for one in board.compared.columns
    ]


def _outside(board: Board) -> list[Row]:
    """One row for all places outside the grid, where a column has any."""
    columns = board.compared.columns
    if not any(outside_of(one) for one in columns):
        return []
    amounts = [
        None
        if one.reads is None
        else sum((money for _, money in outside_of(one).values()), Fraction(0))
        for one in columns
    ]
    return [(board.words("compare.outside"), amounts)]


def _total(board: Board) -> Row:
    columns = board.compared.columns
    spent = [None if one.reads is None else one.reads.audit.spent for one in columns]
    return board.words("total"), spent


def per_resident(board: Board) -> tuple[str, list[tuple[str, list[str]]]] | None:
    """(title, rows of money per so many residents by the first grouping, the whole last).

    None where the programme names no residents, or nothing to add up by.
    """
    world = board.compared.world
    heads = [county.heads for county in world.counties]
    mine = board.compared.reference.scenario.budget
    known = sum((head for head in heads if head is not None), Fraction(0))
    if not known or not world.groupings:
        return None
    scale = int(10 ** places_for(Fraction(mine) / known, 2))
    named = world.labels.column(str(world.labels.residents), board.lang)
    per = board.words("unit.per", scale=plain(scale), head=named)
    rows = {**board.groups(0), board.words("total"): list(range(len(heads)))}
    title = board.words("compare.per-head", by=lower(board.grouping(0)), per=per, money=board.money)
    return title, [(name, _each(board, members, scale)) for name, members in rows.items()]


def _each(board: Board, members: Sequence[int], scale: int) -> list[str]:
    """Money per resident of some counties in each column."""
    heads = [board.compared.world.counties[at].heads for at in members]
    known = [at for at, head in zip(members, heads, strict=True) if head is not None]
    total = sum((head for head in heads if head is not None), Fraction(0))
    tasks = range(len(board.compared.world.tasks))
    sums_ = _sum(board, (known, tasks))
    return [
        "-" if money is None or not total else plain(money * scale / total, 1) for money in sums_
    ]


def moves(board: Board, column: Column, most: int) -> list[str]:
    """How much moves in a column, and which counties gain and lose most; [] without allocation."""
    words, compared = board.words, board.compared
    row = next(one for one in compared.moved_rows if one.column == column.name)
    if row.moved is None:
        return []
    letter = board.letter(column)
    if not row.moved:
        return [words("compare.moves.none", letter=letter)]
    said = words(
        "compare.moves",
        letter=letter,
        moved=amount_text(row.moved),
        money=board.money,
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
            said += words(key, counties=_named(board, listed, changes))
    return [said]


def _named(board: Board, listed: Sequence[int], changes: Sequence[Fraction]) -> str:
    pairs = [
        board.words("compare.move", county=board.county(at), change=signed(changes[at]))
        for at in listed
    ]
    return board.words("list").join(pairs)
