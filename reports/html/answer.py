"""The first screen: money, each metric against target and baselines, how good it is proven."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.programme import Metric
from models.solution import Solution
from optimizer.quality import quality_under
from reports.numbers import amount_text, counted, gap_text, percent, plain
from reports.svg import Drawing
from reports.view import remarks
from reports.view.allocation_view import PLAIN, broken_text, moved_text, unread_rules
from reports.view.page_model import PageColumn, PageModel
from reports.view.rule_view import findings_by_rule


@dataclass(frozen=True)
class Card:
    """One figure with what it is and a remark."""

    title: str
    figure: str
    remark: str
    mark: str = ""
    """`bad` where it is cause for alarm."""


@dataclass(frozen=True)
class AnswerRow:
    """One line of the table of outcomes."""

    title: str
    cells: tuple[str, ...]
    target: str = ""
    verdict: str = ""
    """Whether the target is met, in words; '' where there is none."""
    mark: str = ""
    """`metric`, `share` (of the line above), `bad`."""
    drawing: Markup | None = None


def cards(model: PageModel) -> list[Card]:
    """Money, proof, rules; and the index, where it is pushed."""
    told = [_money_card(model), _proof_card(model), _rules_card(model)]
    has_points = model.solution.scenario.spec.objective.has_points
    return [*told, _index_card(model)] if has_points else told


def _money_card(model: PageModel) -> Card:
    audit, words = model.solution.audit, model.words
    remark = words(
        "page.money.remark",
        budget=plain(model.solution.scenario.budget),
        left=remarks.left_over(audit.unspent, words),
    )
    title = words("page.money", money=model.money)
    return Card(title, amount_text(audit.spent), remark, "bad" if audit.unspent < 0 else "")


def _proof_card(model: PageModel) -> Card:
    solution, words = model.solution, model.words
    if (way := remarks.not_searched(solution)) is not None:
        return Card(words("page.proof"), words(way[0]), words(way[1]))
    best = solution.status == "optimal"
    said = words("page.optimal") if best else words("page.best-found")
    if solution.gap is None:
        return Card(words("page.proof"), said, words("page.no-bound"))
    if remarks.is_proved_best(solution):
        return Card(words("page.proof"), said, words("page.none-better"))
    remark = words(_GAPS[solution.source or "solver"], gap=gap_text(solution.gap))
    proved = _proved_gap(solution)
    if solution.source == "solver" and proved is not None:
        remark += words("page.clauses") + words("page.gap.proved", gap=gap_text(proved))
    return Card(words("page.proof"), said, remark)


def _proved_gap(solution: Solution) -> float | None:
    """The gap to what the certificate proves, whatever the solver says beside it."""
    bounds = (solution.bound_proved, None)
    return quality_under(*solution.reached, bounds, allowed=0.0, room=0.0).gap


_GAPS = {"proved": "page.gap.proved", "solver": "page.gap.solver"}


def _rules_card(model: PageModel) -> Card:
    audit, words = model.solution.audit, model.words
    read = len(findings_by_rule(audit))
    broken, unread = len(audit.broken_rules), len(unread_rules(model.solution.scenario))
    binding = len({f.rule for f in audit.findings if f.binding and f.rule not in PLAIN})
    off = sum(1 for rule in model.solution.scenario.spec.rules if not rule.enabled)
    said = words("page.rules.broken", count=broken) if broken else words("page.rules.kept")
    remark = words("page.rules.remark", read=read, binding=binding, off=off)
    if unread:
        remark = words("page.rules.unread", count=unread) + words("page.clauses") + remark
    return Card(words("page.rules"), said, remark, "bad" if broken or unread else "")


def _index_card(model: PageModel) -> Card:
    words = model.words
    metrics = [
        words(
            "index.beside",
            title=metric.title.of(words.lang),
            value=counted(metric, model.solution.audit.outcomes[metric.id]),
            unit=metric.unit.of(words.lang),
        )
        for metric in model.solution.scenario.programme.file.metrics
    ]
    said = []
    for column in model.columns[1:]:
        if column.shown.objective is not None:
            broken = len(column.shown.audit.broken_rules)
            names = column.shown.audit.broken_rules
            told = {
                "title": column.title,
                "index": plain(column.shown.objective, 4),
                "count": broken,
                "assumed": len(remarks.assumed_rules(model.solution.scenario, names)),
            }
            said.append(words("page.index.broken" if broken else "page.index.other", **told))
    title = words("row.index")
    parts = (words("list").join(texts) for texts in (metrics, said) if texts)
    return Card(title, plain(model.solution.objective, 4), words("pairs").join(parts))


def outcome_rows(model: PageModel) -> list[AnswerRow]:
    """Each metric with the highlighted groups' shares of it, then money and what it costs."""
    rows = []
    for metric in model.solution.scenario.programme.file.metrics:
        rows.append(_metric_row(model, metric))
        rows += _share_rows(model, metric.id)
    rows.append(
        AnswerRow(
            _money_title(model), tuple(amount_text(c.shown.audit.spent) for c in model.columns)
        )
    )
    rows += _share_rows(model, "amount")
    return rows + _closing_rows(model)


