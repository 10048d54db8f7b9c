"""Decide under assumptions that are not known: one table for all draws, by an aim over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast, get_args

from models.allocation import Allocation
from models.errors import Problems, did_you_mean, refuse, with_keywords
from models.exact import parse_exact, parse_share
from models.finding import Audit
from models.frames import amounts_frame
from models.scenario import Scenario
from models.solution import Status
from optimizer.audit import audit
from optimizer.infeasibility import advised, solve_advised
from optimizer.problem import Problem, reference_of
from optimizer.quality import TOLERANCE, shortfall
from optimizer.solve import Options
from optimizer.solvers import pick_engine
from optimizer.solvers.base import Clock, Watch
from optimizer.strategies import ProblemModels
from optimizer.study.assumption_table import Assumptions, assumptions
from optimizer.study.chances import ChanceRule, chance_rules
from optimizer.study.sample_aims import (
    BudgetAim,
    ExpectedAim,
    RegretAim,
    SampleAim,
    TailAim,
    tail_mean,
)
from optimizer.study.sample_search import SampleSearch
from optimizer.study.samples import Samples, bad_ends, drawn_samples, given_samples
from optimizer.study.uncertainty import MOST_DRAWS, Uncertainty, check_draws, uncertainty

if TYPE_CHECKING:
    import pandas as pd

AimName = Literal["expected", "cvar", "regret", "chance", "budget"]
AIMS: tuple[AimName, ...] = get_args(AimName)
DRAWS, CHECKED, GAP = 100, 1000, 1e-4
"""Draws that a table is chosen by; others by which it is checked; the gap up to which a choice is
called optimal."""
ROBUST, PROPOSAL, BASELINE = "robust", "proposal", "baseline"
_MOST, _ROOM = 2000, 2 * TOLERANCE
"""Draws at the most; what a bound that is widened may lie above."""


@dataclass(frozen=True, eq=False)
class TableOverSamples:
    """One table of money over the samples, exactly."""

    name: str
    allocation: Allocation
    audit: Audit
    """By the numbers as they are assumed."""
    worths: tuple[Fraction, ...]
    """[sample] in points, those of the scenario as it is assumed."""
    outcomes: tuple[Mapping[str, Fraction], ...]
    """[sample] metric → outcome."""
    kept: Mapping[str, int]
    """Rule that is to be kept by chance → in how many samples it is."""
    value: Fraction
    """What the aim comes to."""

    @property
    def mean(self) -> Fraction:
        """The mean of the points."""
        return sum(self.worths, Fraction(0)) / len(self.worths)

    @property
    def worst(self) -> Fraction:
        """The points of the worst sample."""
        return min(self.worths)

    def regret(self, best: Sequence[float]) -> Fraction:
        """The most that is lost in any sample against what was possible in it."""
        return max(Fraction(b) - worth for worth, b in zip(self.worths, best, strict=True))


@dataclass(frozen=True, eq=False)
class Robust:
    """The best table over samples, beside others under the same ones."""

    scenario: Scenario
    aim: AimName
    alpha: Fraction
    samples: Samples
    assumed: Assumptions | None
    """What was drawn from; None where scenarios were given."""
    tables: tuple[TableOverSamples, ...]
    """The robust one first, then the scenario's own best, the baseline, and those given."""
    bound: float | None
    """No table's aim is above it, by the solver's word."""
    gap: float | None
    status: Status
    chances: Mapping[str, Fraction]
    """Rule → the share of samples in which it is to be kept."""
    best: tuple[float, ...] | None
    """[sample] no table is worth more in it; where it was asked for."""
    checked: Uncertainty | None
    """The tables under other draws of all numbers, saturation scales too; None where scenarios
    were given."""

    def __repr__(self) -> str:
        gap = "not known" if self.gap is None else f"{self.gap:.2g}"
        return (
            f"Robust {self.scenario.name} by {self.aim}: {float(self.table.value):.6g} over "
            f"{len(self.samples)} samples, {self.status}, gap {gap}"
        )

    @property
    def table(self) -> TableOverSamples:
        """The robust one."""
        return self.tables[0]

    @property
    def allocation(self) -> Allocation:
        """The money of the robust table."""
        return self.table.allocation

    @property
    def amounts(self) -> pd.DataFrame:
        """The money of the robust table by cell, as that of a solution."""
        return amounts_frame(self.scenario.programme, self.allocation)

    @cached_property
    def perfect_information(self) -> Fraction | None:
        """What it would be worth to know the sample before the money is spent (EVPI), at the most:
        the mean of the best of each, less what the robust table is worth on average. None unless
        both were asked for: `aim="expected"`, `regrets=True`."""
        if self.best is None or self.aim != "expected":
            return None
        return sum(map(Fraction, self.best), Fraction(0)) / len(self.best) - self.table.mean

    @property
    def stochastic_gain(self) -> Fraction:
        """By how much the robust table is worth more on average than the scenario's own best (VSS,
        for the expected value)."""
        (own,) = (one for one in self.tables if one.name == PROPOSAL)
        return self.table.mean - own.mean

    @property
    def frame(self) -> pd.DataFrame:
        """One row a table: `table`, `value` (of the aim), `mean`, `tail` (mean of the worst share
        `alpha`), `worst` (points), `regret` (largest, NaN where it was not asked for), and for each
        rule to be kept by chance, `kept: RULE`, the share of samples in which it is."""
        import pandas as pd

        return pd.DataFrame(
            [
                {name: one if isinstance(one, str) else float(one) for name, one in row.items()}
                for row in self.rows()
            ]
        )

    def rows(self) -> list[dict[str, Any]]:
        """The rows of `frame`, exact."""
        return [
            {
                "table": one.name,
                "value": one.value,
                "mean": one.mean,
                "tail": tail_mean(one.worths, self.alpha),
                "worst": one.worst,
                **({} if self.best is None else {"regret": one.regret(self.best)}),
                **{
                    f"kept: {rule}": Fraction(count, len(self.samples))
                    for rule, count in one.kept.items()
                },
            }
            for one in self.tables
        ]


