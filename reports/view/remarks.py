"""Sentences that several reports say: alarms, notes, status, money, what the solver said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from models.allocation import Allocation
from models.exact import exact_text, parse_exact
from models.finding import Audit
from models.metadata import read_labels
from models.objective import metric_values
from models.programme import Programme
from models.scenario import Scenario
from models.solution import SearchNote, Solution
from optimizer.audit.idle_money import idle_money
from optimizer.study.break_even import Turn
from optimizer.study.uncertainty import closest_turn, rule_odds
from reports.catalogue import Words
from reports.numbers import amount_text, at_most_text, counted, gap_text, percent, plain, signed
from reports.view.allocation_view import (
    AllocationView,
    beyond_tiers,
    calibration_of,
    grounds_of,
    read_otherwise,
    unread_rules,
)
from reports.view.rule_view import RuleView, change_text

_FEW = 5
"""So many titles stand in one line of the head."""
_NAMED = 3
STATUSES = {
    "optimal": "study.status.optimal",
    "feasible": "study.status.feasible",
    "infeasible": "study.status.infeasible",
    "no answer": "study.status.no-answer",
    "bad input": "study.status.bad-input",
    "failed": "study.status.failed",
    "given": "compare.status.given",
}
"""What became of a column of a comparison or of a point of a study → the label that says it."""


_STAGES = {
    "search": "stage.search",
    "tie-break": "stage.tie-break",
    "whole": "stage.whole",
    "repaired baseline": "stage.repaired",
}


class Stage(Protocol):
    """Where a long solve stands."""

    @property
    def stage(self) -> str: ...

    @property
    def gap(self) -> float | None: ...


def progress(at: Stage, words: Words) -> str:
    """One line for where a solve stands: its stage, and the gap where one is known."""
    name = words(_STAGES[at.stage]) if at.stage in _STAGES else at.stage
    text = words("progress", stage=name)
    if at.gap is None or at.gap > 1:
        return text
    return text + words("progress.gap", gap=gap_text(at.gap))


def alarms(view: RuleView, audit: Audit) -> list[str]:
    """Why the paper is no more than a draft: broken rules, clauses in use that nobody read."""
    said = []
    for key, names in (
        ("draft.broken", audit.broken_rules),
        ("draft.unread", unread_rules(view.scenario)),
    ):
        if names:
            said.append(view.words(key, count=len(names), titles=_few(view, names)))
    return said


def _few(view: RuleView, names: Sequence[str]) -> str:
    titles = view.words("list").join(view.title(name) for name in names[:_FEW])
    rest = len(names) - _FEW
    return view.words("and-more", titles=titles, count=rest) if rest > 0 else titles


def calibration_note(view: RuleView) -> str:
    """What the calibration in use says of itself; '' where it says nothing."""
    chosen = calibration_of(view.scenario)
    if chosen is None or chosen.note is None:
        return ""
    return view.words("note.calibration", note=chosen.note.of(view.words.lang))


def beside_notes(view: RuleView, shown: AllocationView) -> list[str]:
    """The same allocation by the calibration that is to stand beside, and that one's own note."""
    scenario, words = view.scenario, view.words
    other = read_otherwise(scenario, shown.allocation)
    if other is None:
        return []
    name, audit = other
    readings = [_reading(scenario.programme, audit, metric, words) for metric in audit.outcomes]
    title = scenario.programme.calibration_title(name, words.lang)
    said = [words("note.beside", name=title, outcomes=words("list").join(readings))]
    note = scenario.programme.file.calibrations[name].note
    if note is not None:
        said.append(words("note.of", name=title, note=note.of(words.lang)))
    return said


def _reading(programme: Programme, audit: Audit, metric: str, words: Words) -> str:
    row = programme.file.metrics[programme.metrics.index(metric)]
    number = counted(row, audit.outcomes[metric])
    return words(
        "note.outcome",
        title=row.title.of(words.lang),
        number=number,
        unit=row.unit.of(words.lang),
    )


def how_sure(view: RuleView, table: Allocation) -> str:
    """In how many draws of the assumptions the rules that depend on them are kept, and which the
    least change would break; '' where no rule does."""
    odds, words = rule_odds(view.scenario, table), view.words
    if not odds:
        return ""
    short = [one for one in odds if one.count < len(one.kept)]
    names = (words("sure.in", rule=view.title(one.rule), count=f"{one.count:,}") for one in short)
    told = {"draws": f"{len(odds[0].kept):,}", "count": len(odds), "kept": len(odds) - len(short)}
    listed = words("list").join(names)
    said = words("sure.some", **told, listed=listed) if short else words("sure.all", **told)
    closest = closest_turn(odds)
    if closest is None:
        return said
    one, turn = closest
    metric = view.scenario.programme.metrics.index(turn.metric)
    key = "sure.under" if turn.is_floor else "sure.over"
    named = view.scenario.programme.file.metrics[metric].title.of(words.lang)
    return said + words(key, rule=view.title(one.rule), metric=named, share=turn_percent(turn))


