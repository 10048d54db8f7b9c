"""An ordered list of aims as reports show it: what each pushes, reached and gave up."""

from __future__ import annotations

from fractions import Fraction

from models.aim import OrderedAim, Push
from models.aim_sentences import aim_sentence, stage_sentence
from models.scenario import Scenario
from models.solution import AimReached, Solution
from reports.catalogue import Words
from reports.document import Grid, Line
from reports.numbers import amount_text, places_for, plain, upper

_FIGURES = 7
_HEADS = (
    *("aims.order", "aims.pushes", "aims.found", "aims.bound"),
    *("aims.allowed", "aims.given-up", "aims.value"),
)


def aim_grid(solution: Solution, words: Words) -> Grid | None:
    """Stage by stage: found, bound, what may be given up, what was, and what the allocation comes
    to; None without a list."""
    if not solution.aims:
        return None
    lines = [_line(solution.scenario, one, words) for one in solution.aims]
    lines.append(Line((words("aims.last"),), "note"))
    header = tuple(map(words, _HEADS))
    return Grid(words("aims.title"), header, tuple(lines), frozenset({0, 1}))


def aim_lines(scenario: Scenario, words: Words) -> list[str]:
    """The aims of a list as sentences, the published choice last; none without a list."""
    programme = scenario.programme
    said = [
        words("aims.item", number=number, text=aim_sentence(aim, programme, words.lang))
        for number, aim in enumerate(scenario.spec.objective.aims, 1)
    ]
    return [*said, words("aims.last")] if said else []


def _line(scenario: Scenario, one: AimReached, words: Words) -> Line:
    aim = scenario.spec.objective.aims[one.push.number]
    pushes = stage_sentence(aim, one.push, scenario.programme, words.lang)
    value = one.found if one.value is None else one.value
    return Line(
        (
            str(one.push.number + 1),
            upper(words("aims.unit", text=pushes, unit=_unit(scenario, aim, one.push, words))),
            _figure(one.found),
            _bound(one, words),
            _figure(one.allowed),
            _figure(max(one.given_up, Fraction(0))),
            _figure(value),
        )
    )


def _bound(one: AimReached, words: Words) -> str:
    """What nothing is better than; from the second stage on, given the earlier ones."""
    if one.bound is None:
        return "-"
    bound = _figure(Fraction(repr(one.bound)))
    first = not one.push.number and one.push.stage != "touched" and not one.push.rank
    return bound if first else words("aims.given", bound=bound)


def _unit(scenario: Scenario, aim: OrderedAim, push: Push, words: Words) -> str:
    if push.stage == "touched":
        return words("aims.counties")
    programme = scenario.programme
    if aim.weights is not None or aim.spread is not None:
        return words("aims.points")
    name = aim.maximise or aim.minimise or aim.raise_least
    units = {metric.id: metric.unit.of(words.lang) for metric in programme.file.metrics}
    return units.get(name or "") or programme.file.money.of(words.lang)


def _figure(value: Fraction) -> str:
    if value.denominator == 1:
        return amount_text(value)
    return plain(value, min(12, max(2, places_for(value, _FIGURES))))
