"""What the product says of a tiny programme, held against what trying every table says."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb, isfinite
from pathlib import Path
from typing import Any, NamedTuple, get_args

import allot
from models.errors import InfeasibleError, InputError, NoAnswerError
from models.remedies import Change, step_of
from models.scenario import Scenario
from models.solution import Solution
from optimizer.infeasibility.conflict_sets import Conflict
from optimizer.infeasibility.diagnose import Diagnosis
from optimizer.strategies import Units
from tests.enumerator import Best, Enumerator, moved
from tests.worlds import write_world

CONTINUOUS_LOSS = Fraction(1, 10**9)
"""What money in parts of units may lose of the best whole units, relative."""

_MANY = 20_000
"""Tables above which a changed world is not enumerated."""


class Refused(Exception):
    """The world is no valid input."""


class Complaint(NamedTuple):
    """Something said that is not true."""

    kind: str
    """`refused`, `broken`, `worth`, `less`, `short`, `choice`, `bound`, `repair` or `advice`."""
    text: str


def complaints(world: Mapping[str, Any], seen: Counter[str]) -> list[Complaint]:
    """Everything that is said of a world and is not true; `seen` counts what was looked at.

    Raises `Refused` where the world is no valid input.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = allot.load(write_world(Path(folder), **world))
        except InputError as error:
            raise Refused(str(error)) from None
        truth = Enumerator(world)
        best = truth.best()
        seen["solvable" if best.feasible else "in conflict"] += 1
        modes = get_args(Units) if best.feasible else ("whole", "continuous")
        answers = [_Answers(scenario, truth, best, units, seen) for units in modes]
        found = [one for answer in answers for one in answer.complaints()]
        return found + list(_Advice(scenario, world, best, seen).complaints())


def untrue_advice(world: Mapping[str, Any], seen: Counter[str]) -> list[Complaint]:
    """What a diagnosis says of a world in conflict and is not true; nothing of any other world."""
    best = Enumerator(world).best()
    if best.feasible:
        return []
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = allot.load(write_world(Path(folder), **world))
        except InputError:
            return []
    return list(_Advice(scenario, world, best, seen).complaints())


@dataclass(frozen=True)
class _Answers:
    """What `solve` says in one unit mode."""

    scenario: Scenario
    truth: Enumerator
    best: Best
    units: Units
    seen: Counter[str]

    def complaints(self) -> Iterator[Complaint]:
        """An answer that is refused, wrong, or bounded falsely."""
        for kind, text in self._said():
            yield Complaint(kind, f"{self.units}: {text}")

    def _said(self) -> Iterator[tuple[str, str]]:
        known = f"{self.best.feasible} tables keep the rules"
        try:
            whole = self.units == "whole"
            solution = allot.solve(
                self.scenario, units=self.units, certificate=whole, repaired=whole
            )
        except InfeasibleError:
            if self.best.feasible:
                yield "refused", f"conflict said, {known}"
            return
        except NoAnswerError as error:
            self.seen["no answer"] += 1
            if self.best.feasible or self.units != "continuous":
                yield "refused", f"no answer, {known}: {error}"
            return
        self.seen["answers"] += 1
        table = tuple(solution.allocation.amounts.ravel().tolist())
        if not self.truth.keeps(table):
            yield "broken", f"{table} breaks a rule"
            return
        worth = self.truth.worth(table)
        if worth != solution.objective - solution.audit.penalty:
            yield "worth", f"{table} is worth {worth}, not {solution.objective}"
        yield from self._compared(table, worth)
        yield from self._bounds(solution, worth)
        if whole:
            yield from self._repaired(solution)

    def _repaired(self, solution: Solution) -> Iterator[tuple[str, str]]:
        """A repaired baseline that there is none of, breaks a rule, or is bounded falsely."""
        near = solution.repaired
        if near is None:
            yield "repair", "none was found"
            return
        table = tuple(near.allocation.amounts.ravel().tolist())
        least, base = float(self.best.moved or 0), self.truth.baseline()
        if not self.truth.keeps(table) or near.moved != moved(table, base):
            yield "repair", f"{table} breaks a rule or moves other than {near.moved}"
        if near.moved_at_least is not None and near.moved_at_least > least + 1e-9:
            yield "repair", f"at least {near.moved_at_least} moved, {least} are enough"

    def _compared(self, table: tuple[int, ...], worth: Fraction) -> Iterator[tuple[str, str]]:
        """Less than the best, or another of the best tables than the published rule chooses."""
        if self.units != "continuous" and any(Fraction(one).denominator > 1 for one in table):
            yield "broken", f"parts of units: {table}"
        elif self.best.worth is None:
            if self.units != "continuous":
                yield "broken", f"{table}, where no table keeps the rules"
        elif worth < self.best.worth - self._loss():
            known = f"{self.best.table} is worth {float(self.best.worth)}"
            kind = "short" if self.units == "continuous" else "less"
            yield kind, f"{table} is worth {float(worth)}, {known}"
        elif self.units != "continuous" and table != self.best.table:
            yield "choice", f"{table} is as good as {self.best.table}, which is due"

    def _loss(self) -> Fraction:
        """What money in parts of units may lose of the best whole units."""
        lost = CONTINUOUS_LOSS if self.units == "continuous" else Fraction(0)
        return lost * abs(self.best.worth or 0)

    def _bounds(self, solution: Solution, worth: Fraction) -> Iterator[tuple[str, str]]:
        """A bound below what a table that keeps the rules is worth."""
        most = worth if self.best.worth is None else max(worth, self.best.worth)
        bounds: dict[str, Any] = {
            "the bound proved": solution.bound_proved,
            "the solver's bound": solution.bound_solver,
        }
        if solution.certificate is not None:
            bounds["the certificate"] = solution.certificate.bound
        for name, bound in bounds.items():
            if bound is not None and isfinite(bound) and Fraction(bound) < most:
                by = float(most - Fraction(bound))
                yield "bound", f"{name} {float(bound)!r} is below {float(most)!r} by {by:.3g}"


