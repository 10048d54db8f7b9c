"""Why no allocation keeps the rules, and what would have to give way.

Sums that cannot meet; limits that cannot be kept together; for each rule alone a change that was
tried and helps, or that none does; the cheapest change found of several together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from models.errors import InfeasibleError, NoAnswerError, did_you_mean, refuse, with_keywords
from models.exact import parse_exact
from models.metadata import read_labels
from models.remedies import Change, Check, Member, change_text, check_text, conflict_text
from models.rule import Rule
from models.scenario import Scenario
from models.strict_yaml import Text
from optimizer.formulation.assemble import formulate
from optimizer.infeasibility.bound_tests import conflicting_sums
from optimizer.infeasibility.conflict_sets import Conflict, ConflictSearch
from optimizer.infeasibility.joint_change import joint_change
from optimizer.infeasibility.settled_change import (
    budget_change,
    no_budget_helps,
    settled_changes,
)
from optimizer.infeasibility.single_change import cannot_help, least_change
from optimizer.infeasibility.trial import ConflictContext
from optimizer.problem import Problem
from optimizer.solve import NO_ALLOCATION, Options, solve_bare
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Engine
from optimizer.strategies import ProblemModels

if TYPE_CHECKING:
    import pandas as pd


Cause = Literal["relaxation", "funding", "units"]
Watch = Callable[[Change], None]
"""Told of each single change as soon as it was tried and helped."""


@dataclass(frozen=True)
class Diagnosis:
    """What stands between a scenario and an allocation."""

    scenario: Scenario
    is_feasible: bool
    """An allocation keeps all rules: there is nothing to diagnose."""
    cause: Cause | None = None
    """`relaxation`: not even with cells funded in part; `funding`: only because a cell is funded
    or not, with at least its lot; `units`: only because money comes in whole units; None where
    the solver did not tell which."""
    checks: tuple[Check, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    """Sets of limits in conflict that have no limit in common; none of a set can be spared for its
    conflict. There may be others."""
    alone: tuple[Change, ...] = ()
    """Changes each of which, alone, lets an allocation exist: one was found and read exactly."""
    no_help: tuple[str, ...] = ()
    """Rules (and `budget`) of which no change alone helps (of the budget: none up to a thousand
    times the present one), as proved exactly (`is_proved_no_help`) or by the solver."""
    unsettled: tuple[str, ...] = ()
    """Rules (and `budget`) of which no change was found, and none ruled out."""
    combined: tuple[Change, ...] = ()
    """The cheapest change of several rules together that was found and tried; empty for none."""

    @property
    def is_proved(self) -> bool:
        """That no allocation keeps the rules is proved in exact arithmetic, without a solver."""
        return bool(self.checks) or any(conflict.is_proved for conflict in self.conflicts)

    def is_proved_no_help(self, name: str) -> bool:
        """That no change of a rule alone helps is proved in exact arithmetic; else it is what the
        solver says."""
        return any(one.is_proved and not one.has(name) for one in self.conflicts)

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


@with_keywords()
def diagnose(
    scenario: Scenario,
    *,
    time_limit: float | None = None,
    weights: Mapping[str, object] | None = None,
    appendix: bool = True,
    engine: Engine | None = None,
    watch: Watch | None = None,
) -> Diagnosis | None:
    """The diagnosis; None where the solver could not tell whether the rules can be kept.

    Every change in it was tried: an allocation in whole money units was found that keeps the
    changed scenario in exact arithmetic. `time_limit` in seconds; without one the search ends after
    counted efforts. `weights`: rule → what a change of it by its whole bound costs, 1 unless said,
    for the cheapest combination. Without `appendix` no conflict of a large programme is taken apart
    that is there only because a cell is funded or not. `watch` is told of each single change as it
    is found. Raises `InputError` for a weight of an unknown rule (the
    nearest is named) and for one that is no number above zero.
    """
    Options(time_limit=time_limit)  # Refuses what is no number of seconds.
    context = ConflictContext(
        scenario, engine or pick_engine("highs", "monolithic")[0], Clock(time_limit)
    )
    costs = _exact_weights(scenario, weights or {})
    checks = conflicting_sums(scenario)
    trial = context.tried(scenario)
    if trial.allocation is not None:
        return Diagnosis(scenario, True)
    if not (trial.is_impossible or checks):
        return None
    return _of_conflict(context, checks, (costs, appendix, watch))


def diagnose_conflict(
    scenario: Scenario, *, engine: Engine, time_limit: float | None, watch: Watch
) -> Diagnosis:
    """`diagnose` for a scenario that is proved to have no allocation; several changes together are
    looked for only where no single one is enough."""
    context = ConflictContext(scenario, engine, Clock(time_limit))
    found = _of_conflict(context, conflicting_sums(scenario), (None, False, watch))
    if found.alone or context.clock.is_over():
        return found
    return replace(found, combined=joint_change(context, {}, (), _named(found.conflicts)))


def single_changes(
    scenario: Scenario, *, engine: Engine, time_limit: float | None, first: str
) -> tuple[Change, ...]:
    """Of a scenario that is proved to have no allocation the changes each of which is enough alone,
    that of the rule `first` looked for before all others; more budget is left aside."""
    context = ConflictContext(scenario, engine, Clock(time_limit))
    checks = conflicting_sums(scenario)
    conflicts = _conflicts(context, checks, False)
    rules = sorted(context.rules, key=lambda rule: rule.id != first)
    found = (_change(context, rule, conflicts, checks) for rule in rules)
    changes = [one for one in found if isinstance(one, Change)]
    return (*changes, *_margins(context)[0], *settled_changes(context))


def _of_conflict(
    context: ConflictContext,
    checks: tuple[Check, ...],
    asked: tuple[Mapping[str, Fraction] | None, bool, Watch | None],
) -> Diagnosis:
    """The diagnosis of a scenario that is known to have no allocation."""
    costs, appendix, watch = asked
    conflicts = _conflicts(context, checks, appendix)
    alone, no_help, unsettled = list[Change](), list[str](), list[str]()
    each, together = _margins(context)
    if each:  # A margin is ours to give up; a rule is not.
        cause = _cause(context, checks)
        return Diagnosis(context.scenario, False, cause, checks, conflicts, each)
    for name, found in _changes(context, conflicts, checks):
        if isinstance(found, Change):
            alone.append(found)
            if watch is not None:
                watch(found)
        else:
            (no_help if found else unsettled).append(name)
    skipped = costs is None or context.clock.is_over()
    return Diagnosis(
        scenario=context.scenario,
        is_feasible=False,
        cause=_cause(context, checks),
        checks=checks,
        conflicts=conflicts,
        alone=tuple(alone),
        no_help=tuple(no_help),
        unsettled=tuple(unsettled),
        combined=together
        or (() if skipped else joint_change(context, costs or {}, alone, _named(conflicts))),
    )


def _margins(context: ConflictContext) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Each safety margin without which alone the rules can be kept; where there is none, all of
    them, if they can be kept without any."""
    scenario, changes, alone = context.scenario, list[Change](), list[Change]()
    bare = scenario
    for rule in context.rules:
        if not rule.margin or context.clock.is_over():
            continue
        setting = f"rules.{rule.id}.margin=0"
        change = Change(rule.id, "margin", rule.margin, Fraction(0), setting, is_least=False)
        plain = rule.model_copy(update={"margin": None})
        bare = bare.with_rule(plain)
        changes.append(change)
        if context.tried(scenario.with_rule(plain)).allocation is not None:
            alone.append(change)
    if alone or len(changes) < 2 or context.tried(bare).allocation is None:
        return tuple(alone), ()
    return (), tuple(changes)


