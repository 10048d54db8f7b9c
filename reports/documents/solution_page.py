"""What `solve`, `check`, `baseline` and `validate` say."""

from __future__ import annotations

from collections.abc import Sequence

from models.finding import Audit
from models.metadata import read_labels
from models.scenario import Scenario
from models.sentences import sentence, state_words
from models.solution import Solution
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.numbers import plain
from reports.view import remarks
from reports.view.allocation_view import PLAIN, AllocationView, tightest
from reports.view.rule_view import (
    LISTED_BREACHES,
    RuleView,
    broken_grids,
    findings_by_rule,
    rule_grid,
)
from reports.view.tables import group_grid, money_grid, outcome_grid


def solution_page(solution: Solution, words: Words) -> Document:
    """What `allot solve` shows."""
    scenario, audit = solution.scenario, solution.audit
    desk = RuleView(scenario, read_labels(scenario.programme), words)
    moved = solution.allocation.moved_from(solution.baseline.allocation)
    shown = [
        AllocationView(words("column.this"), solution.allocation, audit, solution.objective, moved)
    ]
    base, mended = solution.baseline, solution.repaired
    shown.append(
        AllocationView(words("column.baseline"), base.allocation, base.audit, base.objective)
    )
    if mended is not None:
        title = words("column.repaired")
        least = mended.moved_at_least
        shown.append(
            AllocationView(
                title, mended.allocation, mended.audit, mended.objective, mended.moved, least
            )
        )
    parts = [
        *_head(desk, words("draft"), audit),
        Paragraph(""),
        *_notes(desk, shown[0]),
        Paragraph(_status(solution, words)),
        Paragraph(remarks.money(scenario, audit, words)),
        *_paragraphs([remarks.without_effect(desk, shown[0]), remarks.unspent(desk, solution)]),
        outcome_grid(scenario, shown, desk.labels, words),
        *_where_money_goes(desk, shown[0]),
        rule_grid(desk, audit),
        *_tightest(desk, audit),
    ]
    return Document(_title(scenario, words), tuple(parts), _solver_notes(solution, words))


def check_page(scenario: Scenario, shown: AllocationView, words: Words, name: str) -> Document:
    """What `allot check` and `allot baseline` show: broken rules first, then everything else."""
    desk = RuleView(scenario, read_labels(scenario.programme), words)
    audit = shown.audit
    parts: list[Part] = [
        *_head(desk, words("check.of", name=name), audit),
        Paragraph(""),
        *_notes(desk, shown),
        Paragraph(remarks.money(scenario, audit, words)),
        *_paragraphs([remarks.without_effect(desk, shown)]),
    ]
    for said, grid in broken_grids(desk, audit):
        parts += [grid, Paragraph(said, indent=2, start=2)]
    parts.append(rule_grid(desk, audit))
    parts += _tightest(desk, audit)
    parts.append(outcome_grid(scenario, [shown], desk.labels, words))
    return Document(_title(scenario, words), (*parts, *_where_money_goes(desk, shown)))


def scenario_page(scenario: Scenario, words: Words) -> Document:
    """What `allot validate` shows: the scenario in words, rule by rule."""
    programme = scenario.programme
    desk = RuleView(scenario, read_labels(programme), words)
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
    lines = []
    for rule in scenario.spec.rules:
        said = sentence(rule, programme, words.lang, desk.labels)
        basis = words(_BASIS[rule.basis]) if rule.enabled else state_words(rule, None, words.lang)
        lines.append(Line((rule.id, said, basis)))
    header = (words("column.id"), words("column.sentence"), words("column.grounds"))
    grid = Grid(words("title.sentences"), header, tuple(lines), frozenset({0, 1, 2}))
    return Document(_title(scenario, words), (*parts, grid))


_BASIS = {
    "clause": "basis.clause",
    "target": "basis.target",
    "practice": "basis.practice",
    "assumption": "basis.assumption",
}


def _head(desk: RuleView, subtitle: str, audit: Audit) -> list[Part]:
    """Titles, and why the paper is no more than a draft: broken rules, clauses not read."""
    scenario, words = desk.scenario, desk.words
    parts: list[Part] = [*_titles(scenario, words), Paragraph(subtitle, "strong")]
    parts += [Paragraph(text, "alarm") for text in remarks.alarms(desk, audit)]
    return parts


def _title(scenario: Scenario, words: Words) -> str:
    return scenario.programme.file.title.of(words.lang)


def _titles(scenario: Scenario, words: Words) -> list[Part]:
    title = words("scenario.title", title=scenario.spec.title.of(words.lang), name=scenario.name)
    return _paragraphs([title, remarks.changes(scenario, words)])


def _notes(desk: RuleView, shown: AllocationView) -> list[Part]:
    """The calibration's own note, and the other calibration's reading of the same allocation."""
    own = remarks.calibration_note(desk)
    return [
        *([Paragraph(own, "remark")] if own else []),
        *_paragraphs(remarks.beside_notes(desk, shown)),
    ]


def _paragraphs(texts: Sequence[str]) -> list[Part]:
    return [Paragraph(text) for text in texts if text]


def _status(solution: Solution, words: Words) -> str:
    seconds = words("status.seconds", seconds=f"{solution.seconds:,.1f}")
    return words("status", status=remarks.status(solution, words), seconds=seconds)


def _where_money_goes(desk: RuleView, shown: AllocationView) -> list[Part]:
    grid = money_grid(desk.scenario, shown, desk.labels, desk.words)
    by_group = group_grid(desk.scenario, shown, desk.labels, desk.words)
    return [grid] if by_group is None else [grid, by_group]


def _tightest(desk: RuleView, audit: Audit) -> list[Part]:
    """The rules that leave no room, with the number of their limits that do."""
    words, said = desk.words, []
    for name, findings in findings_by_rule(audit).items():
        binding = [finding for finding in findings if finding.binding]
        if not binding or name in PLAIN:
            continue
        key = "binding.one" if len(findings) == 1 or name in LISTED_BREACHES else "binding.many"
        worst = tightest(binding)
        said.append(
            words(
                key,
                title=desk.title(name),
                slack=desk.slack(worst),
                count=len(binding),
                limits=len(findings),
                place=desk.group(worst),
            )
        )
    text = words("list").join(said) or words("none")
    return [Paragraph(words("title.binding"), "heading"), Paragraph(text, indent=2, start=2)]


def _solver_notes(solution: Solution, words: Words) -> tuple[Paragraph, ...]:
    heading = Paragraph(words("title.solver"), "heading")
    return heading, *map(item, remarks.solver_notes(solution, words))
