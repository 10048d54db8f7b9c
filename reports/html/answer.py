"""The first screen: money, each metric against target and baselines, how good it is proven."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.programme import Metric
from reports.numbers import amount_text, figure, gap_text, percent, plain, room
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


def cards(sheet: PageModel) -> list[Card]:
    """Money, proof, rules, index."""
    return [_money_card(sheet), _proof_card(sheet), _rules_card(sheet), _index_card(sheet)]


def _money_card(sheet: PageModel) -> Card:
    audit, words = sheet.solution.audit, sheet.words
    remark = words(
        "page.money.remark",
        budget=plain(sheet.solution.scenario.budget),
        unspent=amount_text(audit.unspent),
        money=sheet.money,
    )
    title = words("page.money", money=sheet.money)
    return Card(title, amount_text(audit.spent), remark, "bad" if audit.unspent < 0 else "")


def _proof_card(sheet: PageModel) -> Card:
    solution, words = sheet.solution, sheet.words
    best = solution.status == "optimal"
    said = words("page.optimal") if best else words("page.best-found")
    if solution.gap is None:
        return Card(words("page.proof"), said, words("page.no-bound"))
    gap = words("page.gap", gap=gap_text(solution.gap))
    return Card(words("page.proof"), said, gap)


def _rules_card(sheet: PageModel) -> Card:
    audit, words = sheet.solution.audit, sheet.words
    read = len(findings_by_rule(audit))
    broken, unread = len(audit.broken_rules), len(unread_rules(sheet.solution.scenario))
    binding = len({f.rule for f in audit.findings if f.binding and f.rule not in PLAIN})
    off = sum(1 for rule in sheet.solution.scenario.spec.rules if not rule.enabled)
    said = words("page.rules.broken", count=broken) if broken else words("page.rules.kept")
    remark = words("page.rules.remark", read=read, binding=binding, off=off)
    if unread:
        remark = words("page.rules.unread", count=unread) + words("page.clauses") + remark
    return Card(words("page.rules"), said, remark, "bad" if broken or unread else "")


def _index_card(sheet: PageModel) -> Card:
    words = sheet.words
    said = []
    for column in sheet.columns[1:]:
        if column.shown.objective is not None:
            broken = len(column.shown.audit.broken_rules)
            key = "page.index.broken" if broken else "page.index.other"
            index = plain(column.shown.objective, 4)
            said.append(words(key, title=column.title, index=index, count=broken))
    title = words("row.index")
    return Card(title, plain(sheet.solution.objective, 4), words("list").join(said))


def outcome_rows(sheet: PageModel) -> list[AnswerRow]:
    """Each metric with the highlighted groups' shares of it, then money and what it costs."""
    rows = []
    for metric in sheet.solution.scenario.programme.file.metrics:
        rows.append(_metric_row(sheet, metric))
        rows += _share_rows(sheet, metric.id)
    rows.append(
        AnswerRow(
            _money_title(sheet), tuple(amount_text(c.shown.audit.spent) for c in sheet.columns)
        )
    )
    rows += _share_rows(sheet, "amount")
    return rows + _closing_rows(sheet)


def _money_title(sheet: PageModel) -> str:
    return sheet.words("metric", title=sheet.words("row.spent"), unit=sheet.money)


def _metric_row(sheet: PageModel, metric: Metric) -> AnswerRow:
    words, target = sheet.words, metric.target
    values = [column.shown.audit.outcomes[metric.id] for column in sheet.columns]
    title = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    cells = tuple(figure(value, 1, target) for value in values)
    if target is None:
        return AnswerRow(title, cells, mark="metric", drawing=_bullet(sheet, title, values, None))
    met = values[0] >= target
    by = room(abs(values[0] - target), 1)
    verdict = words("page.met" if met else "page.missed", by=by)
    drawing = _bullet(sheet, title, values, target)
    return AnswerRow(
        title, cells, plain(target), verdict, "metric" if met else "metric bad", drawing
    )


def _share_rows(sheet: PageModel, measure: str) -> list[AnswerRow]:
    """What part of a measure the highlighted groups have, column by column."""
    rows = []
    for group in sheet.labels.highlight:
        counties, tasks = sheet.selected(group.where)
        title = sheet.words("page.of-which", title=group.title.of(sheet.words.lang))
        shares = [_share(sheet, column, measure, (counties, tasks)) for column in sheet.columns]
        rows.append(AnswerRow(title, tuple(shares), mark="share"))
    return rows


def _share(
    sheet: PageModel,
    column: PageColumn,
    measure: str,
    block: tuple[tuple[int, ...], tuple[int, ...]],
) -> str:
    part = column.value(measure, *block) if all(block) else Fraction(0)
    return percent(part, column.value(measure, sheet.counties, sheet.tasks))


def _closing_rows(sheet: PageModel) -> list[AnswerRow]:
    """Money moved, broken rules and the index."""
    words, shown = sheet.words, [column.shown for column in sheet.columns]
    broken = tuple(broken_text(one, words) for one in shown)
    index = tuple("-" if one.objective is None else plain(one.objective, 4) for one in shown)
    rows = [AnswerRow(words("row.broken"), broken, mark="bad" if shown[0].audit.broken else "")]
    if any(one.moved is not None for one in shown):
        moved = tuple(moved_text(one, words) for one in shown)
        rows.insert(0, AnswerRow(words("row.moved"), moved))
    return [*rows, AnswerRow(words("row.index"), index)]


_BULLET, _BAR, _GAP = (190, 46), 10, 3


def _bullet(
    sheet: PageModel, title: str, values: list[Fraction], target: Fraction | None
) -> Markup | None:
    """A bar an allocation, one under the other, with a line at the target."""
    most = max([*values, target or Fraction(0)])
    if most <= 0 or min(values) < 0:
        return None
    width, height = _BULLET
    said = [f"{c.title} {plain(v, 1)}" for c, v in zip(sheet.columns, values, strict=True)]
    drawing = Drawing(width, height, title, sheet.words("list").join(said))
    scale = Fraction(width - 8) / most
    for at, (column, value) in enumerate(zip(sheet.columns, values, strict=True)):
        corner = (0, 4 + at * (_BAR + _GAP))
        drawing.rect(corner, (value * scale, _BAR), column.kind, said[at])
    if target is not None:
        drawing.line(((target * scale, 0), (target * scale, height)), "target")
    return drawing.markup("bullet")


def notes(sheet: PageModel) -> list[str]:
    """How the response was calibrated, the other calibration's reading, why money is unspent."""
    desk, shown = sheet.desk, sheet.this.shown
    said = [remarks.calibration_note(desk), *remarks.beside_notes(desk, shown)]
    said.append(remarks.without_effect(desk, shown))
    return [text for text in (*said, remarks.unspent(desk, sheet.solution)) if text]
