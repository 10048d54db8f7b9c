"""Scenarios, records, baselines and tables side by side: `compare`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from models.errors import with_keywords
from optimizer.compare.columns import (
    Asked,
    Column,
    ColumnRequest,
    Watch,
    column_of,
    cost_of_rules,
    read_asked,
    reference_at,
    solve_asked,
    yardstick,
)
from optimizer.compare.common_grid import common_grid
from optimizer.compare.comparison_result import Compared
from optimizer.solve import OptionChanges, Options


@with_keywords(*OptionChanges.__annotations__)
def compare(
    columns: Sequence[Asked],
    *,
    reference: int | str = 0,
    layers: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    **options: Unpack[OptionChanges],
) -> Compared:
    """Scenarios, solutions, records, baselines and tables side by side.

    A column is the text of a scenario (`base-2020.yaml@strict-tilt`), a loaded `Scenario`, a
    `Solution`, the folder of a record, `baseline:KIND` (factor, equal, per-resident, greedy, own,
    repaired), or a table of money (.csv, .xlsx); baselines and tables are read under the first
    scenario. `reference` is the position or the name of the column that differences are taken
    from. `layers` are keywords of `load` (`set_`, `with_`, `rules`) for the scenarios among the
    texts; `options` those of `solve`. A scenario whose rules are in conflict has its column with
    the reason.

    Raises `InputError` with the problems of all columns before anything is solved.
    """
    asks = read_asked(columns, layers)
    at = reference_at(asks, reference)
    return side_by_side(asks, at, replace(Options(repaired=False), **options), watch)


def side_by_side(
    asks: Sequence[ColumnRequest], at: int, options: Options, watch: Watch | None = None
) -> Compared:
    """`compare` of columns that are read already; `at` is the position of the reference."""
    began = time.monotonic()
    main = asks[at]
    world = common_grid({ask.name: ask.scenario.programme for ask in asks}, main.name)
    found = solve_asked(asks, options, watch)
    common = (main.scenario, yardstick(main.scenario, found.get(at)))
    listed = tuple(column_of(ask, found.get(n), world, common) for n, ask in enumerate(asks))
    return Compared(listed, at, world, time.monotonic() - began)


__all__ = ["Asked", "Column", "Compared", "compare", "cost_of_rules"]
