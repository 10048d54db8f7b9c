"""Response curves: what money in a county's tasks would yield, with the chosen amounts on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.errors import Problems, did_you_mean
from models.exact import MICRO
from models.programme import Metric, Programme
from reports.numbers import amount_text, plain
from reports.svg import SMALL, Drawing, fitted, round_up, spread, ticks
from reports.view.page_model import PageModel

At = tuple[Fraction, Fraction]
"""Money and outcome, or a place in a drawing."""
SHOWN = 6
"""So many counties where neither the programme nor the reader names any."""
_WIDE, _HIGH = 216, 168
_LEFT, _RIGHT, _TOP, _LOW = 38, 22, 22, 34


@dataclass(frozen=True)
class Chosen:
    """One funded task of a county: its number in the drawings, its money, what it yields."""

    number: str
    task: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class CountyCurves:
    """One county: a drawing a metric, and the chosen amounts as a table."""

    name: str
    money: str
    tasks: tuple[Chosen, ...]
    total: tuple[str, ...]
    drawings: tuple[Markup, ...]


def county_curves(model: PageModel, names: Sequence[str] = ()) -> list[CountyCurves]:
    """The curves of the counties asked for, else of the programme's choice, else of six.

    Raises `InputError` for a name or code that no county has, or several.
    """
    counties = named_counties(model.solution.scenario.programme, names) or _own_choice(model)
    return [_county(model, county) for county in counties]


def named_counties(programme: Programme, names: Sequence[str]) -> list[int]:
    """Positions of counties by code or by name in either language, whole or its beginning."""
    problems, found = Problems(), []
    table = programme.counties
    for name in names:
        said = [table.ids, table.names("zh"), table.names("en")]
        exact = {at for column in said for at, text in enumerate(column) if text == name}
        begins = {
            at
            for column in said
            for at, text in enumerate(column)
            if name and text.casefold().startswith(name.casefold())
        }
        hits = sorted(exact or begins)
        if len(hits) == 1:
            found += hits
        elif hits:
            several = ", ".join(table.names("zh")[at] for at in hits[:SHOWN])
            problems.add("", "--county", f"'{name}' may be {several}; say which")
        else:
            near = did_you_mean(name, [*said[1], *said[2], *said[0]])
            problems.add("", "--county", f"unknown county '{name}'{near}")
    problems.raise_if_any()
    return list(dict.fromkeys(found))


def _own_choice(model: PageModel) -> list[int]:
    """The programme's choice, else counties at even steps from most money to least."""
    programme = model.solution.scenario.programme
    if model.labels.curves:
        return [programme.counties.index[code] for code in model.labels.curves]
    by_money = sorted(
        model.counties, key=lambda c: (-model.this.value("amount", [c], model.tasks), c)
    )
    if len(by_money) <= SHOWN:
        return by_money
    return [by_money[round(at * (len(by_money) - 1) / (SHOWN - 1))] for at in range(SHOWN)]


def _curve(model: PageModel, metric: int, county: int, task: int) -> list[At]:
    """(money, outcome) at the ends of the tiers, from (0, 0)."""
    tiers = model.solution.scenario.tiers
    points = [(Fraction(0), Fraction(0))]
    rates = tiers.rate[metric, county, task].tolist()
    for width, rate in zip(tiers.width[county, task].tolist(), rates, strict=True):
        if width:
            money, outcome = points[-1]
            points.append((money + width, outcome + Fraction(width * rate, MICRO)))
    return points


def _upto(points: Sequence[At], end: Fraction) -> list[At]:
    """The curve from 0 to `end`, cut within a tier or drawn on level after the last."""
    drawn = [points[0]]
    for (x, y), (further, higher) in zip(points, points[1:], strict=False):
        if further >= end:
            drawn.append((end, y + (higher - y) * (end - x) / (further - x)))
            return drawn
        drawn.append((further, higher))
    return [*drawn, (end, points[-1][1])]


