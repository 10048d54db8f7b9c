"""Which assumption decides: each moved down and up, ranked by its effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Unpack

from models.errors import Problems, did_you_mean, refuse, with_keywords
from models.scenario import Scenario
from models.strict_yaml import Text
from optimizer.study.assumed_numbers import Assumption, assumed_numbers, looked_up
from optimizer.study.assumption_table import share_within
from optimizer.study.design import Paths
from optimizer.study.grid import RELAXED
from optimizer.study.runner import How, HowChanges, Mapped, Watch, map_scenarios
from optimizer.study.study_result import Result, Study, Value, as_value, metric_columns, reasons_of

if TYPE_CHECKING:
    import pandas as pd


_FIRST = ("rank", "path", "side", "now", "value")
_LAST = ("moved", "told_apart", "range", "status", "why")
DEFAULTED = Text(
    zh="没有写明范围的数一律上下各10%，这个幅度本身是测算假定。",
    en="A number without a stated range is moved by 10 % each way, which is itself an assumption.",
)
TIERS = Text(
    zh="效益分档直接给定（tiers.csv），未作变动；它也是假定，影响可能比下列各项都大。",
    en=(
        "The tiers are given as they are (tiers.csv) and were not moved; they are assumptions too, "
        "and may decide more than all of these."
    ),
)
HELD = Text(
    zh="改动效益常数时，κ 保持不变，不重新反推。",
    en="Where a constant of the response moves, kappa stays and is not fitted anew.",
)


@with_keywords(*HowChanges.__annotations__)
def tornado(
    scenario: Scenario,
    *,
    by: str = "worth",
    within: str | None = None,
    paths: Sequence[str] = (),
    watch: Watch | None = None,
    **how: Unpack[HowChanges],
) -> pd.DataFrame:
    """Each assumption of the scenario moved to the two ends of its range: a tidy frame.

    Two rows an assumption, down then up, ranked by the larger effect on `by`: worth, moved, or a
    metric; first come those that at one end leave no allocation at all. An assumption's range is
    that of its rule (`range:`), else of its source in sources.yaml, else ten percent each way;
    `range` says which. `within`: so far each way instead, `20%`, for all of them. `paths`: only
    these, each a path or a pattern with `*` for anything. Moved are the constants of the response
    formula with kappa, the lot, and the numbers in bounds that are assumptions.

    Columns: `rank`; `path`; `side` (down, up); `now` and `value` of the number; `worth` and one
    for each metric: the *difference* from the unchanged scenario, worth by its yardstick; `moved`,
    money units that stand elsewhere; `told_apart`: the difference in worth is more than the gaps
    of the two solves could explain; `range`; `status`, `why`. `attrs["unchanged"]` has the
    figures of the unchanged scenario, `attrs["notes"]` what else is to be said.

    The other keywords are the fields of `How`: `relax=True` for a quick look. Raises `InputError`
    for a `by` that is none of these, a path that is no assumption (the nearest is named), a share
    that is none, and for a store of another study.
    """
    study = tornado_study(scenario, by=by, within=within, paths=paths, watch=watch, **how)
    return study.frame()


def tornado_study(
    scenario: Scenario,
    *,
    by: str = "worth",
    within: str | None = None,
    paths: Sequence[str] = (),
    watch: Watch | None = None,
    **how: Unpack[HowChanges],
) -> Study:
    """`tornado`, as plain rows; with a store, `tornado.csv` is written into it."""
    known = ("worth", "moved", *scenario.programme.metrics)
    if by not in known:
        refuse("", "by", f"'{by}' is none of {', '.join(known)}")
    known_paths = Paths(scenario)
    moved = _chosen(scenario, assumed_numbers(scenario, known_paths, share_within(within)), paths)
    points = [((one.path, value),) for one in moved for value in (one.low, one.high)]
    notes = _notes(scenario, known_paths, moved, How(**how).relax)

    def table(mapped: Mapped) -> Study:
        ranked = _ranked(moved, mapped, by)
        return _study(scenario, ranked, mapped.unchanged, notes)

    mapped = map_scenarios(
        scenario,
        points,
        watch=watch,
        keep=lambda store, found: store.write("tornado.csv", table(found).csv()),
        **how,
    )
    return table(mapped)


def _chosen(
    scenario: Scenario, moved: list[Assumption], patterns: Sequence[str]
) -> list[Assumption]:
    """The assumptions that a pattern names, or all; raises `InputError` for one that names none."""
    if not patterns:
        return moved
    problems, known = Problems(), [one.path for one in moved]
    for pattern in patterns:
        if not any(fnmatchcase(path, pattern) for path in known):
            near = did_you_mean(pattern, known)
            problems.add("", pattern, f"there is no such assumption in {scenario.name}{near}")
    problems.raise_if_any()
    return [one for one in moved if any(fnmatchcase(one.path, each) for each in patterns)]


Pair = tuple[Assumption, tuple[Result, Result]]


def _ranked(moved: Sequence[Assumption], mapped: Mapped, by: str) -> list[Pair]:
    results = mapped.results
    pairs = [(one, (results[2 * n], results[2 * n + 1])) for n, one in enumerate(moved)]

    def swing(pair: Pair) -> float:
        effects = [_effect(result, mapped.unchanged, by) for result in pair[1]]
        if mapped.unchanged.worth is not None and None in effects:
            return math.inf
        return max((abs(effect) for effect in effects if effect is not None), default=0.0)

    return sorted(pairs, key=lambda pair: (-swing(pair), pair[0].path))


def _effect(result: Result, unchanged: Result, name: str) -> float | None:
    """The difference from the unchanged scenario; of money, what moved."""
    if name == "moved":
        return result.moved
    now, before = _figure(result, name), _figure(unchanged, name)
    return None if now is None or before is None else now - before


def _figure(result: Result, name: str) -> float | None:
    return result.worth if name == "worth" else result.outcomes.get(name)


def _study(
    scenario: Scenario, ranked: Sequence[Pair], unchanged: Result, notes: tuple[Text, ...]
) -> Study:
    metrics = metric_columns(scenario.programme.metrics, (*_FIRST, "worth", *_LAST))
    rows = [
        _row(rank, pair, side, unchanged)
        for rank, pair in enumerate(ranked, start=1)
        for side in (0, 1)
    ]
    columns = (*_FIRST, "worth", *metrics.values(), *_LAST)
    names = (*_FIRST, "worth", *metrics, *_LAST)
    table = tuple(tuple(row.get(name) for name in names) for row in rows)
    figures = {column: unchanged.outcomes.get(name) for name, column in metrics.items()}
    before = {"status": unchanged.status, "worth": unchanged.worth, **figures}
    reasons = reasons_of(result for _, results in ranked for result in results)
    return Study("tornado", scenario.name, columns, table, before, notes, reasons)


def _row(rank: int, pair: Pair, side: int, unchanged: Result) -> dict[str, Value]:
    one, results = pair
    result = results[side]
    return {
        "rank": rank,
        "path": one.path,
        "side": ("down", "up")[side],
        "now": as_value(one.now),
        "value": as_value((one.low, one.high)[side]),
        "worth": _effect(result, unchanged, "worth"),
        **{name: _effect(result, unchanged, name) for name in result.outcomes},
        "moved": result.moved,
        "told_apart": _told_apart(result, unchanged),
        "range": one.stated or "default",
        "status": result.status,
        "why": result.why,
    }


def _told_apart(result: Result, unchanged: Result) -> bool | None:
    """Whether the difference in worth is more than both gaps together."""
    effect = _effect(result, unchanged, "worth")
    if effect is None:
        return None
    rooms = [(one.gap or 0.0) * abs(one.worth or 0.0) for one in (result, unchanged)]
    return abs(effect) > sum(rooms) + 1e-9


def _notes(
    scenario: Scenario, paths: Paths, moved: Sequence[Assumption], relax: bool
) -> tuple[Text, ...]:
    notes = [RELAXED] if relax else []
    if any(not one.stated for one in moved):
        notes.append(DEFAULTED)
    if any(one.path.startswith("response.") for one in moved):
        notes.append(HELD)
    elif scenario.programme.file.response is not None:
        notes.append(
            Text(
                zh="所用效益分档表与 response.yaml 算得的不同，故效益常数未作改动。",
                en="The tiers in use are not those of response.yaml, so its constants stay.",
            )
        )
    else:
        notes.append(TIERS)
    if names := looked_up(scenario, paths):
        listed = ", ".join(names)
        notes.append(
            Text(
                zh=f"取自表中一列、不是单个数而未改动的假定：{listed}",
                en=f"Assumed bounds that stand in a column, and so were not moved: {listed}",
            )
        )
    return tuple(notes)
