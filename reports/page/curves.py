"""Response curves: what money in a county's tasks would yield, with the chosen amounts on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from models.errors import Problems, did_you_mean
from models.exact import MICRO
from models.programme import Metric, Programme
from reports.numbers import plain
from reports.page.sheet import Sheet, amount_text
from reports.svg import Drawing, spread, ticks

SHOWN = 6
"""So many counties where neither the programme nor the reader names any."""
_WIDE, _HIGH = 226, 168
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


@dataclass(frozen=True)
class Axes:
    """Both ends of the axes, the same for all counties."""

    money: Fraction
    outcome: dict[str, Fraction]


def county_curves(sheet: Sheet, names: Sequence[str] = ()) -> list[CountyCurves]:
    """The curves of the counties asked for, else of the programme's choice, else of six.

    Raises `InputError` for a name or code that no county has, or several.
    """
    counties = named_counties(sheet.solution.scenario.programme, names) or _own_choice(sheet)
    axes = _axes(sheet, counties)
    return [_county(sheet, county, axes) for county in counties]


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


def _own_choice(sheet: Sheet) -> list[int]:
    """The programme's choice, else counties at even steps from most money to least."""
    programme = sheet.solution.scenario.programme
    if sheet.labels.curves:
        return [programme.counties.index[code] for code in sheet.labels.curves]
    by_money = sorted(
        sheet.counties, key=lambda c: (-sheet.this.value("amount", [c], sheet.tasks), c)
    )
    if len(by_money) <= SHOWN:
        return by_money
    return [by_money[round(at * (len(by_money) - 1) / (SHOWN - 1))] for at in range(SHOWN)]


def _curve(sheet: Sheet, metric: int, county: int, task: int) -> list[tuple[Fraction, Fraction]]:
    """(money, outcome) at the ends of the tiers, from (0, 0)."""
    tiers = sheet.solution.scenario.tiers
    points = [(Fraction(0), Fraction(0))]
    rates = tiers.rate[metric, county, task].tolist()
    for width, rate in zip(tiers.width[county, task].tolist(), rates, strict=True):
        if width:
            money, outcome = points[-1]
            points.append((money + width, outcome + Fraction(width * rate, MICRO)))
    return points


def _axes(sheet: Sheet, counties: Sequence[int]) -> Axes:
    """Long enough for every tier and every chosen amount of these counties."""
    money, outcome = Fraction(1), {}
    for m, metric in enumerate(sheet.solution.scenario.programme.metrics):
        ends = [_curve(sheet, m, c, t)[-1] for c in counties for t in sheet.tasks]
        outcome[metric] = max([y for _, y in ends], default=Fraction(0)) or Fraction(1)
        money = max([money, *(x for x, _ in ends)])
    chosen = [sheet.this.value("amount", [c], [t]) for c in counties for t in sheet.tasks]
    return Axes(max([money, *chosen]), outcome)


def _county(sheet: Sheet, county: int, axes: Axes) -> CountyCurves:
    metrics = sheet.solution.scenario.programme.file.metrics
    funded = [t for t in sheet.tasks if sheet.this.value("amount", [county], [t])]
    return CountyCurves(
        name=sheet.county_name(county),
        money=amount_text(sheet.this.value("amount", [county], sheet.tasks)),
        tasks=tuple(
            Chosen(str(t + 1), sheet.task_name(t), _figures(sheet, county, [t])) for t in funded
        ),
        total=_figures(sheet, county, sheet.tasks),
        drawings=tuple(
            _drawing(sheet, (m, metric), (county, funded), axes) for m, metric in enumerate(metrics)
        ),
    )


def _figures(sheet: Sheet, county: int, tasks: Sequence[int]) -> tuple[str, ...]:
    metrics = sheet.solution.scenario.programme.metrics
    outcomes = [plain(sheet.this.value(metric, [county], tasks), 1) for metric in metrics]
    return (amount_text(sheet.this.value("amount", [county], tasks)), *outcomes)


def _drawing(
    sheet: Sheet, named: tuple[int, Metric], place: tuple[int, Sequence[int]], axes: Axes
) -> Markup:
    """One metric of one county: funded tasks in ink with their number, the others in grey."""
    (m, metric), (county, funded) = named, place
    words = sheet.words
    title = words("metric", title=metric.title.of(words.lang), unit=metric.unit.of(words.lang))
    said = [f"{sheet.task_name(t)} {' '.join(_figures(sheet, county, [t]))}" for t in funded]
    drawing = Drawing(
        _WIDE, _HIGH, f"{sheet.county_name(county)} {title}", words("list").join(said)
    )
    drawing.text((0, 12), title, "b s")
    across = Fraction(_WIDE - _LEFT - _RIGHT) / axes.money
    up = Fraction(_HIGH - _TOP - _LOW) / axes.outcome[metric.id]
    _frame(sheet, drawing, (axes.money, axes.outcome[metric.id]), (across, up))

    def at(point: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction]:
        return _LEFT + point[0] * across, _HIGH - _LOW - point[1] * up

    ends = []
    for task in sorted(sheet.tasks, key=lambda t: t in funded):
        points = _curve(sheet, m, county, task)
        drawn = [at(point) for point in (*points, (axes.money, points[-1][1]))]
        drawing.line(drawn, f"resp r{task % 4}" if task in funded else "resp idle")
        if task in funded:
            ends.append((task, float(drawn[-1][1])))
    for task in funded:
        chosen = (
            sheet.this.value("amount", [county], [task]),
            sheet.this.value(metric.id, [county], [task]),
        )
        drawing.dot(at(chosen), 4, "chosen")
    places = spread([y for _, y in ends], 12, _TOP + 4, _HIGH - _LOW)
    for (task, _), y in zip(ends, places, strict=True):
        drawing.text((_WIDE - _RIGHT + 5, y + 4), str(task + 1), "b s")
    return drawing.markup()


def _frame(
    sheet: Sheet,
    drawing: Drawing,
    most: tuple[Fraction, Fraction],
    scale: tuple[Fraction, Fraction],
) -> None:
    """Grid lines with round numbers, and what the money axis is."""
    low = _HIGH - _LOW
    for value in ticks(most[1], 3):
        y = low - value * scale[1]
        drawing.line([(_LEFT, y), (_WIDE - _RIGHT, y)], "grid")
        drawing.text((_LEFT - 4, y + 4), _tick(value), "e s")
    for value in ticks(most[0], 3):
        drawing.text((_LEFT + value * scale[0], low + 14), _tick(value), "m s")
    drawing.text(((_LEFT + _WIDE - _RIGHT) / 2, low + 29), sheet.money, "m s")


def _tick(value: Fraction) -> str:
    for places in range(4):
        if (value * 10**places).denominator == 1:
            return plain(value, places)
    return plain(value, 4)