# Advice: what a diagnosis says of a conflict, done in the world and tried.


@dataclass(frozen=True)
class _Advice:
    """What `diagnose` says."""

    scenario: Scenario
    world: Mapping[str, Any]
    best: Best
    seen: Counter[str]

    def complaints(self) -> Iterator[Complaint]:
        said = allot.diagnose(self.scenario)
        if said is None:
            self.seen["undiagnosed"] += 1
        elif said.is_feasible != bool(self.best.feasible):
            known = f"{self.best.feasible} tables keep the rules"
            yield Complaint("advice", f"diagnose: feasible {said.is_feasible}, {known}")
        elif not said.is_feasible:
            yield from (Complaint("advice", f"diagnose: {one}") for one in self._of(said))

    def _of(self, said: Diagnosis) -> Iterator[str]:
        sets = [(change,) for change in said.alone]
        for changes in [*sets, said.combined] if said.combined else sets:
            self.seen["remedies"] += 1
            if not _is_solvable(done(self.world, changes)):
                yield f"does not help: {[_shown(one) for one in changes]}"
        for change in said.alone:
            if change.is_least and _is_solvable(done(self.world, [self._one_step_less(change)])):
                yield f"is not the least: {_shown(change)}"
        for rule in said.no_help:
            self.seen["no help"] += 1
            if any(map(_is_solvable, _extremes(self.world, rule))):
                yield f"no change of {rule} helps, yet one does"
        for conflict in said.conflicts:
            self.seen["conflicts"] += 1
            yield from self._conflict(conflict)

    def _one_step_less(self, change: Change) -> Change:
        """A change short of it by one step of those that people write."""
        now, needed = change.now, change.needed
        if change.setting is None or now is None or needed is None:
            return Change(change.rule, "nothing", setting="title=Test")
        rules = {rule.id: rule for rule in self.scenario.rules}
        plain = change.rule not in rules
        step = Fraction(1) if plain else step_of(rules[change.rule], change.field, now)
        short = needed - step if needed > now else needed + step
        if (short - now) * (needed - now) <= 0:
            short = now
        path = change.setting.partition("=")[0]
        return replace(change, setting=f"{path}={short}")

    def _conflict(self, conflict: Conflict) -> Iterator[str]:
        """A set that can be kept; one that is in conflict without one of its limits, too."""
        named = [(one.rule, one.key) for one in conflict.members]
        if _is_solvable(_only(self.world, named)):
            yield f"{named} are no conflict"
        for one in named if ("budget", ()) in named else ():
            rest = [other for other in named if other != one]
            if one[0] != "budget" and not _is_solvable(_only(self.world, rest)):
                yield f"{one} can be spared: {rest} are a conflict"


def _is_solvable(world: Mapping[str, Any]) -> bool:
    """By trying all tables; where a change of the budget makes them too many, by one table that
    the product finds and the enumerator reads."""
    truth = Enumerator(world)
    if comb(truth.budget + len(truth.cells), truth.budget) <= _MANY:
        return bool(truth.best().feasible)
    if "limits" in world["scenario"]:
        return True
    with tempfile.TemporaryDirectory() as folder:
        try:
            solution = allot.solve(allot.load(write_world(Path(folder), **world)), repaired=False)
        except (InfeasibleError, NoAnswerError):
            return False
    return truth.keeps(solution.allocation.amounts.ravel().tolist())


