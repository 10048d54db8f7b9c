"""Why no allocation keeps the rules, and what would have to give way.

Sums that cannot meet; for each rule alone the least change that helps, or that none does; the
cheapest change of several together; a set of limits of which none can be spared for the conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.errors import GivingWay, InfeasibleError, did_you_mean, refuse
from models.exact import parse_exact
from models.metadata import read_labels
from models.remedies import Change, Check, Key, change_text, check_text
from models.scenario import Scenario
from optimizer.formulation.assemble import formulate
from optimizer.formulation.edits import relaxed, without_rows
from optimizer.formulation.model import Model
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.infeasibility.elastic import irreducible
from optimizer.infeasibility.joint_change import joint_change
from optimizer.infeasibility.single_change import (
    ConflictContext,
    least_change,
    reserved_changes,
    shares_of_budget,
)
from optimizer.solve import NO_ALLOCATION
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Effort, Engine

if TYPE_CHECKING:
    import pandas as pd


Cause = Literal["relaxation", "funding", "units"]
_FIRST_SECONDS = 60.0
_MOST_LIMITS = 400
"""Up to so many limits a conflict is taken apart limit by limit, else rule by rule only."""


@dataclass(frozen=True)
class Member:
    """One limit (or, with no key, one rule) of an irreducible conflict."""

    rule: str
    key: Key


@dataclass(frozen=True)
class Diagnosis:
    """What stands between a scenario and an allocation."""

    scenario: Scenario
    is_feasible: bool
    """An allocation keeps all rules: there is nothing to diagnose."""
    cause: Cause | None = None
    """`relaxation`: not even with cells funded in part; `funding`: only because a cell is funded
    or not, with at least its lot; `units`: only because money comes in whole units."""
    checks: tuple[Check, ...] = ()
    alone: tuple[Change, ...] = ()
    """Changes each of which, alone, lets an allocation exist."""
    no_help: tuple[str, ...] = ()
    """Rules (and `budget`) of which no change alone helps."""
    combined: tuple[Change, ...] = ()
    """The cheapest change of several rules together; empty where none was found."""
    conflict: tuple[Member, ...] = ()
    """None of these can be spared for the conflict; others may be in conflict as well."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row a change that is enough alone: `rule`, `field`, `now`, `needed` (the written
        number; NaN where several in a table move), `set` (as `--set` takes it), `text_zh`,
        `text_en`."""
        import pandas as pd

        rows = [_row(self.scenario, change) for change in self.alone]
        return pd.DataFrame(rows, columns=list(_COLUMNS))


_COLUMNS = ("rule", "field", "now", "needed", "set", "text_zh", "text_en")


def _row(scenario: Scenario, change: Change) -> tuple[object, ...]:
    text = change_text(scenario, change)
    numbers = (None if n is None else float(n) for n in (change.now, change.needed))
    return (change.rule, change.field, *numbers, change.setting, text.zh, text.en)


def diagnose(
    scenario: Scenario,
    *,
    engine: Engine | None = None,
    weights: Mapping[str, object] | None = None,
    appendix: bool = True,
) -> Diagnosis | None:
    """The diagnosis; None where the solver could not tell in time whether the rules can be kept.

    `weights`: rule → what a change of it by its whole bound costs, 1 unless said, for the cheapest
    combination. Without `appendix` no conflict is taken apart. Raises `InputError` for a weight of
    an unknown rule (the nearest is named) and for one that is no number above zero.
    """
    context = ConflictContext(scenario, engine or pick_engine("highs")[0])
    costs = _exact_weights(scenario, weights or {})
    whole = context.model()
    feasible = context.is_feasible(whole, _FIRST_SECONDS)
    if feasible is not False:
        return Diagnosis(scenario, True) if feasible else None
    alone, no_help = _alone(context)
    return Diagnosis(
        scenario=scenario,
        is_feasible=False,
        cause=_cause(context),
        checks=conflicting_sums(scenario),
        alone=alone,
        no_help=no_help,
        combined=joint_change(context, costs, alone),
        conflict=_conflict(context) if appendix else (),
    )


def impossible(scenario: Scenario, engine: Engine) -> InfeasibleError:
    """The error for a scenario proved to have no allocation, with the sums that cannot meet and
    each rule that alone could make room."""
    reasons = _in_words(scenario, conflicting_sums(scenario))
    return InfeasibleError(NO_ALLOCATION, advice(scenario, engine), reasons)


def advice(scenario: Scenario, engine: Engine) -> tuple[GivingWay, ...]:
    """One entry for each rule that alone could make room, in words."""
    labels = read_labels(scenario.programme)
    changes, _ = _alone(ConflictContext(scenario, engine))
    said = []
    for change in changes:
        text = change_text(scenario, change, labels)
        said.append(GivingWay(change.rule, {"zh": text.zh, "en": text.en}))
    return tuple(said)


def _in_words(scenario: Scenario, checks: Sequence[Check]) -> list[dict[str, str]]:
    labels = read_labels(scenario.programme)
    texts = [check_text(scenario, check, labels) for check in checks]
    return [{"zh": text.zh, "en": text.en} for text in texts]


def _exact_weights(scenario: Scenario, weights: Mapping[str, object]) -> dict[str, Fraction]:
    known, exact = ["budget", *(rule.id for rule in scenario.rules)], {}
    for name, weight in weights.items():
        if name not in known:
            refuse("--weight", "", f"there is no rule '{name}' in use{did_you_mean(name, known)}")
        try:
            exact[name] = parse_exact(weight)
        except ValueError as error:
            refuse(f"weights[{name!r}]", "", str(error))
        if exact[name] <= 0:
            refuse(f"weights[{name!r}]", "", f"{weight} is not above zero")
    return exact


def _alone(context: ConflictContext) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    changes, vain = [], []
    for rule in context.rules:
        change = least_change(context, rule)
        if change is None:
            vain.append(rule.id)
        else:
            changes.append(change)
    changes += reserved_changes(context)
    told = any(change.rule == "budget" for change in changes)
    if not told and not shares_of_budget(context.scenario):
        # Where shares of it grow with it, that no amount would do is not proved.
        vain.append("budget")
    return tuple(changes), tuple(vain)


def _cause(context: ConflictContext) -> Cause:
    parted = formulate(context.scenario, context.nothing, whole=False)
    if context.engine(relaxed(parted), Effort()).outcome == "infeasible":
        return "relaxation"
    return "units" if context.whole and context.is_feasible(parted) else "funding"


def _conflict(context: ConflictContext) -> tuple[Member, ...]:
    """A deletion filter over rules, then over the limits of those that are left."""
    names = ["budget", *(rule.id for rule in context.rules)]
    model = context.model(apart=names)
    held = {limit.rule: (limit, limit.rows) for limit in model.limits if limit.rule in names}

    def conflict(kept: Sequence[tuple[str, int]]) -> bool:
        stay = np.array([row for _, row in kept], dtype=np.int64)
        gone = np.setdiff1d(np.concatenate([rows for _, rows in held.values()]), stay)
        return _is_infeasible(context, without_rows(model, gone))

    def rules_conflict(kept: Sequence[str]) -> bool:
        return conflict([(name, int(row)) for name in kept for row in held[name][1]])

    if not rules_conflict(names):
        # Apart from the cells' own bounds the solver could not prove it in time.
        return ()
    rules = irreducible(names, rules_conflict)
    limits = [(name, int(row)) for name in rules for row in held[name][1]]
    if len(limits) > _MOST_LIMITS:
        return tuple(Member(name, ()) for name in rules)
    columns = {rule.id: rule.per for rule in context.rules}
    found = []
    for name, row in irreducible(limits, conflict):
        limit = held[name][0]
        key = limit.keys[row - limit.start]
        found.append(Member(name, tuple(zip(columns.get(name, ()), key, strict=True))))
    return tuple(found)


def _is_infeasible(context: ConflictContext, model: Model) -> bool:
    return context.is_feasible(model) is False