def turn_percent(turn: Turn) -> str:
    """A break-even in percent with a decimal, rounded to the side on which the rule is kept."""
    tenths = 1000 * turn.times
    return plain(Fraction(math.ceil(tenths) if turn.is_floor else math.floor(tenths), 10), 1) + "%"


def status(solution: Solution, words: Words) -> str:
    """Optimal or best found, how near to which bound, and whose word that is; of several aims the
    first."""
    said = _status(solution, words)
    return words("aims.status", status=said) if solution.aims else said


def _status(solution: Solution, words: Words) -> str:
    if (way := not_searched(solution)) is not None:
        return words(way[0])
    if solution.gap is None:
        return words("status.unbounded")
    if is_proved_best(solution):
        return words("status.optimal.none-better")
    key = _STATUS_OF[solution.status, solution.source or "solver"]
    return words(key, gap=gap_text(solution.gap))


_STATUS_OF = {
    ("optimal", "proved"): "status.optimal.proved",
    ("optimal", "solver"): "status.optimal.solver",
    ("feasible", "proved"): "status.feasible.proved",
    ("feasible", "solver"): "status.feasible.solver",
}
"""A status and whose bound it rests on → the label that says it."""


def not_searched(solution: Solution) -> tuple[str, str] | None:
    """The labels, short and long, of how it came about where it was never to be the best by the
    objective: mended from a table, or a table as it is; None of one that was searched for."""
    notes = solution.solver.notes
    return next((ways for note, ways in _NOT_SEARCHED.items() if note in notes), None)


_NOT_SEARCHED = {
    SearchNote.MENDED: ("status.mended", "solver.mended"),
    SearchNote.BY_HAND: ("status.by-hand", "solver.by-hand"),
}


def is_proved_best(solution: Solution) -> bool:
    """Whether it is proved that no allocation is better at all."""
    return solution.source == "proved" and not solution.gap


def money(scenario: Scenario, audit: Audit, words: Words) -> str:
    """Budget, spent, unspent; and last year's, where the scenario has it."""
    return words(
        "money",
        money=scenario.programme.file.money.of(words.lang),
        budget=plain(scenario.budget),
        spent=amount_text(audit.spent),
        left=left_over(audit.unspent, words),
    ) + _last_year(scenario, audit, words)


def left_over(unspent: Fraction, words: Words) -> str:
    """What is left of the budget, or by how much more than it was spent."""
    return words("left.over" if unspent < 0 else "left.unspent", amount=amount_text(abs(unspent)))


def _last_year(scenario: Scenario, audit: Audit, words: Words) -> str:
    """This year's money against last year's, where the scenario has it."""
    if scenario.last_year is None:
        return ""
    total, counties = scenario.last_year.total, scenario.programme.counties.ids
    if missing := [code for code in counties if code not in scenario.last_year.by_county]:
        return words("money.last-year.part", total=amount_text(total), count=len(missing))
    change = audit.spent - total
    return words(
        "money.last-year",
        total=amount_text(total),
        change=signed(amount_text(change)),
        money=scenario.programme.file.money.of(words.lang),
    )


def about(scenario: Scenario, words: Words) -> tuple[str, ...]:
    """What a paper speaks of: the fund, the scenario, what was laid over it, its calibration."""
    lang, view = words.lang, RuleView(scenario, read_labels(scenario.programme), words)
    title = words("scenario.title", title=scenario.spec.title.of(lang), name=scenario.name)
    said = [scenario.programme.file.title.of(lang), title, changes(scenario, words)]
    return tuple(text for text in (*said, calibration_note(view)) if text)


def changes(scenario: Scenario, words: Words) -> str:
    """What was laid over the scenario's own file; '' for nothing."""
    view = RuleView(scenario, read_labels(scenario.programme), words)
    listed = words("pairs").join(change_text(view, change) for change in scenario.changes)
    return words("validate.changes", changes=listed) if listed else ""