class HowRobust(TypedDict, total=False):
    """What a robust decision may be asked for."""

    draws: int
    seed: int
    within: str | None
    sample: Mapping[str, object] | Assumptions | None
    cases: Sequence[Scenario] | None
    alpha: str | float
    lean: str | float | None
    gamma: str | float
    at_least: str | float | None
    regrets: bool
    gap: float
    check: int


@with_keywords(*HowRobust.__annotations__)
def robust(
    scenario: Scenario,
    aim: AimName = "expected",
    *,
    tables: Mapping[str, Allocation] | None = None,
    watch: Watch | None = None,
    **how: Unpack[HowRobust],
) -> Robust:
    """The table in whole units that is best by an aim over samples of the rates, and how others do.

    `aim`: `expected` (the mean), `cvar` (the mean of the worst share `alpha`, 5%; with `lean` the
    mean of all and so many times that), `regret` (the least largest regret), `chance` (the mean,
    among tables that keep rules by chance), `budget` (the worst where no more than `gamma` effects
    of tasks are at the bad end of their range at once, after Bertsimas and Sim). Points per unit
    stay those of the scenario as it is assumed, and so do rules, which are kept by the numbers as
    assumed; a rule with `chance:` is also kept in that share of the samples, as are with `at_least`
    all rules whose basis is a target.

    `draws` (100), `seed`, `within`, `sample`: as `uncertainty` takes them; saturation scales are
    held, so that tiers end where they do, and drawn with all others in the `check` (1,000) other
    draws. `cases`: scenarios that differ in their rates only, each as likely as the others, in
    place of draws. `regrets`: also what was possible in each sample. `tables`: further ones to
    stand beside. `gap` (0.0001) for the aim.

    Raises `InputError` for what cannot be asked, `InfeasibleError` where no table keeps the rules,
    and where none keeps a rule by chance as often as asked, with the largest share that one does;
    `NoAnswerError` where the solver found none.
    """
    asked = _Asked.read(scenario, aim, how)
    problem = Problem.of(scenario)
    samples, assumed = asked.samples(problem)
    share = {} if aim == "budget" else asked.chances(scenario)
    chances = chance_rules(problem.scenario, share)
    engine, clock = pick_engine("highs")[0], Clock(None, watch)
    search = SampleSearch(problem, samples, chances, asked.gap, clock)
    with advised(scenario, engine, clock):
        own = _own_best(problem, watch)
        best = search.best_of_each() if aim == "regret" or how.get("regrets") else None
        pushed = asked.pushed(best)
        found = search.best(pushed)
    shown = {ROBUST: problem.as_given(found.allocation), PROPOSAL: own}
    shown |= {BASELINE: reference_of(scenario).allocation, **(tables or {})}
    under = problem, samples, chances
    read = [_read(name, one, under, pushed) for name, one in shown.items()]
    # A table that is at hand and better, within the gap, is the one to take.
    taken = max((one for one in read if _is_kept(one, chances)), key=lambda one: one.value)
    read[0] = replace(taken, name=ROBUST)
    worth, gap = float(taken.value), None
    if found.bound is not None:
        gap = shortfall(found.bound, worth, max(abs(worth), abs(float(taken.mean))))
    status: Status = "optimal" if gap is not None and gap <= asked.gap + _ROOM else "feasible"
    other = None
    if assumed is not None and (check := how.get("check", CHECKED)):
        given = {one.name: one.allocation for one in read if one.name != BASELINE}
        seed, alpha = asked.drawn(scenario)[1] + 1, how.get("alpha", "5%")
        other = uncertainty(
            scenario, tables=given, sample=assumed, draws=check, seed=seed, alpha=alpha
        )
    told = asked.alpha, samples, assumed, tuple(read), found.bound, gap, status
    return Robust(scenario, asked.aim, *told, share, best, other)


