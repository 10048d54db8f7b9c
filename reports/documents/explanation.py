"""The page of `allot explain`, and its JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from models.finding import Finding
from models.metadata import read_labels
from models.solution import Solution
from optimizer.audit.swaps import JudgedMove, Move
from optimizer.sensitivity.county_facts import CountyFacts, Rank
from optimizer.sensitivity.explain import CountyView, Explanation, UnfundedCell
from optimizer.sensitivity.more_money import MoreMoney
from optimizer.sensitivity.near_optimal import Range
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part, item
from reports.documents.more_asked import more_parts, more_view
from reports.numbers import gap_text, plain, signed_figures, upper
from reports.view.four_sentences import CountySentences
from reports.view.remarks import about
from reports.view.rule_view import RuleView

_FEW = 6


def explanation_view(
    said: Explanation, of: Solution | None, table: str = "", asked: MoreMoney | None = None
) -> dict[str, Any]:
    """`explain --json`; `table`: the file that the allocation was read from; `asked`: what came of
    more money for the county."""
    programme = said.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids

    def cell(place: tuple[int, int] | None) -> dict[str, str] | None:
        return None if place is None else {"county": counties[place[0]], "task": tasks[place[1]]}

    def move(one: Move) -> dict[str, Any]:
        ends = {"source": cell(one.source), "target": cell(one.target), "money": one.money}
        return {**ends, "metrics": one.metrics}

    def judged(one: JudgedMove | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {**move(one.move), "objective": one.points, "breaks": list(one.breaks)}

    def zero(one: UnfundedCell) -> dict[str, Any]:
        told = {"task": tasks[one.task], "why": one.why, "rules": list(one.rules)}
        return {**told, "swap": judged(one.swap)}

    def view(one: CountyView) -> dict[str, Any]:
        further = None
        if one.next is not None:
            further = {**move(one.next.move), "objective": one.next.move.points}
            further["blocked"] = list(one.next.blocked)
        amounts = said.allocation.amounts[one.county]
        return {
            "county": counties[one.county],
            "money": one.money,
            "cells": {name: Fraction(amounts[at]) for at, name in enumerate(tasks) if amounts[at]},
            "own": [_finding(finding) for finding in one.own],
            "shared": [_finding(finding) for finding in one.shared],
            "at_lot": [tasks[at] for at in one.at_lot],
            "next": further,
            "zero": [zero(cell) for cell in one.zero],
        }

    left = said.left_over
    return {
        "scenario": said.scenario.name,
        "table": table or None,
        "gap": None if of is None else of.gap,
        "source": None if of is None else of.source,
        "facts": [_facts(one, said) for one in said.facts],
        "near": None if said.near is None else _near(said.near, said.within),
        "more": more_view(asked),
        "county": view(said.county),
        "against": None if said.against is None else view(said.against),
        "swap": judged(said.swap),
        "tie": said.is_tie,
        "breaking_swap": judged(said.broken),
        "rearranged": said.rearranged,
        "left_over": None
        if left is None
        else {"money": left.money, "rules": list(left.rules), "gain": judged(left.gain)},
        "rooms": [
            {"rule": room.rule, "slack": room.tightest.slack, "never": room.never}
            for room in said.rooms
        ],
    }


def _facts(one: CountyFacts, said: Explanation) -> dict[str, Any]:
    programme = said.scenario.programme

    def rank(place: Rank | None) -> dict[str, int] | None:
        return None if place is None else {"place": place.place, "of": place.of}

    heads, held, first = one.heads, one.held, one.first_unit
    return {
        "county": programme.counties.ids[one.county],
        "money": one.money,
        "of_money": one.of_money,
        "residents": None if heads is None else heads.residents,
        "of_residents": None if heads is None else heads.everyone,
        "rank": None if heads is None else rank(heads.rank),
        "group": None if heads is None or heads.group is None else dict([heads.group]),
        "rank_in_group": None if heads is None else rank(heads.in_group),
        "baseline": one.baseline,
        "last_year": one.last_year,
        "first_unit": None if first is None else {"ratio": first.ratio, **(rank(first.rank) or {})},
        "decided_by": None
        if held is None
        else {
            **_finding(held.limit.finding),
            "side": held.limit.side,
            "keeps": held.way,
            "own": held.is_own,
            "objective": None if held.move is None else held.move.points,
        },
    }


def _near(near: Range, within: float) -> dict[str, Any]:
    inner = near.inner or (None, None)
    reached = {"least": inner[0], "most": inner[1]}
    return {"within": within, "no_less": near.low, "no_more": near.high, "reached": reached}


def _finding(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "key": dict(finding.key), "slack": finding.slack}


_GAP = {"proved": "explain.gap.proved", "solver": "explain.gap.solver"}


def explanation_page(
    said: Explanation,
    words: Words,
    of: Solution | None,
    table: str = "",
    asked: MoreMoney | None = None,
) -> Document:
    """What `allot explain` shows; `of`: where a solver found the allocation, what it found;
    `table`: the file that it was read from; `asked`: what came of more money for the county."""
    texts = _ExplanationTexts(said, words)
    title = words(
        "explain.title-table" if table else "explain.title",
        county=texts.county(said.county.county),
        scenario=said.scenario.spec.title.of(words.lang),
        table=table,
    )
    parts: list[Part] = []
    if said.breaks:
        broken = words("explain.broken", count=len(said.breaks), titles=texts.titles(said.breaks))
        parts.append(Paragraph(broken, "alarm"))
    if of is not None and of.gap:
        parts.append(Paragraph(words(_GAP[of.source or "solver"], gap=gap_text(of.gap))))
    parts += texts.sentences()
    if asked is not None:
        parts += more_parts(asked, words)
    for view in (said.county, said.against):
        if view is not None:
            parts += texts.view(view)
    parts += [*texts.swaps(), *texts.left_over(), *texts.rooms()]
    return Document(
        title, tuple(parts), about=about(said.scenario, words), sheets=(texts.figures(),)
    )


def county_sentences(said: Explanation, words: Words) -> list[str]:
    """What can be said of the county on the telephone, a sentence each."""
    parts = _ExplanationTexts(said, words).sentences()
    return [part.text for part in parts if isinstance(part, Paragraph) and part.text]


class _ExplanationTexts:
    def __init__(self, said: Explanation, words: Words) -> None:
        self._said, self._words = said, words
        self._programme = said.scenario.programme
        self._view = RuleView(said.scenario, read_labels(self._programme), words)
        self._unit = self._programme.file.money.of(words.lang)
        self._names = self._programme.counties.names(words.lang)
        self._tasks = self._programme.task_names(words.lang)

    def county(self, at: int) -> str:
        return self._names[at]

    def task(self, at: int) -> str:
        return self._tasks[at]

    def sentences(self) -> list[Part]:
        """What can be read out on the telephone, county by county; then how far the county may
        move, and what it has beside the other."""
        said, parts = self._said, list[Part]()
        speakers = [CountySentences(said.scenario, one, self._words) for one in said.facts]
        for at, speaker in enumerate(speakers):
            swap = None if at or said.against is not None else said.swap
            parts += [Paragraph(""), *map(Paragraph, speaker.four(swap))]
        if said.against is not None:
            parts += [Paragraph(""), Paragraph(speakers[0].beside(said.facts[1]))]
        if said.near is not None:
            parts += [Paragraph(""), Paragraph(speakers[0].near(said.near, said.within))]
        return parts

    def view(self, view: CountyView) -> list[Part]:
        words, name = self._words, self.county(view.county)
        head = words("explain.county", county=name, money=plain(view.money), unit=self._unit)
        amounts = self._said.allocation.amounts[view.county]
        held = [
            words("ranges.amount", task=self.task(at), money=plain(Fraction(amount)))
            for at, amount in enumerate(amounts)
            if amount
        ]
        lines = [self._joined("explain.cells", "amounts", held) or words("explain.none")]
        for key, findings in (("explain.own", view.own), ("explain.shared", view.shared)):
            lines.append(self._joined(key, "titles", self._findings(findings)))
        if not (view.own or view.shared):
            lines.append(words("explain.no-binding"))
        tasks = [self.task(at) for at in view.at_lot]
        lines += [self._joined("explain.at-lot", "tasks", tasks), self._next(view)]
        parts: list[Part] = [Paragraph(head, "heading")]
        parts += [Paragraph(line, indent=4, start=2) for line in lines if line]
        if view.zero:
            parts.append(Paragraph(words("explain.zero"), indent=4, start=2))
            parts += [item(self._zero(one), 4) for one in view.zero]
        return parts

    def _joined(self, key: str, name: str, texts: Sequence[str]) -> str:
        return self._words(key, **{name: self._words("list").join(texts)}) if texts else ""

    def _findings(self, findings: Iterable[Finding]) -> list[str]:
        said = []
        for finding in findings:
            title, place = self._view.title(finding.rule), self._view.group(finding)
            # A place that names just this county says nothing new.
            if place and [column for column, _ in finding.key] != ["county"]:
                said.append(self._words("explain.place", title=title, place=place))
            else:
                said.append(title)
        return list(dict.fromkeys(said))

    def titles(self, rules: Sequence[str]) -> str:
        titles = [self._view.title(rule) for rule in rules]
        more = len(titles) - _FEW
        text = self._words("list").join(titles[:_FEW])
        return self._words("and-more", titles=text, count=more) if more > 0 else text

    def _metrics(self, metrics: Mapping[str, Fraction]) -> str:
        words = self._words
        said = [
            words(
                "prices.metric",
                title=metric.title.of(words.lang),
                change=signed_figures(float(metrics[metric.id])),
                unit=metric.unit.of(words.lang),
            )
            for metric in self._programme.file.metrics
            if metrics[metric.id]
        ]
        return words("list").join(said) or words("prices.no-metric")

    def _next(self, view: CountyView) -> str:
        if view.next is None:
            return ""
        move = view.next.move
        text = upper(
            self._words(
                "explain.next",
                more=self._more(move),
                unit=self._unit,
                task=self.task(move.target[1]),
                metrics=self._metrics(move.metrics),
                points=signed_figures(float(move.points)),
            )
        )
        if not view.next.blocked:
            return text
        gap = "" if self._words.lang == "zh" else " "
        blocked = self.titles(view.next.blocked)
        return text + gap + self._words("explain.next-blocked", titles=blocked)

    def _more(self, move: Move) -> str:
        """How much money it is about: one unit, or a step."""
        one = move.money == 1 and self._words.lang == "en"
        return "one" if one else plain(move.money)

    def _zero(self, one: UnfundedCell) -> str:
        task = self.task(one.task)
        if one.swap is None:
            key = _ZERO[one.why]
            return self._words(key, task=task, titles=self.titles(one.rules))
        points = one.swap.points
        key = _ZERO[one.why]
        if one.swap.is_tie:
            key = "explain.zero.tie"
        return self._words(
            key, task=task, swap=self._move(one.swap.move), points=signed_figures(float(points))
        )

    def _move(self, move: Move) -> str:
        told = {"money": plain(move.money), "unit": self._unit, "target": self._cell(move.target)}
        if move.source is None:
            return self._words("explain.swap.unspent", **told)
        return self._words("explain.swap", source=self._cell(move.source), **told)

    def _cell(self, cell: tuple[int, int]) -> str:
        return self._words("explain.cell", county=self.county(cell[0]), task=self.task(cell[1]))

    def swaps(self) -> list[Part]:
        said, words = self._said, self._words
        lines = []
        if said.swap is not None:
            key = "explain.swap.tie" if said.is_tie else "explain.swap.costs"
            if said.swap.points > 0 and not said.is_tie:
                key = "explain.swap.gains"
            lines.append(self._swap(key, said.swap))
        elif said.broken is not None:
            lines.append(words("explain.swap.none"))
        else:
            lines.append(words("explain.swap.impossible"))
        if said.broken is not None and said.broken.points > 0:
            lines.append(self._swap("explain.swap.breaks", said.broken))
        if said.swap is not None:
            lines += self._differs(said.swap)
        lines.append(self._rearranged())
        return [Paragraph(words("explain.swap.title"), "heading"), *map(item, lines)]

    def _swap(self, key: str, one: JudgedMove) -> str:
        kept = "explain.kept-still" if self._said.breaks else "explain.kept"
        text = self._words(
            key,
            kept=self._words(kept),
            swap=self._move(one.move),
            points=signed_figures(float(one.points)),
            metrics=self._metrics(one.move.metrics),
            titles=self.titles(one.breaks),
        )
        return upper(text)

    def _differs(self, one: JudgedMove) -> list[str]:
        """Why a swap is worth less than what its money does where it goes."""
        move, further = one.move, self._said.county.next
        if move.source is None or further is None or one.is_tie:
            return []
        text = self._words(
            "phone.differs",
            more=self._more(further.move),
            unit=self._unit,
            county=self.county(move.target[0]),
            source=self.county(move.source[0]),
            gain=signed_figures(float(move.steps[0].points)),
            loss=signed_figures(float(move.steps[1].points)),
            points=signed_figures(float(one.points)),
        )
        if move.target == further.move.target:
            return [text]
        tasks = {"task": self.task(move.target[1]), "best": self.task(further.move.target[1])}
        return [text, self._words("phone.differs-task", **tasks)]

    def _rearranged(self) -> str:
        said, words = self._said, self._words
        if said.rearranged is None:
            return words("explain.rearranged.none")
        against = ""
        if said.against is not None:
            county = self.county(said.against.county)
            against = words("explain.rearranged.against", county=county, unit=self._unit)
        return words(
            "explain.rearranged.tie" if said.is_rearranged_tie else "explain.rearranged",
            unit=self._unit,
            county=self.county(said.county.county),
            against=against,
            points=signed_figures(said.rearranged),
        )

    def left_over(self) -> list[Part]:
        left, words = self._said.left_over, self._words
        if left is None:
            return []
        text = words("explain.left", money=plain(left.money), unit=self._unit)
        if left.gain is not None and left.gain.points > 0:
            target = self._cell(left.gain.move.target)
            points = signed_figures(float(left.gain.points))
            text += words("explain.left.gain", target=target, points=points)
        elif left.gain is not None or not left.rules:
            text += words("explain.left.no-gain")
        else:
            text += words("explain.left.rules", titles=self.titles(left.rules))
        return [Paragraph(""), Paragraph(text)]

    def figures(self) -> Grid:
        """The numbers of the sentences, each with its unit."""
        said = self._said
        lines = [line for view in (said.county, said.against) if view for line in self._held(view)]
        for view in (said.county, said.against):
            if view is not None and view.next is not None:
                lines += self._effects("explain.figure.next", view.next.move, view.next.move.points)
        swaps = (("explain.figure.swap", said.swap), ("explain.figure.breaks", said.broken))
        for key, one in swaps:
            if one is not None and (one is said.swap or one.points > 0):
                lines += self._effects(key, one.move, one.points)
        if said.rearranged is not None:
            what = self._words("explain.figure.rearranged")
            points = signed_figures(said.rearranged)
            lines.append(self._figure((what, self.county(said.county.county), ""), points))
        if said.left_over is not None:
            what = self._words("explain.figure.left")
            money = plain(said.left_over.money)
            lines.append(self._figure((what, "", ""), money, self._unit))
        keys = (
            *("explain.figure.what", "explain.figure.from", "column.county"),
            *("explain.figure.task", "explain.figure.number", "explain.figure.unit"),
        )
        header = tuple(map(self._words, keys))
        return Grid(
            self._words("explain.figures"), header, tuple(lines), frozenset({0, 1, 2, 3, 5})
        )

    def _held(self, view: CountyView) -> Iterator[Line]:
        """The money of a county, task by task."""
        what, name = self._words("explain.figure.held"), self.county(view.county)
        for at, amount in enumerate(self._said.allocation.amounts[view.county]):
            place = (what, name, self.task(at))
            yield self._figure(place, plain(Fraction(amount)), self._unit)

    def _effects(self, key: str, move: Move, points: Fraction) -> Iterator[Line]:
        """What moving money does: how much of it, to the index and to each metric."""
        words, source = self._words, "" if move.source is None else self._cell(move.source)
        county, task = self.county(move.target[0]), self.task(move.target[1])
        index = words("row.index")

        def line(of: str, number: str, unit: str = "") -> Line:
            what = words("explain.figure.of", what=words(key), of=of)
            return self._figure((what, county, task), number, unit, source)

        yield line(words("explain.figure.money"), plain(move.money), self._unit)
        yield line(index, signed_figures(float(points)))
        for metric in self._programme.file.metrics:
            if change := move.metrics[metric.id]:
                title, unit = metric.title.of(words.lang), metric.unit.of(words.lang)
                yield line(title, signed_figures(float(change)), unit)

    def _figure(
        self, place: tuple[str, str, str], number: str, unit: str = "", source: str = ""
    ) -> Line:
        what, county, task = place
        return Line((what, source, county, task, number, unit))

    def rooms(self) -> list[Part]:
        if not self._said.rooms:
            return []
        lines = [
            self._words(
                "explain.room.never" if room.never else "explain.room",
                title=self._view.title(room.rule),
                slack=self._view.slack(room.tightest),
            )
            for room in self._said.rooms
        ]
        return [Paragraph(self._words("explain.rooms"), "heading"), *map(item, lines)]


_ZERO = {
    "barred": "explain.zero.barred",
    "locked": "explain.zero.locked",
    "limits": "explain.zero.limits",
    "worse": "explain.zero.worse",
    "better": "explain.zero.better",
}