def without_effect(view: RuleView, shown: AllocationView) -> str:
    """How much money stands beyond the tiers of its cell, and where; '' for none."""
    beyond = beyond_tiers(view.scenario, shown.allocation)
    if not beyond:
        return ""
    words, programme = view.words, view.scenario.programme
    counties, tasks = programme.counties.names(words.lang), programme.task_names(words.lang)
    most = sorted(beyond, key=lambda cell: -beyond[cell])[:_NAMED]
    places = [
        words(
            "beyond.cell",
            county=counties[county],
            task=tasks[task],
            amount=amount_text(beyond[county, task]),
        )
        for county, task in most
    ]
    return words(
        "beyond",
        total=amount_text(sum(beyond.values())),
        money=programme.file.money.of(words.lang),
        cells=len(beyond),
        places=words("list").join(places),
    )


def unspent(view: RuleView, solution: Solution) -> str:
    """Why money is left; '' where none is, as it is shown."""
    left = solution.audit.unspent
    if left <= 0 or not amount_text(left).strip("0."):
        return ""
    words, scenario = view.words, solution.scenario
    points = metric_values(scenario, solution.baseline.audit.outcomes)
    idle = idle_money(
        scenario, solution.allocation, solution.audit, points, whole=solution.is_whole
    )
    titles = words("list").join(view.title(name) for name in idle.rules)
    said = [words("unspent.rules", titles=titles)] if titles else []
    if idle.free:
        said.append(words("unspent.open", count=idle.free))
    return words("unspent", why=words("pairs").join(said or [words("unspent.no-gain")]))


def index_line(view: RuleView) -> str:
    """What the index is, in one line; '' where nothing is worth points."""
    words, objective = view.words, view.scenario.spec.objective
    if not objective.has_points:
        return ""
    metrics = view.scenario.programme.file.metrics
    total = sum((abs(weight) for weight in objective.weights.values()), Fraction(0))
    known = {metric.id: metric.title.of(words.lang) for metric in metrics}
    parts = objective.normalise == "baseline"
    said = [
        words(
            "index.weight",
            title=known[name],
            weight=percent(weight, total) if parts else exact_text(weight),
        )
        for name, weight in objective.weights.items()
        if weight
    ]
    key = "index.baseline" if parts else "index.none"
    return words(key, weights=words("list").join(said))


def breaks_which(view: RuleView, title: str, audit: Audit) -> str:
    """Which rules an allocation breaks, and how many of them are assumptions; '' for none."""
    names, words = audit.broken_rules, view.words
    if not names:
        return ""
    assumed = assumed_rules(view.scenario, names)
    said = [
        words("breaks.assumed", title=view.title(name)) if name in assumed else view.title(name)
        for name in names
    ]
    told = {"title": title, "count": plain(len(names)), "assumed": plain(len(assumed))}
    return words("breaks.which", titles=words("list").join(said), **told)


def assumed_rules(scenario: Scenario, names: Sequence[str]) -> list[str]:
    """Those of some rules that are assumptions of the calculation."""
    grounds = {name: grounds_of(scenario, name) for name in names}
    return [name for name, one in grounds.items() if one is not None and one.basis == "assumption"]


def solver_notes(solution: Solution, words: Words) -> list[str]:
    """What the solver and the search said of themselves, a sentence each."""
    solver = solution.solver
    by_hand = SearchNote.BY_HAND in solver.notes
    said = [] if by_hand else [words("solver.name", name=solver.name, version=solver.version)]
    if solver.solver_gap is not None:
        said.append(words("solver.gap", gap=gap_text(solver.solver_gap)))
    if solver.rounding_loss is not None:
        said.append(words("solver.rounding", loss=gap_text(solver.rounding_loss)))
    proved, bound = "solver.proved", "solver.bound"
    if solution.audit.penalty:
        proved, bound = "solver.proved-less", "solver.bound-less"
    has_points = solution.scenario.spec.objective.has_points  # Else the bound is an aim's own.
    if has_points and solution.bound_proved is not None:
        said.append(words(proved, bound=at_most_text(solution.bound_proved)))
    if has_points and solution.bound_solver is not None:
        said.append(words(bound, bound=at_most_text(_exact(solution.bound_solver))))
    if solution.audit.penalty:
        said.append(words("solver.penalty", penalty=plain(solution.audit.penalty, 4)))
    return [*said, *search_notes(solution, words)]


def search_notes(solution: Solution, words: Words) -> list[str]:
    """What the search noted of its stages and its choice, and the second opinion: a solver's word,
    which nothing but a solve can tell."""
    notes, names = solution.solver.notes, _NOTES
    if not solution.scenario.spec.objective.has_points:
        names = _NOTES | _NOTES_OF_AIMS
    said = [
        words(names[note]) if isinstance(note, SearchNote) else words.told(note) for note in notes
    ]
    if solution.second_opinion:
        said.append(_second_opinion(solution.second_opinion, words))
    return said


