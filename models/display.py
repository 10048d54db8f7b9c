"""What a notebook shows of the big objects: a few lines in place of a whole programme's numbers."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context
from fractions import Fraction
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.allocation import Allocation
    from models.finding import Audit
    from models.programme import Programme
    from models.scenario import Scenario
    from models.solution import Comparison, Solution


_MOST_PLACES = 9
_WIDTH = 100


def scenario_text(scenario: Scenario) -> str:
    """Name, programme, budget, how many rules, calibration with its note, changes."""
    switched_off = len(scenario.spec.rules) - len(scenario.rules)
    money = scenario.programme.file.money.en
    lines = [
        f"Scenario {scenario.name}: {scenario.spec.title.en}",
        _line("programme", programme_words(scenario.programme)),
        _line("budget", f"{scenario.budget:,} ({money})"),
        _line("rules", f"{len(scenario.rules)} in force, {switched_off} switched off"),
        *_calibration(scenario),
        *(_line("changed", change) for change in scenario.changes),
    ]
    return "\n".join(lines)


def solution_text(solution: Solution) -> str:
    """Status, gap, money, outcomes beside targets and baseline, rules broken and binding."""
    scenario, audit = solution.scenario, solution.audit
    lines = [
        f"Solution of {scenario.name}: {solution.status}, {_gap_words(solution.gap)}",
        *_calibration(scenario),
        _line("money", f"{number(audit.spent)} of {scenario.budget:,} spent, " + _cells(solution)),
    ]
    for metric in scenario.programme.file.metrics:
        value = number(audit.outcomes[metric.id], metric.target)
        base = number(solution.baseline.audit.outcomes[metric.id])
        target = "no target" if metric.target is None else f"target {number(metric.target)}"
        lines.append(_line(metric.id, f"{value} {metric.unit.en} ({target}, baseline {base})"))
    return "\n".join([*lines, *_rules(audit), *_unread(scenario)])


def audit_text(audit: Audit) -> str:
    """Rules broken and binding, money, outcomes."""
    outcomes = ", ".join(f"{name} {number(value)}" for name, value in audit.outcomes.items())
    money = f"{number(audit.spent)} spent, {number(audit.unspent)} unspent"
    lines = [
        f"Audit: {len(audit.broken)} of {len(audit.findings)} limits broken",
        _line("money", money),
        _line("outcomes", outcomes),
        *_rules(audit),
    ]
    return "\n".join(lines)


def comparison_text(comparison: Comparison) -> str:
    """What moved, and the audit of the allocation to compare with."""
    moved = "" if comparison.moved is None else f", {number(comparison.moved)} money units moved"
    return f"Comparison{moved}\n{audit_text(comparison.audit)}"


def programme_words(programme: Programme) -> str:
    """Id, size of the grid, metrics."""
    counties, tasks = programme.shape
    return f"{programme.file.id}, {counties} counties × {tasks} tasks for " + ", ".join(
        programme.metrics
    )


def allocation_words(allocation: Allocation) -> str:
    """Money, and how many cells of the grid hold it."""
    funded = sum(1 for amount in allocation.amounts.ravel() if amount)
    outside = len(allocation.outside)
    beside = f" and {outside} places outside the grid" if outside else ""
    return (
        f"{number(allocation.spent)} money units in {funded} of "
        f"{allocation.amounts.size} cells{beside}"
    )


def number(value: Fraction, beside: Fraction | None = None) -> str:
    """One decimal, or none where the number is whole; more decimals where a number near `beside`
    would read as equal to it."""
    places = 0 if value.denominator == 1 else 1
    while beside is not None and places < _MOST_PLACES and value != beside:
        if round(value, places) != beside:
            break
        places += 1
    return f"{float(round(value, places)):,.{places}f}"


def _line(word: str, text: str) -> str:
    first, rest = f"  {word:<12}", " " * 14
    return fill(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _calibration(scenario: Scenario) -> list[str]:
    chosen = scenario.programme.calibration(scenario.spec.calibration)
    if chosen is None:
        return []
    name = scenario.spec.calibration or next(iter(scenario.programme.file.calibrations))
    notes = dict.fromkeys([chosen.note.zh, chosen.note.en] if chosen.note else [])
    return [_line("calibration", name), *(_line("", note) for note in notes)]


def _gap_words(gap: float | None) -> str:
    if gap is None:
        return "no bound proven"
    least = 1e-6  # Below that a gap is what the solver's own tolerances leave of it.
    percent = Context(prec=2, rounding=ROUND_CEILING).create_decimal(repr(max(100 * gap, least)))
    return f"proven within {percent:f}% of the bound"


def _cells(solution: Solution) -> str:
    amounts = solution.allocation.amounts
    funded = sum(1 for amount in amounts.ravel() if amount)
    return f"{funded} of {amounts.size} cells funded"


def _rules(audit: Audit) -> list[str]:
    bent = [finding.rule for finding in audit.findings if finding.state == "bent"]
    binding = [f.rule for f in audit.findings if f.binding and f.rule != "whole-units"]
    found = {"broken": audit.broken_rules, "bent": bent, "binding": binding}
    return [
        _line(word, ", ".join(dict.fromkeys(rules)) or "none")
        for word, rules in found.items()
        if rules or word == "broken"
    ]


def _unread(scenario: Scenario) -> list[str]:
    unread = [rule.id for rule in scenario.rules if rule.clause and not rule.clause.seen]
    return [_line("not read", ", ".join(unread))] if unread else []
