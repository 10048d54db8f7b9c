"""What `allot front` says: the points that nothing betters in all wishes, drawn and listed."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

from optimizer.study.front import Front, FrontPoint, Wish
from reports.catalogue import Words
from reports.document import Document, Figure, Grid, Line, Paragraph, Part
from reports.numbers import amount_text, counted, gap_text
from reports.svg import value_curve
from reports.view.remarks import about

_MOST_ROWS = 60
_WHY = {
    "most": "front.why.most",
    "time": "front.why.time",
    "large": "front.why.large",
    "unsettled": "front.why.unsettled",
    "sampled": "front.why.sampled",
}


def front_view(front: Front) -> dict[str, Any]:
    """`front --json`."""
    return {
        "scenario": front.scenario.name,
        "aims": [wish.text for wish in front.wishes],
        "complete": front.complete,
        "why": front.why or None,
        "points": [_point(front, one) for one in front.points],
    }


def _point(front: Front, one: FrontPoint) -> dict[str, Any]:
    programme = front.scenario.programme
    counties, tasks = programme.counties.ids, programme.tasks.ids
    measures = [wish.measure for wish in front.wishes]
    return {
        "values": dict(zip(measures, one.values, strict=True)),
        "spent": one.spent,
        "gap": one.gap,
        "allocation": [
            {"county": county, "task": task, "amount": Fraction(amount)}
            for county, row in zip(counties, one.allocation.amounts.tolist(), strict=True)
            for task, amount in zip(tasks, row, strict=True)
            if amount
        ],
    }


def front_page(front: Front, words: Words) -> Document:
    """Whether all points are there, the points by pairs of wishes, and a table of them."""
    names = [_name(front, wish, words) for wish in front.wishes]
    count = len(front.points)
    if front.complete:
        said = words("front.complete", count=count)
    else:
        said = words("front.found", count=count, why=words(_WHY[front.why]))
    parts: list[Part] = [Paragraph(said), *_figures(front, names, words)]
    shown = front.points[:_MOST_ROWS]
    gaps = any(one.gap is not None for one in shown)
    lines = [
        Line((str(number), *_values(front, one), amount_text(one.spent), *_gap(one, gaps)))
        for number, one in enumerate(shown, 1)
    ]
    money = front.scenario.programme.file.money.of(words.lang)
    first = next(name for name, wish in zip(names, front.wishes, strict=True) if not wish.is_money)
    head = [words("front.gap", name=first)] if gaps else []
    header = (words("front.point"), *names, words("study.spent"), *head)
    parts.append(Grid(words("study.rows", money=money), header, tuple(lines)))
    if len(shown) < count:
        parts.append(Paragraph(words("study.cut", count=count, shown=len(shown))))
    title = words("front.title", scenario=front.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(front.scenario, words))


def _gap(one: FrontPoint, told: bool) -> tuple[str, ...]:
    """By how much the first metric may still gain; of no point where no gap is `told`."""
    return (("-" if one.gap is None else gap_text(one.gap)),) if told else ()


def _figures(front: Front, names: list[str], words: Words) -> list[Figure]:
    """Each pair of wishes; nothing of a single point."""
    if len(front.points) < 2:
        return []
    drawn = []
    for one, other in combinations(range(len(names)), 2):
        points = [(float(p.values[one]), float(p.values[other])) for p in front.points]
        title = words("front.figure", across=names[one], up=names[other])
        alt = words("front.alt", across=names[one], up=names[other])
        drawn.append(value_curve(title, alt, sorted(points), joined=len(names) == 2))
    return drawn


def _name(front: Front, wish: Wish, words: Words) -> str:
    """A wish with its unit, and that less of it is wanted."""
    programme = front.scenario.programme.file
    if wish.measure == "amount":
        title, unit = words("study.spent"), programme.money.of(words.lang)
    else:
        metric = next(one for one in programme.metrics if one.id == wish.measure)
        title, unit = metric.title.of(words.lang), metric.unit.of(words.lang)
    named = words("metric", title=title, unit=unit)
    return named if wish.more else words("front.less", name=named)


def _values(front: Front, one: FrontPoint) -> list[str]:
    """Whole people and firms, as all papers have them."""
    metrics = {metric.id: metric for metric in front.scenario.programme.file.metrics}
    pairs = [(metrics.get(w.measure), v) for w, v in zip(front.wishes, one.values, strict=True)]
    return [amount_text(v) if metric is None else counted(metric, v) for metric, v in pairs]
