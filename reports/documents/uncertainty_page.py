"""What `allot uncertainty` says: outcomes and rules of tables of money over the draws."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models.exact import exact_text, parse_exact
from models.files import csv_text
from models.metadata import group_name, read_labels
from optimizer.study.assumed_numbers import ASKED, Assumption
from optimizer.study.assumption_table import HELD, how_sure
from optimizer.study.break_even import Turn
from optimizer.study.uncertainty import INDEX, OutcomeSpread, RuleOdds, TableDraws, Uncertainty
from reports.catalogue import Words
from reports.document import Document, Figure, Grid, Line, Paragraph, Part
from reports.numbers import counted, percent, plain
from reports.svg import Span, span_bars
from reports.view.remarks import about, turn_percent
from reports.view.rule_view import RuleView

_TABLES = {
    "proposal": "uncertainty.proposal",
    "table": "uncertainty.table",
    "baseline": "column.baseline",
    "repaired": "column.repaired",
}
_BASES = {
    "assumption": "uncertainty.basis.assumption",
    "interpretation": "uncertainty.basis.interpretation",
    "practice": "uncertainty.basis.practice",
    "clause": "uncertainty.basis.clause",
    "target": "uncertainty.basis.target",
}
_SHAPES = {
    "uniform": "uncertainty.shape.uniform",
    "triangular": "uncertainty.shape.triangular",
    "normal": "uncertainty.shape.normal",
    "log-normal": "uncertainty.shape.log-normal",
    "beta": "uncertainty.shape.beta",
    "discrete": "uncertainty.shape.discrete",
}


def uncertainty_view(found: Uncertainty) -> dict[str, Any]:
    """`uncertainty --json`."""
    return {
        "scenario": found.scenario.name,
        "draws": len(found.drawn),
        "seed": found.drawn.seed,
        "alpha": found.alpha,
        "assumptions": [
            {
                "path": one.path,
                "title": {"zh": one.title.zh, "en": one.title.en},
                "value": parse_exact(one.now),
                "low": parse_exact(one.low),
                "high": parse_exact(one.high),
                "shape": one.range.shape,
                "basis": one.basis,
                "sure": how_sure(one).en,
                "drawn": one.is_drawn,
                "may_be_refitted": one.may_be_refitted,
            }
            for one in found.assumed.rows
        ],
        "outcomes": found.outcome_rows(),
        "rules": found.rule_rows(),
        "compared": [
            {
                "one": one.one,
                "other": one.other,
                "outcome": one.name,
                "better": one.better,
                "equal": one.equal,
                "draws": one.draws,
            }
            for one in found.compared
        ],
    }


def uncertainty_csv(found: Uncertainty) -> dict[str, str]:
    """The tables for other programs, name → text; numbers in full."""
    numbers = {path: values.tolist() for path, values in found.drawn.values.items()}
    figures = {
        f"{table.name}: {one.name}": one.values.tolist()
        for table in found.tables
        for one in table.spreads
    }
    columns = [list(found.drawn.numbers), *numbers.values(), *figures.values()]
    return {
        "assumptions.csv": found.assumed.csv(),
        "uncertainty-outcomes.csv": _rows_csv(found.outcome_rows()),
        "uncertainty-rules.csv": _rows_csv(found.rule_rows()),
        "uncertainty-draws.csv": csv_text(
            ["draw", *numbers, *figures],
            ([repr(cell) for cell in row] for row in zip(*columns, strict=True)),
        ),
    }


def _rows_csv(rows: Sequence[dict[str, Any]]) -> str:
    header = list(dict.fromkeys(name for row in rows for name in row))
    return csv_text(header, ([_cell(row.get(name)) for name in header] for row in rows))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Fraction):
        return exact_text(value)
    return "" if value is None else str(value)


def uncertainty_page(found: Uncertainty, words: Words) -> Document:
    """What the verb shows: what was drawn, outcomes, rules, tables side by side, the ranges."""
    texts = Drawn(found, words)
    parts: list[Part] = [
        *(Paragraph(said) for said in texts.head()),
        *(Paragraph(texts.kept(table), "item", 4, 2) for table in found.tables),
        *texts.figure(),
        texts.outcomes(),
        texts.rules(),
        *texts.turns(),
        *texts.compared(),
        texts.assumed(),
        Paragraph(words("uncertainty.refit")),
    ]
    title = words("uncertainty.title", scenario=found.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(found.scenario, words))


class Drawn:
    """The parts of the page in one language."""

    def __init__(self, found: Uncertainty, words: Words) -> None:
        self._found, self._words = found, words
        scenario = found.scenario
        self._labels, self._programme = read_labels(scenario.programme), scenario.programme
        self._title = RuleView(scenario, self._labels, words).title
        self._metrics = {metric.id: metric for metric in scenario.programme.file.metrics}

    def head(self) -> list[str]:
        found, drawn = self._found, self._found.assumed.drawn
        own = sum(one.stated == "" for one in drawn)
        asked = sum(one.stated == ASKED for one in drawn)
        counted = {"draws": f"{len(found.drawn):,}", "count": len(drawn), "seed": found.drawn.seed}
        told = {"stated": len(drawn) - own - asked, "asked": asked, "own": own}
        return [
            self._words("uncertainty.drawn", **counted),
            self._words("uncertainty.ranges", **told),
            self._words("uncertainty.only"),
            self._words("uncertainty.together", count=len(related))
            if (related := found.assumed.related[0])
            else self._words("uncertainty.apart"),
        ]

    def kept(self, table: TableDraws) -> str:
        """Whether a table keeps its rules, those on outcomes and those of money."""
        words, count = self._words, len(self._found.drawn)
        kept = int(table.kept.sum())
        told = {"kept": f"{kept:,}", "draws": f"{count:,}", "share": percent(kept, count)}
        said = (
            words("uncertainty.no-rules") if not table.odds else words("uncertainty.kept", **told)
        )
        titles = words("list").join(self._title(rule) for rule in table.settled_broken)
        money = words("uncertainty.money-kept")
        if titles:
            money = words(
                "uncertainty.money-broken", count=len(table.settled_broken), titles=titles
            )
        return words("uncertainty.of", table=self.table(table.name), said=said + money)

    def figure(self) -> list[Figure]:
        """Every outcome of every table as a bar, in percent of what the first table is assumed to
        yield."""
        first = {one.name: one.assumed for one in self._found.tables[0].spreads}
        spans = [
            self._span(table, one, first[one.name])
            for name in first
            for table in self._found.tables
            for one in table.spreads
            if one.name == name and first[name] > 0 and one.low >= 0
        ]
        if not spans:
            return []
        low, high = self._ends()
        title = self._words("uncertainty.bars", low=low, high=high)
        return [span_bars(title, self._words("uncertainty.bars.alt"), spans)]

    def _span(self, table: TableDraws, one: OutcomeSpread, unit: Fraction) -> Span:
        low, now, high = (
            100 * float(end) / float(unit) for end in (one.low, one.assumed, one.high)
        )
        label = self._words(
            "uncertainty.bar", outcome=self.outcome(one.name), table=self.table(table.name)
        )
        ends = {"low": self._figure(one.name, one.low), "high": self._figure(one.name, one.high)}
        return Span(label, self._words("uncertainty.between", **ends), low, high, now, None)

    def outcomes(self) -> Grid:
        low, high = self._ends()
        lines = []
        for name in [one.name for one in self._found.tables[0].spreads]:
            lines.append(Line((self.outcome(name, unit=True),), "block"))
            for table in self._found.tables:
                (one,) = (spread for spread in table.spreads if spread.name == name)
                figures = (float(one.assumed), one.low, one.median, one.high, one.tail)
                cells = (self._figure(name, figure) for figure in figures)
                lines.append(Line((self.table(table.name), *cells)))
        heads = ("", self._words("uncertainty.assumed"), low, self._words("uncertainty.median"))
        tail = self._words("uncertainty.tail", share=low)
        return Grid(self._words("uncertainty.outcomes"), (*heads, high, tail), tuple(lines))

    def rules(self) -> Grid:
        words, lines = self._words, []
        tables = [table for table in self._found.tables if table.odds]
        rules = dict.fromkeys(one.rule for table in tables for one in table.odds)
        for rule in rules:
            lines.append(Line((self._title(rule),), "block"))
            for table in tables:
                for one in table.odds:
                    if one.rule == rule:
                        lines.append(Line(self._rule(table, one), "" if one.count else "broken"))
        keys = ("uncertainty.assumed", "uncertainty.kept-in", "uncertainty.share")
        header = ("", *(words(key) for key in (*keys, "uncertainty.even", "uncertainty.miss")))
        title = words("uncertainty.rules", draws=f"{len(self._found.drawn):,}")
        return Grid(title, header, tuple(lines), frozenset({0, 1, 4}))

    def _rule(self, table: TableDraws, one: RuleOdds) -> tuple[str, ...]:
        words, count = self._words, len(self._found.drawn)
        state = words("uncertainty.is-kept" if one.assumed_kept else "uncertainty.is-broken")
        turns = [self._turn(turn) for turn in (one.floor, one.cap) if turn is not None]
        miss = plain(Fraction(one.shortfall), 1) if one.count < count else ""
        if miss and one.worst:
            group = group_name(self._programme, self._labels, one.worst, words.lang)
            miss = words("uncertainty.worst", miss=miss, group=group)
        name = self.table(table.name)
        even = words("list").join(turns) or words("uncertainty.no-even")
        share = percent(one.count, count)
        return (name, state, f"{one.count:,}", share, even, miss)

    def turns(self) -> list[Part]:
        """What the break-evens of the first table mean, in a sentence each."""
        said = []
        for one in self._found.tables[0].odds:
            for turn in (one.floor, one.cap):
                if turn is not None and one.assumed_kept:
                    key = "uncertainty.under" if turn.is_floor else "uncertainty.over"
                    told = {
                        "rule": self._title(one.rule),
                        "metric": self.outcome(turn.metric),
                        "share": turn_percent(turn),
                    }
                    said.append(Paragraph(self._words(key, **told), "item", 4, 2))
        return [Paragraph(self._words("uncertainty.turns")), *said] if said else []

    def _turn(self, turn: Turn) -> str:
        key = "uncertainty.from" if turn.is_floor else "uncertainty.to"
        return self._words(key, share=turn_percent(turn))

    def compared(self) -> list[Grid]:
        """The first table against the others; nothing of a single one."""
        found, words = self._found.compared, self._words
        lines = []
        for other in dict.fromkeys(one.other for one in found):
            told = {"one": self.table(self._found.tables[0].name), "other": self.table(other)}
            lines.append(Line((words("uncertainty.against", **told),), "block"))
            for one in found:
                if one.other == other:
                    worse = one.draws - one.better - one.equal
                    counts = (one.better, one.equal, worse)
                    shares = percent(one.better, one.draws)
                    name = self.outcome(one.name)
                    lines.append(Line((name, *(f"{count:,}" for count in counts), shares)))
        keys = ("uncertainty.better", "uncertainty.equal", "uncertainty.worse", "uncertainty.share")
        header = ("", *(words(key) for key in keys))
        title = words("uncertainty.compared", draws=f"{len(self._found.drawn):,}")
        return [Grid(title, header, tuple(lines))] if lines else []

    def assumed(self) -> Grid:
        words = self._words
        lines = [self._assumed(one) for one in self._found.assumed.rows]
        keys = ("uncertainty.number", "uncertainty.value", "uncertainty.range")
        more = ("uncertainty.basis", "uncertainty.sure", "uncertainty.is-drawn")
        header = tuple(words(key) for key in (*keys, *more))
        return Grid(words("uncertainty.numbers"), header, tuple(lines), frozenset({0, 3, 4, 5}))

    def _assumed(self, one: Assumption) -> Line:
        words, lang = self._words, self._words.lang
        name = words("uncertainty.named", title=one.title.of(lang), path=one.path)
        value = " ".join(text for text in (_short(one.now), one.unit.of(lang)) if text)
        between = words("uncertainty.between", low=_short(one.low), high=_short(one.high))
        if one.range.shape != "uniform":
            between += words("uncertainty.shaped", shape=words(_SHAPES[one.range.shape]))
        kind = "uncertainty.yes" if one.is_drawn else "uncertainty.no"
        drawn = words("uncertainty.held" if one.stated == HELD else kind)
        if one.may_be_refitted:
            drawn += words("uncertainty.fitted")
        basis, sure = words(_BASES[one.basis]), how_sure(one).of(lang)
        return Line((name, value, between, basis, sure, drawn))

    def table(self, name: str) -> str:
        """What a table is called."""
        return self._words(_TABLES[name]) if name in _TABLES else name

    def outcome(self, name: str, unit: bool = False) -> str:
        """A metric or the index by name, with its unit or without."""
        if name == INDEX:
            return self._words("uncertainty.index")
        metric, lang = self._metrics[name], self._words.lang
        title = metric.title.of(lang)
        told = {"title": title, "unit": metric.unit.of(lang)}
        return self._words("uncertainty.unit", **told) if unit else title

    def _figure(self, name: str, value: float) -> str:
        if name == INDEX:
            return plain(Fraction(value), 3)
        return counted(self._metrics[name], Fraction(value))

    def _ends(self) -> tuple[str, str]:
        """The two quantiles, as a head of a column."""
        alpha = self._found.alpha
        texts = (exact_text(100 * share) for share in (alpha, 1 - alpha))
        low, high = (f"{text}%" for text in texts)
        return low, high


def _short(number: str) -> str:
    return f"{float(parse_exact(number)):.6g}"
