"""What `prices` says, and prices in words wherever they are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from models.exact import exact_text
from models.metadata import read_labels
from models.sentences import Wording
from models.shadow_price import RulePrice
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.numbers import at_most_text, gap_text, plain, short_figures, signed_figures
from reports.view.page_model import PageModel
from reports.view.remarks import about
from reports.view.rule_view import RuleView

if TYPE_CHECKING:  # The page of a record loads no solver.
    from optimizer.sensitivity.drop_rule import Costs, Gain, RuleCost
    from optimizer.sensitivity.prices import LimitPrice, Prices

# Prices of rules in words and short numbers, the same in terminal, page and workbook.


def ranked(prices: Sequence[RulePrice]) -> list[RulePrice]:
    """Those that are worth anything, the dearest first."""
    priced = (one for one in prices if one.points or not one.kept)
    return sorted(priced, key=lambda one: (one.kept, -abs(one.points)))


class PriceWords:
    """Steps, ranges and sentences of prices in one language."""

    def __init__(self, view: RuleView) -> None:
        self._view, self._words = view, view.words
        self._file = view.scenario.programme.file
        self._rules = {rule.id: rule for rule in view.scenario.rules}
        self._wording = Wording(view.scenario.programme, view.labels, view.words.lang)

    def table(self, prices: Sequence[RulePrice]) -> Grid:
        """A row for each rule that is worth anything, the dearest first."""
        words = self._words
        names = [metric.title.of(words.lang) for metric in self._file.metrics]
        keys = ("column.rule", "prices.step", "prices.index")
        ends = (words("prices.binding"), words("prices.holds"))
        header = (*(words(key) for key in keys), *names, *ends)
        money = self._file.money.of(words.lang)
        lines = tuple(self._line(one) for one in ranked(prices))
        return Grid(words("prices.table", money=money), header, lines, frozenset({0}))

    def _line(self, one: RulePrice) -> Line:
        changes = [signed_figures(one.metrics[metric.id]) for metric in self._file.metrics]
        binding = self._words("prices.of", binding=one.binding, limits=one.limits)
        title = self._view.title(one.rule)
        if not one.kept:
            changes = ["" for _ in changes]
        points = signed_figures(one.points) if one.kept else self._words("prices.none")
        step = (self.step(one), points)
        return Line((title, *step, *changes, binding, self.holds(one)))

    def free(self, prices: Sequence[RulePrice]) -> str:
        """The rules whose limits are worth nothing now, in one sentence; '' where all are."""
        words = self._words
        titles = [self._view.title(one.rule) for one in prices if not one.points and one.kept]
        return words("prices.free", titles=words("list").join(titles)) if titles else ""

    def step(self, one: RulePrice) -> str:
        """The number before and after the step; that each limit moves, where there is none."""
        ends = self._ends(one)
        return self._words("prices.each") if ends is None else self._words("prices.number", **ends)

    def _ends(self, one: RulePrice) -> dict[str, str] | None:
        """The number before and after the step, as text; None for a rule that looks them up."""
        if one.number is None:
            if one.rule != "budget":
                return None
            budget = Fraction(self._view.scenario.budget)
            return {"from": plain(budget), "to": plain(budget + one.step)}
        number = one.number
        if one.field == "share":
            return {"from": f"{exact_text(100 * number)}%", "to": _share(number + one.step)}
        before, after = _number(number), _number(number + one.step)
        if one.field == "times":
            return {"from": before, "to": self._words("prices.times", number=after)}
        return {"from": before, "to": after}

    def holds(self, one: RulePrice) -> str:
        """Between which numbers the price holds; '' of a rule with several limits."""
        if one.low is None or one.high is None:
            return ""
        share = one.field == "share"
        low, high = (_end(end, share) for end in (one.low, one.high))
        if not low:
            return self._words("prices.upto", high=high)
        if not high:
            return self._words("prices.from", low=low)
        return self._words("prices.between", low=low, high=high)

    def sentence(self, one: RulePrice) -> str:
        """The sentence of a price: what changes to what, and what that does to each metric."""
        words, title = self._words, self._view.title(one.rule)
        metrics = words("list").join(
            words(
                "prices.metric",
                title=metric.title.of(words.lang),
                change=signed_figures(one.metrics[metric.id]),
                unit=metric.unit.of(words.lang),
            )
            for metric in self._file.metrics
            if one.metrics[metric.id]
        )
        metrics = metrics or words("prices.no-metric")
        told = {"title": title, "points": signed_figures(one.points), "metrics": metrics}
        ends = self._ends(one)
        if ends is None:
            return words("prices.said.table", **told)
        if not one.kept:
            return words("prices.conflict", title=title, **ends)
        sense = "at_most" if one.number is None else self._rules[one.rule].sense
        return words(_SAID[sense], **told, **self._with_unit(one, ends))

    def _with_unit(self, one: RulePrice, ends: Mapping[str, str]) -> dict[str, str]:
        if one.field in ("share", "times"):
            return dict(ends)
        if one.number is None:
            unit = self._file.money.of(self._words.lang)
            gap = "" if self._words.lang == "zh" else " "
            return {"from": ends["from"], "to": f"{ends['to']}{gap}{unit}"}
        to = self._wording.number(one.number + one.step, self._rules[one.rule])
        return {"from": ends["from"], "to": to}


_SAID = {
    "at_least": "prices.said.at_least",
    "at_most": "prices.said.at_most",
    "equal": "prices.said.equal",
}


def _number(number: Fraction) -> str:
    return plain(number) if number.denominator == 1 else exact_text(number)


def _share(number: Fraction) -> str:
    return f"{exact_text(100 * number)}%"


def _end(end: float, share: bool) -> str:
    """An end of a range as text; '' where there is none."""
    if math.isinf(end):
        return ""
    return f"{short_figures(round(100 * end, 4))}%" if share else short_figures(round(end, 6))


# What the rules cost: the step of each rule's number and what that does, as the record has it.


@dataclass(frozen=True)
class PricesPart:
    """The table, the dearest rule first; the same in sentences; the rules without a price."""

    grid: Grid
    said: tuple[str, ...]
    free: str


def rule_prices(model: PageModel) -> PricesPart | None:
    """None where the record has no prices."""
    prices = model.solution.prices
    if not prices:
        return None
    told = PriceWords(model.view)
    said = tuple(told.sentence(one) for one in ranked(prices))
    return PricesPart(told.table(prices), said, told.free(prices))


# Pages of `allot prices`, and their JSON documents.


def prices_view(prices: Prices) -> dict[str, Any]:
    """`prices --json`."""
    return {
        "scenario": prices.scenario.name,
        "objective": prices.objective,
        "bound_proved": prices.bound_proved,
        "exact": prices.is_exact,
        "rules": [_view(one) for one in prices.rules],
        "limits": [_limit_view(one) for one in prices.limits],
        "weights": [
            {"metric": one.metric, "weight": one.weight, "low": one.low, "high": one.high}
            for one in prices.weights
        ],
    }


def _view(one: RulePrice) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "limits": one.limits,
        "binding": one.binding,
        "path": one.path or None,
        "number": one.number,
        "step": one.step,
        "kept": one.kept,
        "objective": one.points if one.kept else None,
        "metrics": dict(one.metrics) if one.kept else None,
        "low": one.low,
        "high": one.high,
    }


def _limit_view(one: LimitPrice) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "key": dict(one.key),
        "side": one.side,
        "value": one.value,
        "bound": one.bound,
        "price": one.price,
        "metrics": dict(one.metrics),
        "low": one.low,
        "high": one.high,
    }


def prices_page(prices: Prices, words: Words) -> Document:
    """What `allot prices` shows: rules with a price by what they weigh, then the rest by name."""
    view = RuleView(prices.scenario, read_labels(prices.scenario.programme), words)
    told = PriceWords(view)
    bound = at_most_text(prices.bound_proved)
    note = words("prices.exact" if prices.is_exact else "prices.relaxed", bound=bound)
    parts: list[Part] = [
        Paragraph(note),
        told.table(prices.rules),
        Paragraph(words("prices.slopes")),
    ]
    if free := told.free(prices.rules):
        parts += [Paragraph(""), Paragraph(free, indent=2)]
    parts.append(Paragraph(words("prices.sentences"), "heading"))
    parts += [item(told.sentence(one)) for one in ranked(prices.rules)]
    title = words("prices.title", scenario=prices.scenario.spec.title.of(words.lang))
    parts += _weights(prices, view)
    return Document(title, tuple(parts), about=about(prices.scenario, words))


def _weights(prices: Prices, view: RuleView) -> list[Part]:
    if not prices.weights:
        return []
    words = view.words
    metrics = prices.scenario.programme.file.metrics
    titles = {metric.id: metric.title.of(words.lang) for metric in metrics}
    lines = []
    for one in prices.weights:
        high = words("prices.any") if math.isinf(one.high) else short_figures(one.high)
        between = words("prices.between", low=short_figures(one.low), high=high)
        lines.append(Line((titles[one.metric], short_figures(one.weight), between)))
    header = (words("column.metric"), words("prices.weight"), words("prices.range"))
    return [Grid(words("prices.weights"), header, tuple(lines), frozenset({0}))]


def costs_view(costs: Costs) -> dict[str, Any]:
    """`prices --exact --json`."""
    return {
        "scenario": costs.scenario.name,
        "objective": costs.objective,
        "bound_solver": costs.bound_solver,
        "gap": costs.gap,
        "rules": [
            {
                "rule": one.rule,
                "without": _gain_view(one.without),
                "number": one.number,
                "eased": one.eased,
                "step": _gain_view(one.step),
            }
            for one in costs.rules
        ],
    }


def _gain_view(gain: Gain | None) -> dict[str, float] | None:
    if gain is None:
        return None
    ends = {"low": gain.low, "high": gain.high}
    return {"points": gain.points, "plus_minus": gain.plus_minus, **ends}


def costs_page(costs: Costs, words: Words) -> Document:
    """What `allot prices --exact` shows, the dearest rule first."""
    view = RuleView(costs.scenario, read_labels(costs.scenario.programme), words)
    ranked = sorted(costs.rules, key=lambda one: -_weight(one))
    lines = []
    for one in ranked:
        without = "-" if one.rule == "budget" else _gain(one.without, words)
        eased = ""
        if one.number is not None and one.eased is not None:
            ends = {"from": exact_text(one.number), "to": exact_text(one.eased)}
            eased = words("prices.number", **ends)
        step = _gain(one.step, words) if one.eased is not None else ""
        lines.append(Line((view.title(one.rule), without, eased, step)))
    header = tuple(
        words(key) for key in ("column.rule", "costs.without", "costs.eased", "costs.gain")
    )
    baseline = costs.scenario.spec.objective.normalise == "baseline"
    note = "costs.note" if baseline else "costs.plain-note"
    said = words(note, objective=short_figures(costs.objective), gap=gap_text(costs.gap))
    table = Grid(words("costs.table"), header, tuple(lines))
    title = words("costs.title", scenario=costs.scenario.spec.title.of(words.lang))
    return Document(title, (Paragraph(said), table), about=about(costs.scenario, words))


def _weight(one: RuleCost) -> float:
    return max(gain.points if gain else 0.0 for gain in (one.without, one.step))


def _gain(gain: Gain | None, words: Words) -> str:
    if gain is None:
        return words("costs.none")
    if not gain.is_told_apart:
        return words("costs.untold", high=signed_figures(gain.high, 2).lstrip("+"))
    points, pm = signed_figures(gain.points), signed_figures(gain.plus_minus, 1).lstrip("+")
    return words("costs.pm", points=points, pm=pm)
