"""What `solve`, `check`, `baseline` and `validate` say, and their JSON documents."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models.aim_sentences import aim_sentence
from models.allocation import Allocation
from models.finding import Audit, Finding
from models.metadata import read_labels
from models.scenario import Scenario
from models.sentences import sentence, state_words
from models.solution import AimReached, Comparison, Solution
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.numbers import plain
from reports.view import remarks
from reports.view.aim_view import aim_grid, aim_lines
from reports.view.allocation_view import (
    PLAIN,
    AllocationView,
    group_grid,
    money_grid,
    outcome_grid,
    solution_views,
    tightest,
    unread_rules,
)
from reports.view.rule_view import (
    BASIS,
    LISTED_BREACHES,
    RuleView,
    broken_grids,
    findings_by_rule,
    rule_grid,
)


def solution_page(solution: Solution, words: Words) -> Document:
    """What `allot solve` shows."""
    scenario, audit = solution.scenario, solution.audit
    view = RuleView(scenario, read_labels(scenario.programme), words)
    shown = solution_views(solution, words)
    parts = [
        *_head(view, words("draft"), audit),
        Paragraph(""),
        *_notes(view, shown[0]),
        Paragraph(_status(solution, words)),
        Paragraph(remarks.money(scenario, audit, words)),
        *_paragraphs([remarks.without_effect(view, shown[0]), remarks.unspent(view, solution)]),
        outcome_grid(scenario, shown, view.labels, words),
        *_paragraphs(
            [
                remarks.index_line(view),
                *(remarks.breaks_which(view, one.title, one.audit) for one in shown[1:]),
            ]
        ),
        *([aims] if (aims := aim_grid(solution, words)) is not None else []),
        *_where_money_goes(view, shown[0]),
        rule_grid(view, audit),
        *_tightest(view, audit),
    ]
    return Document(_title(scenario, words), tuple(parts), _solver_notes(solution, words))


def check_page(scenario: Scenario, shown: AllocationView, words: Words, name: str) -> Document:
    """What `allot check` and `allot baseline` show: broken rules first, then everything else."""
    view = RuleView(scenario, read_labels(scenario.programme), words)
    audit = shown.audit
    parts: list[Part] = [
        *_head(view, words("check.of", name=name), audit),
        Paragraph(""),
        *_notes(view, shown),
        Paragraph(remarks.money(scenario, audit, words)),
        *_paragraphs([remarks.without_effect(view, shown)]),
    ]
    for said, grid in broken_grids(view, audit):
        parts += [grid, Paragraph(said, indent=2, start=2)]
    parts.append(rule_grid(view, audit))
    parts += _tightest(view, audit)
    parts.append(outcome_grid(scenario, [shown], view.labels, words))
    return Document(_title(scenario, words), (*parts, *_where_money_goes(view, shown)))


def scenario_page(scenario: Scenario, words: Words) -> Document:
    """What `allot validate` shows: the scenario in words, rule by rule."""
    programme = scenario.programme
    view = RuleView(scenario, read_labels(programme), words)
    counties, tasks = programme.shape
    counts = words(
        "validate.counts",
        counties=counties,
        tasks=tasks,
        metrics=len(programme.metrics),
        rules=len(scenario.rules),
        budget=plain(scenario.budget),
        money=programme.file.money.of(words.lang),
    )
    parts: list[Part] = [*_titles(scenario, words), Paragraph(counts)]
    parts += [item(text) for text in aim_lines(scenario, words)]
    lines = []
    for rule in scenario.spec.rules:
        said = sentence(rule, programme, words.lang, view.labels)
        basis = words(BASIS[rule.basis]) if rule.enabled else state_words(rule, None, words.lang)
        lines.append(Line((said, basis, rule.id)))
    header = (words("column.sentence"), words("column.grounds"), words("column.id"))
    grid = Grid(words("title.sentences"), header, tuple(lines), frozenset({0, 1, 2}))
    return Document(_title(scenario, words), (*parts, grid))


def _head(view: RuleView, subtitle: str, audit: Audit) -> list[Part]:
    """Titles, and why the paper is no more than a draft: broken rules, clauses not read."""
    scenario, words = view.scenario, view.words
    parts: list[Part] = [*_titles(scenario, words), Paragraph(subtitle, "strong")]
    parts += [Paragraph(text, "alarm") for text in remarks.alarms(view, audit)]
    return parts


def _title(scenario: Scenario, words: Words) -> str:
    return scenario.programme.file.title.of(words.lang)


def _titles(scenario: Scenario, words: Words) -> list[Part]:
    title = words("scenario.title", title=scenario.spec.title.of(words.lang), name=scenario.name)
    return _paragraphs([title, remarks.changes(scenario, words)])


def _notes(view: RuleView, shown: AllocationView) -> list[Part]:
    """The calibration's own note, and the other calibration's reading of the same allocation."""
    own = remarks.calibration_note(view)
    return [
        *([Paragraph(own, "remark")] if own else []),
        *_paragraphs(remarks.beside_notes(view, shown)),
    ]


def _paragraphs(texts: Sequence[str]) -> list[Part]:
    return [Paragraph(text) for text in texts if text]


def _status(solution: Solution, words: Words) -> str:
    seconds = words("status.seconds", seconds=f"{solution.seconds:,.1f}")
    return words("status", status=remarks.status(solution, words), seconds=seconds)


def _where_money_goes(view: RuleView, shown: AllocationView) -> list[Part]:
    grid = money_grid(view.scenario, shown, view.labels, view.words)
    by_group = group_grid(view.scenario, shown, view.labels, view.words)
    return [grid] if by_group is None else [grid, by_group]


def _tightest(view: RuleView, audit: Audit) -> list[Part]:
    """The rules that leave no room, and those within a unit of a limit."""
    words = view.words
    parts: list[Part] = []
    for title, is_one in (
        ("title.binding", lambda one: one.binding),
        ("title.near", lambda one: one.near),
    ):
        said = [
            _close(view, findings, close)
            for name, findings in findings_by_rule(audit).items()
            if name not in PLAIN and (close := list(filter(is_one, findings)))
        ]
        if said or title == "title.binding":
            text = words("list").join(said) or words("none")
            parts += [Paragraph(words(title), "heading"), Paragraph(text, indent=2, start=2)]
    return parts


def _close(view: RuleView, findings: Sequence[Finding], close: Sequence[Finding]) -> str:
    """A rule, and how many of its limits leave no room, or little."""
    single = len(findings) == 1 or findings[0].rule in LISTED_BREACHES
    worst = tightest(close)
    return view.words(
        "binding.one" if single else "binding.many",
        title=view.title(worst.rule),
        slack=view.slack(worst),
        count=len(close),
        limits=len(findings),
        place=view.group(worst),
    )


def _solver_notes(solution: Solution, words: Words) -> tuple[Paragraph, ...]:
    heading = Paragraph(words("title.solver"), "heading")
    return heading, *map(item, remarks.solver_notes(solution, words))


# The same for `--json`: exact numbers, in the shape that the command line promises.


def solution_view(solution: Solution) -> dict[str, Any]:
    """`solve --json`."""
    solver = solution.solver
    return {
        "scenario": solution.scenario.name,
        "status": solution.status,
        "objective": solution.objective,
        "bound": solution.bound,
        "bound_proved": solution.bound_proved,
        "bound_solver": solution.bound_solver,
        "gap": solution.gap,
        "source": solution.source,
        "solver_gap": solver.solver_gap,
        "rounding_loss": solver.rounding_loss,
        **_reading(solution.scenario, solution.audit),
        "penalty": solution.audit.penalty,
        "baseline": _comparison(solution.baseline),
        "repaired": None if solution.repaired is None else _comparison(solution.repaired),
        "allocation": _amounts(solution.scenario, solution.allocation),
        "outside": _outside(solution.allocation),
        "findings": [_finding(finding) for finding in solution.audit.findings],
        "solver": {"name": solver.name, "version": solver.version, "notes": list(solver.notes)},
        "second_opinion": solution.second_opinion,
        **({"aims": [_aim(one) for one in solution.aims]} if solution.aims else {}),
        "seconds": solution.seconds,
    }


def _aim(one: AimReached) -> dict[str, Any]:
    return {
        "aim": one.push.number,
        "stage": one.push.stage,
        "rank": one.push.rank,
        "found": one.found,
        "bound": one.bound,
        "closed": one.closed,
        "allowed": one.allowed,
        "given_up": one.given_up,
        "value": one.value,
    }


def check_view(scenario: Scenario, allocation: Allocation, audit: Audit) -> dict[str, Any]:
    """`check --json`; of `baseline --json` too, with the allocation itself."""
    return {
        "scenario": scenario.name,
        **_reading(scenario, audit),
        "allocation": _amounts(scenario, allocation),
        "outside": _outside(allocation),
        "findings": [_finding(finding) for finding in audit.findings],
    }


def scenario_view(scenario: Scenario) -> dict[str, Any]:
    """`validate --json`."""
    programme = scenario.programme
    labels = read_labels(programme)
    return {
        "scenario": scenario.name,
        "title": _both(scenario.spec.title),
        "programme": programme.file.id,
        "budget": scenario.budget,
        "counties": len(programme.counties),
        "tasks": len(programme.tasks),
        "metrics": list(programme.metrics),
        "changes": list(scenario.changes),
        **({"aims": _said(scenario)} if scenario.spec.objective.aims else {}),
        "rules": [
            {
                "rule": rule.id,
                "enabled": rule.enabled,
                "basis": rule.basis,
                "sentence": {
                    lang: sentence(rule, programme, lang, labels) for lang in ("zh", "en")
                },
            }
            for rule in scenario.spec.rules
        ],
    }


def _said(scenario: Scenario) -> list[Any]:
    return [
        {lang: aim_sentence(aim, scenario.programme, lang) for lang in ("zh", "en")}
        for aim in scenario.spec.objective.aims
    ]


def _reading(scenario: Scenario, audit: Audit) -> dict[str, Any]:
    return {
        "money": {"budget": scenario.budget, "spent": audit.spent, "unspent": audit.unspent},
        "outcomes": dict(audit.outcomes),
        "broken": list(audit.broken_rules),
        "unread": unread_rules(scenario),
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "outcomes": dict(comparison.audit.outcomes),
        "broken": list(comparison.audit.broken_rules),
        "objective": comparison.objective,
        "moved": comparison.moved,
        "moved_at_least": comparison.moved_at_least,
    }


def _amounts(scenario: Scenario, allocation: Allocation) -> list[Any]:
    """The cells with money, in the order of the programme's tables."""
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    return [
        {"county": county, "task": task, "amount": Fraction(allocation.amounts[c, t])}
        for c, county in enumerate(counties)
        for t, task in enumerate(tasks)
        if allocation.amounts[c, t]
    ]


def _outside(allocation: Allocation) -> list[Any]:
    return [
        {"code": code, "name": name, "amount": amount} for code, name, amount in allocation.outside
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "key": dict(finding.key),
        "value": finding.value,
        "lower": finding.lower,
        "upper": finding.upper,
        "slack": finding.slack,
        "holds": finding.holds,
        "binding": finding.binding,
        "near": finding.near,
        "state": finding.state,
        **({"margin": finding.margin} if finding.margin else {}),
    }


def _both(text: Any) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