def _is_kept(one: TableOverSamples, chances: Sequence[ChanceRule]) -> bool:
    """Whether a table keeps every rule, and those by chance as often as is due."""
    count = len(one.worths)
    return not one.audit.unmet and all(
        one.kept[rule.rule.id] >= rule.due(count) for rule in chances
    )


@dataclass(frozen=True)
class _Asked:
    """What was asked for, checked."""

    aim: AimName
    how: HowRobust
    alpha: Fraction
    lean: Fraction | None
    gamma: Fraction
    at_least: Fraction | None
    gap: float

    @classmethod
    def read(cls, scenario: Scenario, aim: str, how: HowRobust) -> _Asked:
        """Raises `InputError` with everything that is wrong."""
        problems = Problems()
        if aim not in AIMS:
            near = did_you_mean(aim, AIMS)
            problems.add("", "aim", f"'{aim}' is none of {', '.join(AIMS)}{near}")
        draws = how.get("draws", DRAWS)
        if not 1 <= draws <= _MOST:
            message = f"from 1 to {_MOST:,} draws are due here, not {draws:,}"
            problems.add("", "draws", message)
        if not 0 <= how.get("check", CHECKED) <= MOST_DRAWS:
            problems.add("", "check", f"from 0 to {MOST_DRAWS:,} draws are due here")
        numbers = {name: _number(name, how.get(name), problems) for name in ("lean", "gamma")}
        given = how.get("at_least")
        chance = None if given is None else _chance(given, problems)
        gap = how.get("gap", GAP)
        if not 0 <= gap < 1:
            problems.add("", "gap", f"{gap!r} is not a number from 0 to below 1")
        if aim == "budget" and how.get("cases") is not None:
            problems.add("", "cases", "do not go with a budget, which moves one number at a time")
        if aim == "budget" and given is not None:
            problems.add("", "at_least", "does not go with a budget, which draws nothing")
        problems.raise_if_any()
        alpha = check_draws(alpha=how.get("alpha", "5%"), seed=how.get("seed", 1))
        gamma = numbers["gamma"]
        return cls(
            cast(AimName, aim),
            how,
            alpha,
            numbers["lean"],
            Fraction(1) if gamma is None else gamma,
            chance,
            gap,
        )

    def samples(self, problem: Problem) -> tuple[Samples, Assumptions | None]:
        """The samples, and what they were drawn from."""
        if (cases := self.how.get("cases")) is not None:
            return given_samples(problem, cases), None
        sample = self.how.get("sample")
        assumed = sample if isinstance(sample, Assumptions) else assumptions(problem.given)
        assumed = assumed.within(self.how.get("within"))
        if sample is not None and not isinstance(sample, Assumptions):
            assumed = assumed.sample(sample)
        if self.aim == "budget":
            return bad_ends(problem, assumed), assumed
        draws, seed = self.drawn(problem.given)
        return drawn_samples(problem, assumed, draws, seed), assumed

    def drawn(self, scenario: Scenario) -> tuple[int, int]:
        """How many draws, and their seed: as asked, else as rules say, else by default."""
        said = [rule.chance for rule in scenario.rules if rule.chance is not None]
        seeds = {one.seed for one in said if one.seed is not None}
        if len(seeds) > 1 and "seed" not in self.how:
            refuse("", "seed", "rules with a chance name several seeds; all take the same draws")
        draws = max((one.draws for one in said if one.draws is not None), default=DRAWS)
        return self.how.get("draws", draws), self.how.get("seed", min(seeds, default=1))

    def chances(self, scenario: Scenario) -> dict[str, Fraction]:
        """Rule → the share of samples in which it is to be kept."""
        found = {}
        for rule in scenario.rules:
            if rule.chance is not None:
                found[rule.id] = rule.chance.at_least
            elif self.at_least is not None and rule.basis == "target":
                found[rule.id] = self.at_least
        if self.aim == "chance" and not found:
            message = "is due here, or a rule with chance: nothing is to be kept by chance"
            refuse("", "at_least", message)
        return found

    def pushed(self, best: tuple[float, ...] | None) -> SampleAim:
        """The aim."""
        if self.aim == "cvar":
            return TailAim(self.alpha, self.lean)
        if self.aim == "budget":
            return BudgetAim(self.gamma)
        if self.aim == "regret":
            assert best is not None
            return RegretAim(best)
        return ExpectedAim()