def _reach(model: PageModel, county: int) -> Fraction:
    """Where the money axis of a county ends: well beyond its largest amount."""
    chosen = [model.this.value("amount", [county], [task]) for task in model.tasks]
    ends = [_curve(model, 0, county, task)[-1][0] for task in model.tasks]
    return round_up(max(chosen) * 2) if any(chosen) else max([Fraction(1), *ends])


def _county(model: PageModel, county: int) -> CountyCurves:
    metrics = model.solution.scenario.programme.file.metrics
    funded = [t for t in model.tasks if model.this.value("amount", [county], [t])]
    reach = _reach(model, county)
    return CountyCurves(
        name=model.county_name(county),
        money=amount_text(model.this.value("amount", [county], model.tasks)),
        tasks=tuple(
            Chosen(str(t + 1), model.task_name(t), _figures(model, county, [t])) for t in funded
        ),
        total=_figures(model, county, model.tasks),
        drawings=tuple(
            _drawing(model, (m, metric), (county, funded), reach)
            for m, metric in enumerate(metrics)
        ),
    )


def _figures(model: PageModel, county: int, tasks: Sequence[int]) -> tuple[str, ...]:
    metrics = model.solution.scenario.programme.metrics
    outcomes = [plain(model.this.value(metric, [county], tasks), 1) for metric in metrics]
    return (amount_text(model.this.value("amount", [county], tasks)), *outcomes)


def _drawing(
    model: PageModel, named: tuple[int, Metric], place: tuple[int, Sequence[int]], reach: Fraction
) -> Markup:
    """One metric of one county: funded tasks in ink with their number, the others in grey."""
    (m, metric), (county, funded) = named, place
    words = model.words
    title = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    drawing = Drawing(_WIDE, _HIGH, f"{model.county_name(county)} {title}", "")
    drawing.text((0, 12), fitted(title, _WIDE, SMALL), "b s")
    curves = {t: _upto(_curve(model, m, county, t), reach) for t in model.tasks}
    most = max([y for points in curves.values() for _, y in points]) or Fraction(1)
    frame = Frame(reach, most)
    _axes(model, drawing, frame)
    idle = [[frame.at(p) for p in points] for t, points in curves.items() if t not in funded]
    if idle:
        drawing.path(idle, "resp idle")
    for task in funded:
        drawing.line([frame.at(point) for point in curves[task]], f"resp r{task % 4}")
    for task in funded:
        money, outcome = (model.this.value(m, [county], [task]) for m in ("amount", metric.id))
        drawing.dot(frame.at((money, outcome)), 4, "chosen")
    ends = [float(frame.at(curves[task][-1])[1]) for task in funded]
    places = spread(ends, 12, _TOP + 4, _HIGH - _LOW)
    for task, y in zip(funded, places, strict=True):
        drawing.text((_WIDE - _RIGHT + 5, y + 4), str(task + 1), "b s")
    return drawing.markup()


@dataclass(frozen=True)
class Frame:
    """The axes of one drawing: how far they reach."""

    money: Fraction
    outcome: Fraction

    def at(self, point: At) -> At:
        """Where (money, outcome) stands in the drawing."""
        across = Fraction(_WIDE - _LEFT - _RIGHT) / self.money
        up = Fraction(_HIGH - _TOP - _LOW) / self.outcome
        return _LEFT + point[0] * across, _HIGH - _LOW - point[1] * up


def _axes(model: PageModel, drawing: Drawing, frame: Frame) -> None:
    """Grid lines with round numbers, and what the money axis is."""
    low = _HIGH - _LOW
    lines = []
    for value in ticks(frame.outcome, 3):
        left, right = frame.at((Fraction(0), value)), frame.at((frame.money, value))
        lines.append([left, right])
        drawing.text((left[0] - 4, left[1] + 4), _tick(value), "e s")
    drawing.path(lines, "grid")
    for value in ticks(frame.money, 3):
        drawing.text((frame.at((value, Fraction(0)))[0], low + 14), _tick(value), "m s")
    drawing.text(((_LEFT + _WIDE - _RIGHT) / 2, low + 29), model.money, "m s")


def _tick(value: Fraction) -> str:
    for places in range(4):
        if (value * 10**places).denominator == 1:
            return plain(value, places)
    return plain(value, 4)
