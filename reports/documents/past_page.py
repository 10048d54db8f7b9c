"""What `allot calibrate` and `allot backtest` say: the response held against past results."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from models.files import csv_text
from models.metadata import read_labels, value_name
from models.scenario import Scenario
from optimizer.study.past_fit import Backtest, FittedNumber, PastMiss, Refit
from optimizer.study.past_table import PastRow, PastTable
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.numbers import amount_text, counted, percent, plain, short_figures, signed
from reports.view.remarks import about


def calibrate_view(found: Refit) -> dict[str, Any]:
    """`calibrate --json`."""
    return {
        "scenario": found.scenario.name,
        "past": found.past.file,
        "spread_by_baseline": found.past.is_spread,
        "numbers": [
            {
                "path": one.number.path,
                "assumed": Fraction(one.number.now),
                "fitted": one.fitted,
                "low": one.low,
                "high": one.high,
                "observations": one.observations,
                "why": one.why or None,
            }
            for one in found.numbers
        ],
        "changes": found.changes,
        "misses": _misses_view(found.scenario, found.misses),
    }


def backtest_view(found: Backtest) -> dict[str, Any]:
    """`backtest --json`."""
    return {
        "scenario": found.scenario.name,
        "past": found.past.file,
        "spread_by_baseline": found.past.is_spread,
        "misses": _misses_view(found.scenario, found.misses),
        "published": found.published_file or None,
        "outside": [{"name": name, "amount": money} for name, money in found.outside],
        "shares": [
            {
                "county": one.county,
                "published": one.published,
                "proposal": one.proposal,
                "baseline": one.baseline,
            }
            for one in found.beside
        ],
    }


def _misses_view(scenario: Scenario, misses: Sequence[PastMiss]) -> list[dict[str, Any]]:
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    return [
        {
            "fitted_to": list(one.fitted_to),
            "period": one.row.period,
            "county": None if one.row.county is None else counties[one.row.county],
            "task": None if one.row.task is None else tasks[one.row.task],
            "metric": one.metric,
            "predicted": one.predicted,
            "observed": one.observed,
            "miss": one.miss,
        }
        for one in misses
    ]


_COLUMNS = ("fitted_to", "period", "county", "task", "metric", "predicted", "observed", "miss")


def misses_csv(found: Refit | Backtest) -> str:
    """Every prediction beside what was counted."""
    rows = [
        [
            " ".join(row["fitted_to"]),
            *("" if row[name] is None else str(row[name]) for name in _COLUMNS[1:]),
        ]
        for row in _misses_view(found.scenario, found.misses)
    ]
    return csv_text(_COLUMNS, rows)


def calibrate_page(found: Refit, words: Words) -> Document:
    """The numbers that the record tells, those that it does not, and how far it is met."""
    page = _PastPage(found.scenario, found.past, words)
    counted_few = [n for n in found.numbers if n.why in ("few", "none") and not _is_level(n)]
    shown = [n for n in found.numbers if n not in counted_few]
    lines = [Line(page.number(one)) for one in shown]
    keys = ("uncertainty.number", "past.assumed", "past.fitted", "past.interval", "past.count")
    parts: list[Part] = [*page.head()]
    grid = Grid(words("past.numbers"), tuple(map(words, keys)), tuple(lines), frozenset({0, 3}))
    parts.append(grid)
    if counted_few:
        most = max(one.observations for one in counted_few)
        told = words("past.not-told", count=len(counted_few), why=page.few(most))
        parts.append(Paragraph(told))
    parts.append(page.misses(found.misses, words("past.met"), fitted_to=False))
    if found.changes:
        parts.append(Paragraph(words("past.use")))
        parts += [item(f"--set {path}={value}") for path, value in found.changes.items()]
        parts.append(Paragraph(words("past.points"), "remark"))
    parts.append(Paragraph(words("past.gross"), "remark"))
    title = words("past.calibrate", scenario=found.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(found.scenario, words))


def backtest_page(found: Backtest, words: Words) -> Document:
    """How far each period is missed by what the others tell, and a published table beside ours."""
    page = _PastPage(found.scenario, found.past, words)
    parts: list[Part] = [Paragraph(page.worst(found.misses), "strong"), *page.head()]
    parts.append(page.misses(found.misses, words("past.told"), fitted_to=True))
    parts.append(Paragraph(words("past.gross"), "remark"))
    if found.beside:
        parts += page.beside(found)
    title = words("past.backtest", scenario=found.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(found.scenario, words))


def _is_level(one: FittedNumber) -> bool:
    return one.number.path.startswith("response.kappa.")


class _PastPage:
    """The parts of both pages, in one language."""

    def __init__(self, scenario: Scenario, past: PastTable, words: Words) -> None:
        self._scenario, self._past, self._words = scenario, past, words
        self._programme = scenario.programme
        self._metrics = {metric.id: metric for metric in self._programme.file.metrics}

    def head(self) -> list[Paragraph]:
        """What the record is, and by what its money is spread."""
        words, past = self._words, self._past
        periods = words("list").join(past.periods)
        said = [words("past.read", rows=len(past.rows), file=past.file, periods=periods)]
        told = [(row.period, row.source.of(words.lang)) for row in past.rows]
        sources = [f"{period} {source}" for period, source in told if source]
        if sources:
            said.append(words("past.sources", sources=words("study.and").join(sources)))
        if past.is_spread:
            said.append(words("past.spread"))
        return [Paragraph(text) for text in said]

    def number(self, one: FittedNumber) -> tuple[str, ...]:
        """A number, as assumed and as fitted."""
        words, number = self._words, one.number
        unit, name = number.unit.of(words.lang), number.title.of(words.lang)
        assumed = " ".join(t for t in (short_figures(float(Fraction(number.now))), unit) if t)
        if one.low is not None and one.high is not None:
            ends = {"low": short_figures(one.low), "high": short_figures(one.high)}
            between = words("uncertainty.between", **ends)
        elif one.why == "few":
            between = self.few(one.observations)
        else:
            between = words("past.little" if one.why == "little" else "past.none")
        fitted = short_figures(one.fitted) if one.changed else words("past.same")
        named = words("uncertainty.named", title=name, path=number.path)
        return (named, assumed, fitted, between, str(one.observations))

    def few(self, count: int) -> str:
        """Why so few observations give no interval."""
        return self._words("past.few-totals" if self._past.are_totals else "past.few", count=count)

    def misses(self, misses: Sequence[PastMiss], title: str, *, fitted_to: bool) -> Grid:
        """Each prediction beside what was counted."""
        words = self._words
        keys = ["past.period", "past.metric", "past.predicted", "past.observed", "past.miss"]
        header = tuple(map(words, ["past.fitted-to", *keys] if fitted_to else keys))
        lines = []
        for one in misses:
            metric = self._metrics[one.metric]
            predicted = counted(metric, Fraction(one.predicted))
            cells = (self._place(one.row), metric.title.of(words.lang), predicted)
            told = (*cells, counted(metric, one.observed), _miss(one))
            head = (words("list").join(one.fitted_to),) if fitted_to else ()
            lines.append(Line((*head, *told)))
        text = frozenset({0, 1, 2} if fitted_to else {0, 1})
        return Grid(title, header, tuple(lines), text)

    def _place(self, row: PastRow) -> str:
        """A period, with the county and the task where the row is of one."""
        counties, tasks = self._programme.counties.ids, self._programme.tasks.ids
        key = [] if row.county is None else [("county", counties[row.county])]
        key += [] if row.task is None else [("task", tasks[row.task])]
        labels, lang = read_labels(self._programme), self._words.lang
        named = [value_name(self._programme, labels, one, lang) for one in key]
        return " · ".join([row.period, *named])

    def worst(self, misses: Sequence[PastMiss]) -> str:
        """The largest miss, in a sentence."""
        known = [one for one in misses if one.miss is not None]
        if not known:
            return self._words("past.nothing")
        most = max(known, key=lambda one: abs(one.miss or 0))
        metric = self._metrics[most.metric].title.of(self._words.lang)
        told = {"place": self._place(most.row), "metric": metric, "miss": _miss(most)}
        return self._words("past.worst", **told)

    def beside(self, found: Backtest) -> list[Part]:
        """The published table and ours, as shares by county."""
        words, lang = self._words, self._words.lang
        labels = read_labels(self._programme)
        columns = ("published", "proposal", "baseline")
        totals = {
            name: sum((getattr(one, name) for one in found.beside), Fraction(0)) for name in columns
        }
        lines = []
        for one in found.beside:
            name = value_name(self._programme, labels, ("county", one.county), lang)
            lines.append(self._shares(name, [getattr(one, column) for column in columns], totals))
        whole = self._shares(words("past.sum"), list(totals.values()), totals)
        lines.append(Line(whole.cells, "total"))
        keys = ("past.published", "past.share", "uncertainty.proposal", "past.share")
        header = ("", *map(words, (*keys, "column.baseline", "past.share", "past.apart")))
        money = self._programme.file.money.of(lang)
        title = words("past.beside", file=found.published_file, money=money)
        parts: list[Part] = [Grid(title, header, tuple(lines)), Paragraph(words("past.batch"))]
        if found.outside:
            named = [f"{name} {amount_text(amount)}" for name, amount in found.outside]
            parts.append(Paragraph(words("past.outside", named=words("list").join(named))))
        return parts

    def _shares(self, name: str, money: Sequence[Fraction], totals: dict[str, Fraction]) -> Line:
        whole = list(totals.values())
        cells = [
            text
            for amount, total in zip(money, whole, strict=True)
            for text in (amount_text(amount), percent(amount, total))
        ]
        parts = [a / b if b else Fraction(0) for a, b in zip(money, whole, strict=True)]
        apart = signed(plain(100 * (parts[1] - parts[0]), 1))
        return Line((name, *cells, apart))


def _miss(one: PastMiss) -> str:
    return "-" if one.miss is None else signed(plain(100 * Fraction(one.miss), 1)) + "%"
