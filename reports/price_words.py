"""Prices of rules in words and short numbers, the same in terminal, page and workbook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from models.exact import exact_text
from models.phrases import Wording
from models.price import RulePrice
from reports.numbers import places_for, plain
from reports.rule_table import Desk
from reports.tables import Grid, Line


def signed(number: float, figures: int = 3) -> str:
    """A change with its sign, to so many figures: +0.0123, -165; 0 for nothing."""
    exact = Fraction(repr(number)) if math.isfinite(number) else Fraction(0)
    text = plain(exact, places_for(exact, figures))
    if not text.strip("-0.,"):
        return "0"
    return text if exact < 0 else f"+{text}"


def short(number: float) -> str:
    """A number with as many decimals as tell it."""
    exact = Fraction(repr(number))
    text = plain(exact, 0 if exact.denominator == 1 else min(6, places_for(exact, 5)))
    return text.rstrip("0").rstrip(".") if "." in text else text


def ranked(prices: Sequence[RulePrice]) -> list[RulePrice]:
    """Those that are worth anything, the dearest first."""
    priced = (one for one in prices if one.points or not one.kept)
    return sorted(priced, key=lambda one: (one.kept, -abs(one.points)))


class PriceWords:
    """Steps, ranges and sentences of prices in one language."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._words = desk, desk.words
        self._file = desk.scenario.programme.file
        self._rules = {rule.id: rule for rule in desk.scenario.rules}
        self._wording = Wording(desk.scenario.programme, desk.labels, desk.words.lang)

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
        changes = [signed(one.metrics[metric.id]) for metric in self._file.metrics]
        binding = self._words("prices.of", binding=one.binding, limits=one.limits)
        title = self._desk.title(one.rule)
        if not one.kept:
            changes = ["" for _ in changes]
        points = signed(one.points) if one.kept else self._words("prices.none")
        step = (self.step(one), points)
        return Line((title, *step, *changes, binding, self.holds(one)))

    def free(self, prices: Sequence[RulePrice]) -> str:
        """The rules whose limits are worth nothing now, in one sentence; '' where all are."""
        words = self._words
        titles = [self._desk.title(one.rule) for one in prices if not one.points and one.kept]
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
            budget = Fraction(self._desk.scenario.budget)
            return {"from": plain(budget), "to": plain(budget + one.step)}
        number = one.number
        if one.field == "share":
            return {"from": f"{exact_text(100 * number)}%", "to": _share(number + one.step)}
        return {"from": _number(number), "to": _number(number + one.step)}

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

    def said(self, one: RulePrice) -> str:
        """The sentence of a price: what changes to what, and what that does to each metric."""
        words, title = self._words, self._desk.title(one.rule)
        metrics = words("list").join(
            words(
                "prices.metric",
                title=metric.title.of(words.lang),
                change=signed(one.metrics[metric.id]),
                unit=metric.unit.of(words.lang),
            )
            for metric in self._file.metrics
            if one.metrics[metric.id]
        )
        metrics = metrics or words("prices.no-metric")
        told = {"title": title, "points": signed(one.points), "metrics": metrics}
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
    return f"{short(round(100 * end, 4))}%" if share else short(round(end, 6))