def _named(conflicts: Sequence[Conflict]) -> set[str]:
    """The rules of some conflicts."""
    return {member.rule for conflict in conflicts for member in conflict.members}


def _conflicts(
    context: ConflictContext, checks: Sequence[Check], appendix: bool
) -> tuple[Conflict, ...]:
    """The limits that stand against each other. In a large programme those of the relaxation, else
    of sums that cannot meet: each question about cells funded or not takes its time there. Without
    `appendix`, and where the relaxation takes minutes, sums that cannot meet are enough: they spare
    the other rules at once."""
    sums = tuple(map(_of_sums, filter(_is_by_itself, checks)))
    if sums and (context.is_large or not appendix):
        return sums
    found = ConflictSearch(context, relaxation=not context.whole).sets()
    if found or context.whole:
        return found
    if sums:
        return sums
    return ConflictSearch(context).sets(most=1) if appendix else ()


def _is_by_itself(check: Check) -> bool:
    """Whether nothing but its two rules, and what the scenario itself settles, is in the sums."""
    return check.kind != "lot"


def _of_sums(check: Check) -> Conflict:
    return Conflict((Member(check.rule, ()), Member(check.other, ())), is_proved=True)


def _changes(
    context: ConflictContext, conflicts: Sequence[Conflict], checks: Sequence[Check]
) -> Iterator[tuple[str, Change | bool]]:
    """Of each rule a change that helps; else whether it is proved that none does."""
    for rule in context.rules:
        yield rule.id, _change(context, rule, conflicts, checks)
    yield "budget", _budget(context)
    for change in settled_changes(context):
        yield change.rule, change


