"""What `allot explain --more` says of more money for a county."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models.metadata import read_labels
from models.remedies import Change, change_text
from optimizer.sensitivity.more_money import MoreMoney
from reports.catalogue import Words
from reports.document import Paragraph, Part, item
from reports.numbers import amount_text, gap_text, plain
from reports.view.allocation_view import grounds_of
from reports.view.mover_table import index_change, metric_change
from reports.view.rule_view import BASIS, RuleView

_NAMED = 10


def more_parts(asked: MoreMoney, words: Words) -> list[Part]:
    """Is it possible, who pays, what it costs; or which rule would have to change."""
    texts = _MoreTexts(asked, words)
    lines = texts.possible() if asked.found is not None else texts.impossible()
    return [Paragraph(texts.title(), "heading"), *lines]


def more_view(asked: MoreMoney | None) -> dict[str, Any] | None:
    """The same of `explain --json`."""
    if asked is None:
        return None
    codes, quality = asked.scenario.programme.counties.ids, asked.quality
    found = asked.found
    return {
        "more": asked.more,
        "asked": asked.asked,
        "possible": True if found else False if asked.is_impossible else None,
        "objective": None if asked.cost is None else -asked.cost,
        "gap": None if quality is None else quality.gap,
        "source": None if quality is None else quality.source,
        "outcomes": None if found is None else found.audit.outcomes,
        "changes": [{"county": codes[at], "money": by} for at, by in asked.changes],
        "most": None if asked.most is None else asked.most.needed,
        "ways": [_way(one) for one in asked.ways],
    }


def _way(change: Change) -> dict[str, Any]:
    told = {"rule": change.rule, "field": change.field, "needed": change.needed}
    return {**told, "set": change.setting, "least": change.is_least}


class _MoreTexts:
    def __init__(self, asked: MoreMoney, words: Words) -> None:
        self._asked, self._words = asked, words
        programme = asked.scenario.programme
        self._names = programme.counties.names(words.lang)
        self._metrics = programme.file.metrics
        self._unit = programme.file.money.of(words.lang)
        self._view = RuleView(asked.scenario, read_labels(programme), words)

    @property
    def _told(self) -> dict[str, str]:
        asked = self._asked
        return {
            "county": self._names[asked.county],
            "more": amount_text(asked.more),
            "asked": amount_text(asked.asked),
            "unit": self._unit,
        }

    def title(self) -> str:
        return self._words("more.title", **self._told)

    def possible(self) -> list[Part]:
        asked, words = self._asked, self._words
        assert asked.cost is not None and asked.quality is not None
        key = "more.possible" if asked.cost > 0 else "more.possible-free"
        index = index_change(-asked.cost, words)
        said = [words(key, **self._told, index=index, metrics=self._cost())]
        if asked.quality.gap is not None:
            said.append(words("more.gap", gap=gap_text(asked.quality.gap)))
        others = [one for one in asked.changes if one[0] != asked.county]
        for key, listed in (
            ("more.losers", [one for one in others if one[1] < 0]),
            ("more.winners", [one for one in reversed(others) if one[1] > 0]),
        ):
            if listed:
                total = amount_text(abs(sum((by for _, by in listed), Fraction(0))))
                told = {"total": total, "unit": self._unit, "count": plain(len(listed))}
                said.append(words(key, counties=self._counties(listed), **told))
        return [item(text) for text in said]

    def _cost(self) -> str:
        """Whole people and firms more or less: of totals that are rounded down, as papers have
        them."""
        found, words = self._asked.found, self._words
        assert found is not None
        parts = []
        for metric in self._metrics:
            now, before = (
                math.floor(audit.outcomes[metric.id])
                for audit in (found.audit, self._asked.before.audit)
            )
            parts.append(metric_change(metric, now - before, words))
        return words("list").join(parts)

    def _counties(self, listed: Sequence[tuple[int, Fraction]]) -> str:
        words = self._words
        said = words("list").join(
            words("ranges.amount", task=self._names[at], money=amount_text(abs(by)))
            for at, by in listed[:_NAMED]
        )
        rest = len(listed) - _NAMED
        return words("and-more", titles=said, count=rest) if rest > 0 else said

    def impossible(self) -> list[Part]:
        asked, words = self._asked, self._words
        if not asked.is_impossible:
            return [item(words("more.open"))]
        most = asked.most.needed if asked.most is not None else None
        key = "more.impossible"
        if asked.most is not None and most is not None:
            key = "more.most" if asked.most.is_least else "more.found-most"
        money = "" if most is None else amount_text(most)
        said: list[Part] = [item(words(key, **self._told, money=money))]
        if not asked.ways:
            return [*said, item(words("more.no-way"))]
        return [
            *said,
            item(words("more.ways")),
            *(item(self._way(one), 4) for one in asked.ways),
        ]

    def _way(self, change: Change) -> str:
        words, grounds = self._words, grounds_of(self._asked.scenario, change.rule)
        text = change_text(self._asked.scenario, change).of(words.lang)
        if change.needed is not None and not change.is_least:
            text = words("more.found", text=text)
        if grounds is None:
            return text
        return words("more.way", text=text, basis=words(BASIS[grounds.basis]))