_NOTES = {
    SearchNote.UNIQUE: "solver.tie-break.unique",
    SearchNote.CLOSED: "solver.tie-break.closed",
    SearchNote.WITHIN_GAP: "solver.tie-break.within",
    SearchNote.BEST_FOUND: "solver.tie-break.best-found",
    SearchNote.NOT_RUN: "solver.tie-break.not-run",
    SearchNote.ROUNDED: "solver.whole.rounded",
    SearchNote.BOX: "solver.whole.box",
    SearchNote.FUNDED: "solver.whole.funded",
    SearchNote.FLIPS: "solver.whole.flips",
    SearchNote.FULL: "solver.whole.full",
    SearchNote.DIRECT: "solver.whole.direct",
    SearchNote.AS_SOLVED: "solver.whole.as-solved",
    SearchNote.APART: "solver.apart",
    SearchNote.IN_ONE: "solver.in-one",
    SearchNote.ASKED: "solver.in-one.asked",
    SearchNote.ONE_COUNTY: "solver.in-one.county",
    SearchNote.MANY_LIMITS: "solver.in-one.many",
    SearchNote.LINKED: "solver.in-one.linked",
    SearchNote.AT_ONCE: "solver.in-one.at-once",
    SearchNote.NOT_CLOSED: "solver.in-one.not-closed",
    SearchNote.CONTRADICTED: "solver.bound-contradicted",
    **{note: long for note, (_, long) in _NOT_SEARCHED.items()},
    SearchNote.FEW_TOUCHED: "solver.few-touched",
    SearchNote.ROWS_GONE: "solver.bound-rows-gone",
    SearchNote.OTHER_OBJECTIVE: "solver.bound-other-objective",
}
"""What the search notes of itself → the label that says it."""

_NOTES_OF_AIMS = {
    SearchNote.UNIQUE: "solver.tie-break.aims-unique",
    SearchNote.CLOSED: "solver.tie-break.aims",
    SearchNote.WITHIN_GAP: "solver.tie-break.aims-within",
}
"""The same where the first aim is no sum of outcomes, so that there is no index."""


_OPINIONS = {True: "solver.second.agrees", False: "solver.second.against"}


def _second_opinion(said: Mapping[str, Any], words: Words) -> str:
    """What another solver found on the continuous model, and what that says of the answer."""
    named = {"name": said.get("solver", ""), "version": said.get("version", "")}
    if "agrees" not in said:
        return words("solver.second.none", **named, why=words.told(str(said.get("note", ""))))
    outcome = STATUSES.get(str(said.get("outcome")), "study.status.no-answer")
    return words(
        "solver.second",
        **named,
        outcome=words(outcome),
        objective=_opinion(said.get("objective")),
        bound=_opinion(said.get("bound")),
        verdict=words(_OPINIONS.get(said["agrees"], "solver.second.open")),
    )


def _opinion(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return plain(_exact(value), 6)
    return "-" if value is None else str(value)


# The options of a solve in words.

_OPTIONS = {
    "solver": "option.solver",
    "gap": "option.gap",
    "time_limit": "option.time-limit",
    "units": "option.units",
    "strategy": "option.strategy",
    "second_opinion": "option.second-opinion",
    "repaired": "option.repaired",
    "certificate": "option.certificate",
    "curve": "option.curve",
}
_CHOICES = {
    ("units", "whole"): "option.units.whole",
    ("units", "exact"): "option.units.exact",
    ("units", "continuous"): "option.units.continuous",
    ("strategy", "auto"): "option.strategy.auto",
    ("strategy", "decomposed"): "option.strategy.decomposed",
    ("strategy", "monolithic"): "option.strategy.monolithic",
}


def options_said(
    options: Mapping[str, Any], words: Words, *, has_points: bool = True
) -> list[tuple[str, str]]:
    """(what an option is, what was chosen) of a solve; one that this release has no word for as it
    is. Without points there can be no certificate, of which nothing is said."""
    silent = () if has_points else ("certificate",)
    return [
        (words(_OPTIONS[name]) if name in _OPTIONS else name, _chosen(name, value, words))
        for name, value in options.items()
        if value is not None and name not in silent
    ]


def _chosen(name: str, value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, str) and (name, value) in _CHOICES:
        return words(_CHOICES[name, value])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "gap" and number:
        return f"{exact_text(100 * parse_exact(value))}%"
    if name == "time_limit" and number:
        return words("status.seconds", seconds=exact_text(parse_exact(value)))
    return str(value)


def _exact(number: float) -> Fraction:
    return Fraction(repr(number))
