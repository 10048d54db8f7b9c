"""Pages for the terminal: a solution, a check, a baseline, a scenario; text of a given width.

Every page is made as one text before anything is printed, so that a page is whole or absent.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from fractions import Fraction

from models.finding import Audit
from models.labels import read_labels
from models.programme import Programme
from models.scenario import Scenario
from models.sentences import sentence, state_words
from models.solution import Solution
from reports.layout import Paragraph, Part
from reports.numbers import gap_text, plain
from reports.readings import Shown, beside, calibration_of, holding_back, tightest, unread_rules
from reports.rule_table import LISTED_BREACHES, Desk, broken_grids, findings_by_rule, rule_grid
from reports.tables import Grid, Line, group_grid, money_grid, outcome_grid
from reports.words import Words

_WIDEST = 140
_FEW = 5
"""So many titles stand in one line of the head."""


def page_width() -> int:
    """Columns of the terminal (COLUMNS first), 100 where there is none, 140 at most."""
    return max(40, min(_WIDEST, shutil.get_terminal_size((100, 24)).columns))


def solution_page(solution: Solution, words: Words) -> list[Part]:
    """What `allot solve` shows."""
    scenario, audit = solution.scenario, solution.audit
    desk = Desk(scenario, read_labels(scenario.programme), words)
    shown = [Shown(words("column.this"), solution.allocation, audit, solution.objective)]
    base, mended = solution.baseline, solution.repaired
    shown.append(Shown(words("column.baseline"), base.allocation, base.audit, base.objective))
    if mended is not None:
        title = words("column.repaired")
        least = mended.moved_at_least
        shown.append(
            Shown(title, mended.allocation, mended.audit, mended.objective, mended.moved, least)
        )
    return [
        *_head(desk, words("draft"), audit),
        Paragraph(""),
        *_notes(desk, shown[0]),
        Paragraph(_status(solution, words)),
        Paragraph(_money(scenario, audit, words)),
        *_unspent(desk, solution),
        outcome_grid(scenario, shown, desk.labels, words),
        *_where_money_goes(desk, shown[0]),
        rule_grid(desk, audit),
        *_tightest(desk, audit),
        *_solver_notes(solution, words),
    ]


def check_page(scenario: Scenario, shown: Shown, words: Words, name: str) -> list[Part]:
    """What `allot check` and `allot baseline` show: broken rules first, then everything else."""
    desk = Desk(scenario, read_labels(scenario.programme), words)
    audit = shown.audit
    parts: list[Part] = [
        *_head(desk, words("check.of", name=name), audit),
        Paragraph(""),
        *_notes(desk, shown),
        Paragraph(_money(scenario, audit, words)),
    ]
    for said, grid in broken_grids(desk, audit):
        parts += [grid, Paragraph("  " + said, indent=2)]
    parts.append(rule_grid(desk, audit))
    parts += _tightest(desk, audit)
    parts.append(outcome_grid(scenario, [shown], desk.labels, words))
    return [*parts, *_where_money_goes(desk, shown)]


def scenario_page(scenario: Scenario, words: Words) -> list[Part]:
    """What `allot validate` shows: the scenario in words, rule by rule."""
    programme = scenario.programme
    desk = Desk(scenario, read_labels(programme), words)
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
    if scenario.changes:
        parts.append(Paragraph(words("validate.changes", changes="; ".join(scenario.changes))))
    lines = []
    for rule in scenario.spec.rules:
        said = sentence(rule, programme, words.lang, desk.labels)
        basis = words(_BASIS[rule.basis]) if rule.enabled else state_words(rule, None, words.lang)
        lines.append(Line((rule.id, said, basis)))
    header = (words("column.id"), words("column.sentence"), words("column.grounds"))
    return [*parts, Grid(words("title.sentences"), header, tuple(lines), frozenset({0, 1, 2}))]


_BASIS = {
    "clause": "basis.clause",
    "target": "basis.target",
    "practice": "basis.practice",
    "assumption": "basis.assumption",
}


def _head(desk: Desk, subtitle: str, audit: Audit) -> list[Part]:
    """Titles, and why the paper is no more than a draft: broken rules, clauses not read."""
    scenario, words = desk.scenario, desk.words
    parts: list[Part] = [*_titles(scenario, words), Paragraph(subtitle, "bold")]
    for key, names in (
        ("draft.broken", audit.broken_rules),
        ("draft.unread", unread_rules(scenario)),
    ):
        if names:
            text = words(key, count=len(names), titles=_few(desk, names))
            parts.append(Paragraph(text, "bold red"))
    return parts


def _few(desk: Desk, names: Sequence[str]) -> str:
    titles = desk.words("list").join(desk.title(name) for name in names[:_FEW])
    rest = len(names) - _FEW
    return desk.words("and-more", titles=titles, count=rest) if rest > 0 else titles


def _titles(scenario: Scenario, words: Words) -> list[Part]:
    title = words("scenario.title", title=scenario.spec.title.of(words.lang), name=scenario.name)
    return [Paragraph(scenario.programme.file.title.of(words.lang), "bold"), Paragraph(title)]


def _notes(desk: Desk, shown: Shown) -> list[Part]:
    """The calibration's own note, and the other calibration's reading of the same allocation."""
    scenario, words = desk.scenario, desk.words
    chosen = calibration_of(scenario)
    if chosen is None:
        return []
    parts: list[Part] = []
    if chosen.note is not None:
        parts.append(
            Paragraph(words("note.calibration", note=chosen.note.of(words.lang)), "italic")
        )
    other = beside(scenario, shown.allocation)
    if other is not None:
        name, audit = other
        said = [_reading(scenario.programme, audit, metric, words) for metric in audit.outcomes]
        parts.append(Paragraph(words("note.beside", name=name, outcomes=words("list").join(said))))
        note = scenario.programme.file.calibrations[name].note
        if note is not None:
            parts.append(Paragraph(words("note.of", name=name, note=note.of(words.lang))))
    return parts


def _reading(programme: Programme, audit: Audit, metric: str, words: Words) -> str:
    row = programme.file.metrics[programme.metrics.index(metric)]
    number = plain(audit.outcomes[metric], 1)
    return words(
        "note.outcome",
        title=row.title.of(words.lang),
        number=number,
        unit=row.unit.of(words.lang),
    )


def _status(solution: Solution, words: Words) -> str:
    gap = None if solution.gap is None else gap_text(solution.gap)
    if gap is None:
        text = words("status.unbounded")
    else:
        key = "status.optimal" if solution.status == "optimal" else "status.feasible"
        text = words(key, gap=gap)
    seconds = words("status.seconds", seconds=f"{solution.seconds:,.1f}")
    return words("status", status=text, seconds=seconds)


def _money(scenario: Scenario, audit: Audit, words: Words) -> str:
    return words(
        "money",
        money=scenario.programme.file.money.of(words.lang),
        budget=plain(scenario.budget),
        spent=plain(audit.spent),
        unspent=plain(audit.unspent),
    ) + _last_year(scenario, audit, words)


def _last_year(scenario: Scenario, audit: Audit, words: Words) -> str:
    """This year's money against last year's, where the scenario has it."""
    if scenario.last_year is None:
        return ""
    total = scenario.last_year.total
    change = audit.spent - total
    return words(
        "money.last-year",
        total=plain(total),
        change=("+" if change > 0 else "") + plain(change),
        money=scenario.programme.file.money.of(words.lang),
    )


def _unspent(desk: Desk, solution: Solution) -> list[Part]:
    """Why money is left, as far as the findings tell."""
    if not solution.audit.unspent:
        return []
    words = desk.words
    titles = [desk.title(name) for name in holding_back(solution)]
    if titles:
        return [Paragraph(words("unspent.rules", titles=words("list").join(titles)))]
    return [Paragraph(words("unspent.no-gain"))]


def _where_money_goes(desk: Desk, shown: Shown) -> list[Part]:
    grid = money_grid(desk.scenario, shown, desk.labels, desk.words)
    by_group = group_grid(desk.scenario, shown, desk.labels, desk.words)
    return [grid] if by_group is None else [grid, by_group]


_PLAIN = ("whole-units", "eligibility", "locks")
"""Reserved findings that never leave room; there is nothing to learn from their being binding."""


def _tightest(desk: Desk, audit: Audit) -> list[Part]:
    """The rules that leave no room, with the number of their limits that do."""
    words, said = desk.words, []
    for name, findings in findings_by_rule(audit).items():
        binding = [finding for finding in findings if finding.binding]
        if not binding or name in _PLAIN:
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
    return [
        Paragraph(""),
        Paragraph(words("title.binding"), "bold"),
        Paragraph("  " + text, indent=2),
    ]


def _solver_notes(solution: Solution, words: Words) -> list[Part]:
    solver = solution.solver
    said = [words("solver.name", name=solver.name, version=solver.version)]
    if solver.solver_gap is not None:
        said.append(words("solver.gap", gap=gap_text(solver.solver_gap)))
    if solver.rounding_loss is not None:
        said.append(words("solver.rounding", loss=gap_text(solver.rounding_loss)))
    if solution.bound is not None:
        said.append(words("solver.bound", bound=plain(_exact(solution.bound), 6)))
    if solution.audit.penalty:
        said.append(words("solver.penalty", penalty=plain(solution.audit.penalty, 4)))
    said += [words(_SOLVER_NOTES[note]) if note in _SOLVER_NOTES else note for note in solver.notes]
    if solution.second_opinion:
        pairs = ", ".join(f"{key} {_opinion(v)}" for key, v in solution.second_opinion.items())
        said.append(words("solver.second", text=pairs))
    lines = [Paragraph(f"  - {text}", indent=4) for text in said]
    return [Paragraph(""), Paragraph(words("title.solver"), "bold"), *lines]


_SOLVER_NOTES = {
    "tie-break closed": "solver.tie-break.closed",
    "tie-break within the gap": "solver.tie-break.within",
    "tie-break best found": "solver.tie-break.best-found",
    "tie-break not run": "solver.tie-break.not-run",
    "whole units box": "solver.whole.box",
    "whole units funded": "solver.whole.funded",
    "whole units flips": "solver.whole.flips",
    "whole units full": "solver.whole.full",
    "whole units direct": "solver.whole.direct",
    "bound contradicted": "solver.bound-contradicted",
}
"""What the search notes of itself → the label that says it."""


def _opinion(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return plain(_exact(value), 6)
    return "-" if value is None else str(value)


def _exact(number: float) -> Fraction:
    return Fraction(repr(number))
