"""What is said of a county on the telephone: four plain sentences, and how far it may move."""

from __future__ import annotations

import math
from fractions import Fraction

from models.exact import parse_exact
from models.finding import Finding
from models.metadata import read_labels, value_name
from models.scenario import Scenario
from optimizer.audit.swaps import JudgedMove
from optimizer.sensitivity.county_facts import CountyFacts, FirstUnit, HeldMoney
from optimizer.sensitivity.near_optimal import Range
from reports.catalogue import Words
from reports.numbers import amount_text, lower, percent, plain, upper
from reports.view.comparison_view import BASELINES
from reports.view.page_model import heads_said
from reports.view.rule_view import RuleView

_SLIP = 1e-6
"""Money units that an end which is reached may be rounded by."""


_HELD = {
    ("out", True): "phone.out-own",
    ("out", False): "phone.out",
    ("in", True): "phone.in-own",
    ("in", False): "phone.in",
}
"""Which way a limit decides, and whether it is the county's own → the label that says it."""


_TIMES = {"out": "phone.times-out", "in": "phone.times-in"}


class CountySentences:
    """The sentences of one county of an allocation, in one language."""

    def __init__(self, scenario: Scenario, facts: CountyFacts, words: Words) -> None:
        self._scenario, self._facts, self._words = scenario, facts, words
        programme = scenario.programme
        self._view = RuleView(scenario, read_labels(programme), words)
        self._names = programme.counties.names(words.lang)
        self._unit = programme.file.money.of(words.lang)
        self._per_head = heads_said(scenario, facts.of_money, words)

    def four(self, swap: JudgedMove | None = None) -> list[str]:
        """Share, rank, change, and what decides; `swap`: the cheapest way found to a unit more."""
        said = (self._share(), self._rank(), self._change(), self._decides(swap))
        return [upper(text) for text in said]

    @property
    def _name(self) -> str:
        return self._names[self._facts.county]

    @property
    def _counties(self) -> str:
        return plain(len(self._names))

    def _share(self) -> str:
        facts, words = self._facts, self._words
        told = {
            "county": self._name,
            "money": amount_text(facts.money),
            "unit": self._unit,
            "share": percent(facts.money, facts.of_money),
        }
        if facts.heads is None:
            return words("phone.money", **told)
        heads = facts.heads
        people = percent(heads.residents, heads.everyone)
        residents, all_of = plain(heads.residents), self._counties
        return words("phone.share", residents=residents, people=people, all=all_of, **told)

    def _rank(self) -> str:
        facts, words, per = self._facts, self._words, self._per_head
        if facts.heads is None or per is None:
            return words("phone.no-heads")
        heads = facts.heads
        text = words(
            "phone.rank",
            per=per.title,
            money=per.text(facts.money, heads.residents),
            unit=self._unit,
            place=plain(heads.rank.place),
            all=plain(heads.rank.of),
        )
        if heads.group is None or heads.in_group is None:
            return words("sentence", text=text)
        labels = self._view.labels
        group = value_name(self._scenario.programme, labels, heads.group, words.lang)
        inside = words(
            "phone.rank-in",
            group=group,
            place=plain(heads.in_group.place),
            all=plain(heads.in_group.of),
        )
        return words("sentence", text=words("phone.and").join((text, inside)))

    def _change(self) -> str:
        facts, words = self._facts, self._words
        kind = BASELINES.get(self._scenario.baseline.kind, "column.baseline")
        parts = [self._against(words("phone.of", title=lower(words(kind))), facts.baseline)]
        if facts.last_year is None:
            parts.append(words("phone.no-last-year"))
        else:
            parts.append(self._against(words("phone.last-year"), facts.last_year))
        return words("sentence", text=words("pairs").join(parts))

    def _against(self, title: str, before: Fraction) -> str:
        change = self._facts.money - before
        if not change:
            return self._words("phone.same", title=title)
        return self._words(
            "phone.more" if change > 0 else "phone.less",
            title=title,
            change=amount_text(abs(change)),
            share=percent(abs(change), before),
            before=amount_text(before),
            unit=self._unit,
        )

    def _decides(self, swap: JudgedMove | None) -> str:
        """A first unit is told only where no rule decides: of a county that a rule holds it would
        say nothing of why."""
        words, held, first = self._words, self._facts.held, self._facts.first_unit
        parts = [self._held(held) if held else self._by_swap(swap)]
        if held is None and first is not None and first.rank.of > 1:
            parts.append(self._first_unit(first))
        return words("sentence", text=words("pairs").join(parts))

    def _held(self, held: HeldMoney) -> str:
        finding, words = held.limit.finding, self._words
        title = self._view.title(finding.rule)
        told = {"title": title, "limit": self._bound(finding, held.limit.side)}
        if held.move is None:
            return words("phone.at-limit", **told)
        move = held.move.move
        place = move.target if held.way == "out" else move.source
        told["place"] = words("phone.unspent") if place is None else self._names[place[0]]
        told |= {"unit": self._unit, "one": plain(move.money)}
        if held.under is not None and held.under.lower is not None:
            least = held.under.lower
            own = {"own": self._view.title(held.under.rule), "least": amount_text(least)}
            above = amount_text(self._facts.money - least)
            text = words("phone.out-both", above=above, **own, **told)
        else:
            text = words(_HELD[held.way, held.is_own], **told)
        if held.times is None:
            return text
        times = plain(held.times, 2)
        return words("phone.and").join((text, words(_TIMES[held.way], times=times, **told)))

    def _bound(self, finding: Finding, side: str) -> str:
        """The limit in words: a plain number of money units with its unit."""
        if self._view.measure(finding) != "amount" or self._view.per_head(finding):
            return self._view.limit(finding)
        bound = finding.lower if side == "lower" else finding.upper
        assert bound is not None
        key = "phone.least" if side == "lower" else "phone.most"
        return self._words(key, money=amount_text(bound), unit=self._unit)

    def _by_swap(self, swap: JudgedMove | None) -> str:
        words = self._words
        if swap is None or swap.move.source is None or (swap.points >= 0 and not swap.is_tie):
            return words("phone.no-rule")
        gain, loss = (step.points for step in swap.move.steps)
        return words(
            "phone.by-tie" if swap.is_tie or loss >= 0 else "phone.by-swap",
            unit=self._unit,
            money=plain(swap.move.money),
            place=self._names[swap.move.source[0]],
            share=percent(gain, -loss),
        )

    def _first_unit(self, first: FirstUnit) -> str:
        return self._words(
            "phone.first-unit",
            unit=self._unit,
            ratio=percent(first.ratio, 1),
            place=plain(first.rank.place),
            all=plain(first.rank.of),
        )

    def near(self, near: Range, within: float) -> str:
        """How much money the county may have near the best, and what is out of reach."""
        told = {
            "county": self._name,
            "within": percent(parse_exact(within), 1),
            "unit": self._unit,
            "out_low": plain(math.floor(near.low + _SLIP)),
            "out_high": plain(math.ceil(near.high - _SLIP)),
        }
        if near.inner is None:
            return self._words("phone.near-outer", **told)
        low, high = math.ceil(near.inner[0] - _SLIP), math.floor(near.inner[1] + _SLIP)
        return self._words("phone.near", low=plain(low), high=plain(high), **told)

    def beside(self, other: CountyFacts) -> str:
        """The county held against another, in the terms of the sentences."""
        facts, words, per = self._facts, self._words, self._per_head
        name = self._names[other.county]
        parts = [self._against(name, other.money)]
        if facts.heads and other.heads and per:
            mine, theirs = (
                per.text(one.money, heads.residents)
                for one, heads in ((facts, facts.heads), (other, other.heads))
            )
            told = {"per": per.title, "unit": self._unit, "mine": mine, "theirs": theirs}
            parts.append(words("phone.beside-heads", **told))
        if facts.first_unit and other.first_unit and other.first_unit.points > 0:
            ratio = percent(facts.first_unit.points, other.first_unit.points)
            parts.append(words("phone.beside-unit", unit=self._unit, ratio=ratio, other=name))
        text = words("pairs").join(parts)
        return upper(words("sentence", text=words("phone.beside", county=self._name, text=text)))