def _shown(change: Change) -> str:
    return change.setting or f"{change.rule} {change.field} {change.places or change.needed}"


def done(world: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """The world after some changes, as a person would make them."""
    changed = _copy(world)
    for change in changes:
        scenario = changed["scenario"]
        if change.setting is not None:
            path, _, value = change.setting.partition("=")
            _put(scenario, path, value)
        elif change.field == "share":
            _put_as_times(scenario, change)
        elif change.field == "locks":
            assert change.needed is not None
            scenario["locks"][change.which]["amount"] = str(change.needed)
        elif change.field == "eligibility":
            del scenario["ineligible"][change.which]
        elif change.field == "share":
            _put_times(scenario, change)
        else:
            _put_in_tables(changed, change)
    return changed


def _put_times(scenario: dict[str, Any], change: Change) -> None:
    """A share above 1, which a file writes as `times`."""
    rule = next(one for one in scenario["rules"] if one["id"] == change.rule)
    sense = next(key for key in ("at_least", "at_most", "equal") if key in rule)
    parts = rule[sense] if isinstance(rule[sense], list) else [rule[sense]]
    rule[sense] = [
        {**{k: v for k, v in part.items() if k != "share"}, "times": str(change.needed)}
        if isinstance(part, dict) and "share" in part
        else part
        for part in parts
    ]


def _put(scenario: dict[str, Any], path: str, value: str) -> None:
    """`rules.r1.at_most[0].share` = value, in the scenario as it was written."""
    at: Any = scenario
    steps: list[Any] = []
    for step in path.replace("[", ".[").split("."):
        steps.append(int(step[1:-1]) if step.startswith("[") else step)
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(at, list) and isinstance(step, str):
            step = next(number for number, one in enumerate(at) if one["id"] == step)
        if following is None:
            at[step] = value
            return
        if not isinstance(at[step], dict | list):
            at[step] = {"number": at[step]}
        at = at[step]


def _put_as_times(scenario: dict[str, Any], change: Change) -> None:
    """A share above one, which is refused as a share."""
    rule = next(one for one in scenario["rules"] if one["id"] == change.rule)
    sense = next(key for key in ("at_least", "at_most") if key in rule)
    parts = rule[sense] if isinstance(rule[sense], list) else [rule[sense]]
    part = next(one for one in parts if isinstance(one, dict) and "share" in one)
    del part["share"]
    part["times"] = str(change.needed)


def _put_in_tables(world: dict[str, Any], change: Change) -> None:
    """Numbers that a rule looks up: in their column, else a limit gets a number of its own."""
    for place in change.places:
        key = dict(place.key)
        if place.column is None:
            scenario = world["scenario"]
            limit = [change.rule, tuple(key.values()), str(place.needed)]
            scenario["limits"] = [*scenario.get("limits", ()), limit]
            continue
        for side, row in (("counties", "county"), ("tasks", "task")):
            if place.column in next(iter(world[side].values())):
                world[side][key[row]][place.column] = str(place.cell_needed)


def _extremes(world: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The world with the number of one rule at nothing and at more than could matter."""
    budget = world["scenario"]["budget"]
    if name == "budget":
        yield done(world, [Change(name, name, setting=f"budget={10 * budget}")])
        return
    for number in ("0", "1", "1000000"):
        changed = _copy(world)
        rule = next(one for one in changed["scenario"]["rules"] if one["id"] == name)
        sense = next(key for key in ("at_least", "at_most", "equal") if key in rule)
        if sense == "equal":
            rule["within"] = number
        elif _has_number(rule[sense]):
            rule[sense] = _with_number(rule[sense], number)
        yield changed


def _has_number(bound: Any) -> bool:
    parts = bound if isinstance(bound, list) else [bound]
    return any(not isinstance(part, dict) for part in parts) or len(parts) == 1


def _with_number(bound: Any, number: str) -> Any:
    parts = list(bound) if isinstance(bound, list) else [bound]
    plain = [at for at, part in enumerate(parts) if not isinstance(part, dict)]
    at = plain[0] if plain else 0
    part = parts[at]
    if not isinstance(part, dict):
        parts[at] = number
    elif isinstance(part.get("share", part.get("times")), dict):
        pass
    elif "share" in part:
        parts[at] = {**part, "share": "1" if number == "1000000" else number}
    else:
        parts[at] = {**part, "times": number}
    return parts


def _only(world: Mapping[str, Any], members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The world with these limits alone; what the scenario itself settles stays."""
    changed = _copy(world)
    changed["scenario"]["only"] = [(rule, tuple(v for _, v in key)) for rule, key in members]
    return changed


def _copy(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _copy(value) for name, value in part.items()}
    return [_copy(one) for one in part] if isinstance(part, list | tuple) else part