def _number(name: str, given: object, problems: Problems) -> Fraction | None:
    if given is None:
        return None
    try:
        number = parse_exact(given)
    except ValueError as error:
        problems.add("", name, str(error))
        return None
    if number < 0:
        problems.add("", name, f"{given} is negative; zero or more is due here")
    return number


def _chance(given: object, problems: Problems) -> Fraction:
    """A share above 0 and up to 1, which a chance may be."""
    if given in (1, "1", "100%"):
        return Fraction(1)
    try:
        share = parse_share(given)
    except ValueError:
        share = Fraction(0)
    if not share:
        problems.add("", "at_least", f"{given} is not a share above 0% and up to 100%")
    return share


def _own_best(problem: Problem, watch: Watch | None) -> Allocation:
    """The best table by the numbers as they are assumed, in the file's order."""
    options = Options(repaired=False, certificate=False)
    return solve_advised(ProblemModels(problem), options, watch).allocation


def _read(
    name: str,
    allocation: Allocation,
    under: tuple[Problem, Samples, tuple[ChanceRule, ...]],
    aim: SampleAim,
) -> TableOverSamples:
    problem, samples, chances = under
    audited = audit(problem.given, allocation)
    ordered = problem.by_code(allocation)
    outcomes = tuple(samples.outcomes(ordered))
    worths = samples.worths(ordered)
    kept = {one.rule.id: sum(one.kept(samples, ordered)) for one in chances}
    value = aim.value(worths) - audited.penalty
    return TableOverSamples(name, allocation, audited, tuple(worths), outcomes, kept, value)
