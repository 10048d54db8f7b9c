"""The grid: a scenario at every combination of some values of some paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

from models.errors import with_keywords
from models.scenario import Scenario
from models.strict_yaml import Text
from optimizer.study.design import Paths, Point, Vary, cross_product
from optimizer.study.runner import HowChanges, Mapped, Watch, map_scenarios
from optimizer.study.study_result import Result, Study, Value, as_value, metric_columns, reasons_of

if TYPE_CHECKING:
    import pandas as pd


_FIRST = ("status", "objective", "worth")
_LAST = ("spent", "moved", "bound_solver", "gap", "why")
RELAXED = Text(
    zh=(
        "按比例估算：项数、起点数只按比例计，指数是最高可能值，不是可执行的安排；"
        "同样好的安排往往不止一份，各项绩效和资金是其中一份的。"
    ),
    en=(
        "Relaxations: counts and lots hold only in proportion, so that the index is a bound and no "
        "allocation to act on. Several are often equally good; metrics and money are of one of "
        "them."
    ),
)


OFF = Text(
    zh="约束“{title}”（{rule}）在原情景中停用，改动它的数不起作用。",
    en="The rule {title} ({rule}) is switched off, so that its numbers change nothing.",
)


@with_keywords(*HowChanges.__annotations__)
def grid(
    scenario: Scenario, vary: Vary, *, watch: Watch | None = None, **how: Unpack[HowChanges]
) -> pd.DataFrame:
    """The scenario at every combination of values: a tidy frame, one row a point.

    `vary`: path → `"0.2:0.5:0.05"` (first, last, step, exact decimals), `"a,b,c"` or a list, such
    as `{"rules.deep-poverty-share.at_least.share": "0.15:0.5:0.05", "budget": [30000, 33000]}`;
    the last path changes fastest. Any rule bound, weight, `budget`, `response.…` constant,
    `calibration`, `rules.ID.enabled`.

    Columns: one for each path; `status` (optimal, feasible, infeasible, no answer, bad input,
    failed) and, last, `why` where there is no allocation; `objective` as `solve` gives it at that
    point; `worth`, the same outcomes weighed as the unchanged scenario weighs them, so that rows
    compare; one for each metric, in its unit; `spent` and `moved` in money units, `moved` being
    what stands elsewhere than in the unchanged scenario's own allocation; `bound_solver` (the
    solver's word, widened by its tolerance) and `gap` of `objective`. NaN where there is no
    allocation. `attrs["unchanged"]` has the same figures of the unchanged scenario.

    `relax=True` funds cells in part: quick, `worth` a bound of what any allocation reaches; where
    several are equally good, metrics, `spent` and `moved` are those of one of them. `workers=`,
    `dask=`, `store=` (a folder: the same study goes on where it was stopped), `gap=`,
    `time_limit=`, `solver=` are the fields of `How`. Raises `InputError` for a path that does not
    exist (the nearest is named) and for more than 10,000 points without `yes=True`.
    """
    return grid_study(scenario, vary, watch=watch, **how).frame()


def grid_study(
    scenario: Scenario, vary: Vary, *, watch: Watch | None = None, **how: Unpack[HowChanges]
) -> Study:
    """`grid`, as plain rows; with a store, `grid.csv` is written into it."""
    points = cross_product(Paths(scenario), vary, how.get("yes", False))
    relax = how.get("relax", False)

    def table(mapped: Mapped) -> Study:
        return as_study(scenario, points, mapped, relax)

    mapped = map_scenarios(
        scenario,
        points,
        watch=watch,
        keep=lambda store, found: store.write("grid.csv", table(found).csv()),
        **how,
    )
    return table(mapped)


def as_study(scenario: Scenario, points: Sequence[Point], mapped: Mapped, relax: bool) -> Study:
    """Points that all set the same paths, and their results, as a table."""
    paths = [name for name, _ in points[0]]
    metrics = metric_columns(scenario.programme.metrics, (*paths, *_FIRST, *_LAST))
    rows = [
        (*(as_value(value) for _, value in point), *figures(result, metrics).values())
        for point, result in zip(points, mapped.results, strict=True)
    ]
    columns = (*paths, *_FIRST, *metrics.values(), *_LAST)
    unchanged = figures(mapped.unchanged, metrics)
    notes = (*((RELAXED,) if relax else ()), *switched_off(scenario, paths))
    reasons = reasons_of((mapped.unchanged, *mapped.results))
    return Study("grid", scenario.name, columns, tuple(rows), unchanged, notes, reasons)


def switched_off(scenario: Scenario, names: Sequence[str]) -> tuple[Text, ...]:
    """A note for each rule whose numbers are varied in vain; `names`: the varied paths."""
    return tuple(
        Text(
            zh=OFF.zh.format(title=rule.title.zh, rule=rule.id),
            en=OFF.en.format(title=rule.title.en, rule=rule.id),
        )
        for rule in scenario.spec.rules
        if not rule.enabled
        and any(name.startswith(f"rules.{rule.id}.") for name in names)
        and f"rules.{rule.id}.enabled" not in names
    )


def figures(result: Result, metrics: Mapping[str, str]) -> dict[str, Value]:
    """Column → figure of one result; `metrics`: metric → column."""
    return {
        **{name: getattr(result, name) for name in _FIRST},
        **{column: result.outcomes.get(name) for name, column in metrics.items()},
        **{name: getattr(result, name) for name in _LAST},
    }