def _change(
    context: ConflictContext, rule: Rule, conflicts: Sequence[Conflict], checks: Sequence[Check]
) -> Change | bool:
    if context.clock.is_over():
        return False
    if _is_spared(rule.id, conflicts) or cannot_help(context, rule, soon=True):
        return True
    return least_change(context, rule, checks) or cannot_help(context, rule)


def _budget(context: ConflictContext) -> Change | bool:
    if context.clock.is_over():
        return False
    if no_budget_helps(context, soon=not context.whole):
        return True
    return budget_change(context) or no_budget_helps(context)


def _is_spared(name: str, conflicts: Sequence[Conflict]) -> bool:
    """Whether some conflict stands without a rule: then no change of it helps."""
    return any(not conflict.has(name) for conflict in conflicts)


def _cause(context: ConflictContext, checks: Sequence[Check]) -> Cause | None:
    loose = context.relaxation(formulate(context.scenario, context.nothing, whole=False))
    if loose.outcome == "infeasible" or any(one.kind in ("money", "metric") for one in checks):
        return "relaxation"
    if loose.values is None:
        return None
    return _cause_of_whole(context) if context.whole else "funding"


def _cause_of_whole(context: ConflictContext) -> Cause | None:
    """Whether parts of a money unit, or of a step, would do: tried, in exact arithmetic."""
    left, loose = context.clock.left(), context.scenario.with_settled(step=None)
    options = Options(units="continuous", repaired=False, certificate=False, time_limit=left)
    try:
        solve_bare(ProblemModels(Problem.of(loose)), options)
    except InfeasibleError:
        return "funding"
    except NoAnswerError:
        return None
    return "units"


def impossible(scenario: Scenario, engine: Engine, clock: Clock) -> InfeasibleError:
    """The error for a scenario proved to have no allocation, with what cannot be met together."""
    reasons = [
        {"zh": text.zh, "en": text.en}
        for text in _reasons(ConflictContext(scenario, engine, clock))
    ]
    told = "; ".join(reason["en"] for reason in reasons)
    return InfeasibleError(f"{NO_ALLOCATION}: {told}" if told else NO_ALLOCATION, reasons)


_COUNTED = Text(
    zh="若一县一项工作可只安排一部分则可以；不能满足的是项数或起点数",
    en="one would if cells could be funded in part; counts or least amounts stand against it",
)


def _reasons(context: ConflictContext) -> list[Text]:
    """Sums that cannot meet; where there are none, limits of the relaxation in conflict."""
    scenario = context.scenario
    labels = read_labels(scenario.programme)
    if checks := conflicting_sums(scenario):
        return [check_text(scenario, check, labels) for check in checks]
    search = ConflictSearch(context, relaxation=not context.whole)
    found = search.sets()
    if not (found or context.whole) and _cause(context, ()) == "funding":
        return [_COUNTED]
    return [conflict_text(scenario, conflict.members, labels) for conflict in found]


def _exact_weights(scenario: Scenario, weights: Mapping[str, object]) -> dict[str, Fraction]:
    known, exact = ["budget", *(rule.id for rule in scenario.rules)], {}
    if not isinstance(weights, Mapping):
        refuse("weights", "", f"a mapping of rules to numbers is due here, not {weights!r}")
    for name, weight in weights.items():
        if name not in known:
            near = did_you_mean(name, known)
            refuse(f"weights[{name!r}]", "", f"there is no rule '{name}' in use{near}")
        try:
            exact[name] = parse_exact(weight)
        except ValueError as error:
            refuse(f"weights[{name!r}]", "", str(error))
        if exact[name] <= 0:
            refuse(f"weights[{name!r}]", "", f"{weight} is not above zero")
    return exact
