"""The columns and links of the cells: money, tiers, funded or not, tiers in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.formulation.model import Builder, Columns, Floats, Ints, Names


@dataclass(frozen=True)
class CellData:
    """What the links of the cells need; arrays over cells = county × tasks + task."""

    shape: tuple[int, int]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    """Ids of the counties and of the tasks."""
    width: Floats
    """[cell, tier] money units, 0 where there is no tier."""
    lower: Floats
    upper: Floats
    """Bounds of the money of each cell."""
    lot: Floats
    ordered: NDArray[np.bool_]
    """Cells whose tiers must fill in their order, against the solver's interest."""
    funded: bool
    """Whether the model needs to know which cells are funded."""


def add_cells(builder: Builder, data: CellData) -> Columns:
    """Append the columns of all cells and the rows that link them."""
    cells = len(data.upper)
    label = _labels(data)
    county = np.repeat(np.arange(data.shape[0]), data.shape[1])
    amount = builder.add_columns(
        cells, data.upper, _named("x", label), county=county, lower=data.lower
    )
    tier_cell, tier_number = np.nonzero(data.width > 0)
    # A tier holds no more than the cell may once the tiers before it are full.
    reach = np.clip(data.upper[:, None] - (data.width.cumsum(axis=1) - data.width), 0.0, None)
    room = np.minimum(data.width, reach)[tier_cell, tier_number]
    tier = builder.add_columns(
        len(tier_cell),
        room,
        _tier_names(label, tier_cell, tier_number),
        county=county[tier_cell],
    )
    funded = None
    if data.funded:
        funded = builder.add_columns(
            cells,
            np.where(data.upper > 0, 1.0, 0.0),
            _named("funded", label),
            county=county,
            lower=np.where(data.lower > 0, 1.0, 0.0),
            integer=True,
        )
    grid = Columns(data.shape, amount, funded, tier, tier_cell, tier_number)
    over = _add_fill(builder, data, grid, label)
    if funded is not None:
        _add_funded(builder, data, grid, (room, label))
    _add_order(builder, data, grid, (over, room))
    return grid


def _add_fill(builder: Builder, data: CellData, grid: Columns, label: Names) -> Ints:
    """x ≥ Σ tiers; where tiers are ordered, x = Σ tiers + what lies above the last one.

    The column of what lies above the last tier, [cell]; −1 where there is none.
    """
    cells = len(data.upper)
    above = data.upper - data.width.sum(axis=1)
    spilling = np.flatnonzero(data.ordered & (above > 0))
    columns = builder.add_columns(
        len(spilling),
        above[spilling],
        lambda: [f"above[{label()[c]}]" for c in spilling.tolist()],
        county=spilling // data.shape[1],
    )
    builder.add_rows(
        (0.0, np.where(data.ordered, 0.0, np.inf)),
        [
            (np.arange(cells), grid.amount, 1.0),
            (grid.tier_cell, grid.tier, -1.0),
            (spilling, columns, -1.0),
        ],
        cells,
        _named("tiers", label),
    )
    over = np.full(cells, -1, dtype=np.int64)
    over[spilling] = columns
    return over


def _add_funded(
    builder: Builder, data: CellData, grid: Columns, more: tuple[Floats, Names]
) -> None:
    """Tight links: each tier ≤ room × funded, lot × funded ≤ x ≤ most × funded."""
    room, label = more
    assert grid.funded is not None
    each = np.arange(len(grid.tier))
    builder.add_rows(
        (-np.inf, 0.0),
        [(each, grid.tier, 1.0), (each, grid.funded[grid.tier_cell], -room)],
        len(grid.tier),
        _tier_names(label, grid.tier_cell, grid.tier_number, "if_funded"),
    )
    cell = np.arange(len(data.upper))
    for kind, factor, bounds in (
        ("most", data.upper, (-np.inf, 0.0)),
        ("lot", data.lot, (0.0, np.inf)),
    ):
        builder.add_rows(
            bounds,
            [(cell, grid.amount, 1.0), (cell, grid.funded, -factor)],
            len(cell),
            _named(kind, label),
        )


def _add_order(builder: Builder, data: CellData, grid: Columns, more: tuple[Ints, Floats]) -> None:
    """In ordered cells a step may hold money only once the step before is full."""
    over, room = more
    before, after, cell = _steps(data, grid, over)
    if not len(before):
        return
    count = len(before)
    widths = np.zeros(builder.columns)
    widths[grid.tier] = room
    spilling = over >= 0
    widths[over[spilling]] = (data.upper - data.width.sum(axis=1))[spilling]

    def names(kind: str) -> Names:
        return lambda: [f"{kind}[{i}]" for i in range(count)]

    county = cell // data.shape[1]
    full = builder.add_columns(count, 1.0, names("full"), county=county, integer=True)
    each = np.arange(count)
    for kind, columns, bounds in (
        ("fills_first", before, (0.0, np.inf)),
        ("then_next", after, (-np.inf, 0.0)),
    ):
        builder.add_rows(
            bounds,
            [(each, columns, 1.0), (each, full, -widths[columns])],
            count,
            names(kind),
        )


def _steps(data: CellData, grid: Columns, over: Ints) -> tuple[Ints, Ints, Ints]:
    """(column, next column, cell) of neighbouring steps of ordered cells that money can reach."""
    cell = grid.tier_cell
    within = cell[1:] == cell[:-1]
    after = np.append(np.where(within, grid.tier[1:], over[cell[:-1]]), over[cell[-1:]])
    reached = data.width.cumsum(axis=1)[cell, grid.tier_number]
    kept = data.ordered[cell] & (after >= 0) & (reached < data.upper[cell])
    return grid.tier[kept], after[kept], cell[kept]


def _labels(data: CellData) -> Names:
    def spell() -> list[str]:
        counties, tasks = data.names
        return [f"{county},{task}" for county in counties for task in tasks]

    return spell


def _named(kind: str, label: Names) -> Names:
    return lambda: [f"{kind}[{name}]" for name in label()]


def _tier_names(label: Names, cell: Ints, number: Ints, kind: str = "tier") -> Names:
    def spell() -> list[str]:
        names = label()
        return [f"{kind}[{names[c]},{k + 1}]" for c, k in zip(cell, number, strict=True)]

    return spell