def _money_title(model: PageModel) -> str:
    return model.words("metric", title=model.words("row.spent"), unit=model.money)


def _metric_row(model: PageModel, metric: Metric) -> AnswerRow:
    words, target = model.words, metric.target
    values = [column.shown.audit.outcomes[metric.id] for column in model.columns]
    title = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    cells = tuple(counted(metric, value, target) for value in values)
    if target is None:
        return AnswerRow(
            title, cells, mark="metric", drawing=_bullet(model, (title, metric), values, None)
        )
    met = values[0] >= target
    by = plain(abs(metric.shown(values[0]) - target), 0 if metric.whole else 1)
    verdict = words("page.met" if met else "page.missed", by=by)
    drawing = _bullet(model, (title, metric), values, target)
    return AnswerRow(
        title, cells, plain(target), verdict, "metric" if met else "metric bad", drawing
    )


def _share_rows(model: PageModel, measure: str) -> list[AnswerRow]:
    """What part of a measure the highlighted groups have, column by column."""
    rows = []
    for group in model.labels.highlight:
        counties, tasks = model.selected(group.where)
        title = model.words("page.of-which", title=group.title.of(model.words.lang))
        shares = [_share(model, column, measure, (counties, tasks)) for column in model.columns]
        rows.append(AnswerRow(title, tuple(shares), mark="share"))
    return rows


def _share(
    model: PageModel,
    column: PageColumn,
    measure: str,
    block: tuple[tuple[int, ...], tuple[int, ...]],
) -> str:
    part = column.value(measure, *block) if all(block) else Fraction(0)
    return percent(part, column.value(measure, model.counties, model.tasks))


def _closing_rows(model: PageModel) -> list[AnswerRow]:
    """Money moved, broken rules and the index."""
    words, shown = model.words, [column.shown for column in model.columns]
    broken = tuple(broken_text(one, words) for one in shown)
    index = tuple("-" if one.objective is None else plain(one.objective, 4) for one in shown)
    rows = [AnswerRow(words("row.broken"), broken, mark="bad" if shown[0].audit.broken else "")]
    if any(one.moved is not None for one in shown):
        moved = tuple(moved_text(one, words) for one in shown)
        rows.insert(0, AnswerRow(words("row.moved"), moved))
    told = any(one.objective is not None for one in shown)
    return [*rows, AnswerRow(words("row.index"), index)] if told else rows


_BULLET, _BAR, _GAP = (190, 46), 10, 3


def _bullet(
    model: PageModel, of: tuple[str, Metric], values: list[Fraction], target: Fraction | None
) -> Markup | None:
    """A bar an allocation, one under the other, with a line at the target."""
    most = max([*values, target or Fraction(0)])
    if most <= 0 or min(values) < 0:
        return None
    (title, metric), (width, height) = of, _BULLET
    said = [f"{c.title} {counted(metric, v)}" for c, v in zip(model.columns, values, strict=True)]
    drawing = Drawing(width, height, title, model.words("list").join(said))
    scale = Fraction(width - 8) / most
    for at, (column, value) in enumerate(zip(model.columns, values, strict=True)):
        corner = (0, 4 + at * (_BAR + _GAP))
        drawing.rect(corner, (value * scale, _BAR), column.kind, said[at])
    if target is not None:
        drawing.line(((target * scale, 0), (target * scale, height)), "target")
    return drawing.markup("bullet")


def index_notes(model: PageModel) -> list[str]:
    """What the index is, and which rules each allocation breaks."""
    view = model.view
    said = [remarks.breaks_which(view, one.title, one.shown.audit) for one in model.columns]
    return [text for text in (remarks.index_line(view), *said) if text]


def notes(model: PageModel) -> list[str]:
    """How the response was calibrated, the other calibration's reading, how sure it is that rules
    are kept, why money is unspent."""
    view, shown = model.view, model.this.shown
    said = [remarks.calibration_note(view), *remarks.beside_notes(view, shown)]
    said += [remarks.without_effect(view, shown), remarks.how_sure(view, shown.allocation)]
    return [text for text in (*said, remarks.unspent(view, model.solution)) if text]
