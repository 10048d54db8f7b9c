"""The counties that gain and lose most, each with the swap that says why."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from models.objective import metric_values
from optimizer.audit.movers import Mover, Movers, movers
from optimizer.audit.swaps import JudgedMove, SwapJudge
from reports.document import Grid, Line
from reports.numbers import amount_text, plain, signed, signed_change, signed_figures, upper
from reports.view.allocation_view import grouping_columns, is_large
from reports.view.county_table import value_in
from reports.view.page_model import PageModel
from reports.view.rule_view import RuleView


def mover_grids(model: PageModel) -> list[Grid]:
    """Against the baseline, and against last year where it is known; of very many counties without
    a reason, and with the groups that each is in."""
    solution = model.solution
    scenario = solution.scenario
    points = metric_values(scenario, solution.baseline.audit.outcomes)
    judge = SwapJudge(scenario, solution.allocation, points, solution.is_whole)
    before: list[tuple[str, Sequence[Fraction | None]]] = [
        (column.title, column.by_county) for column in model.columns[1:2]
    ]
    if scenario.last_year is not None:
        known = scenario.last_year.by_county
        codes = scenario.programme.counties.ids
        before.append((model.words("page.last-year"), [known.get(code) for code in codes]))
    why = not is_large(scenario) and scenario.spec.objective.has_points
    grids = []
    for title, money in before:
        found = movers(judge, money, why=why)
        table = MoverTable(model.view, (title, model.this.title), why)
        grid = table.grid(model.words("page.most-moved", title=title), found)
        grids += [grid] if grid.lines else []
    return grids


class MoverTable:
    """The table of one pair; `titles`: of the money before and now; `why`: with the reasons, else
    with the groups that each is in."""

    def __init__(self, view: RuleView, titles: tuple[str, str], why: bool) -> None:
        self._view, self._titles, self._why = view, titles, why
        programme, lang = view.scenario.programme, view.words.lang
        self._names = programme.counties.names(lang)
        self._groups = () if why else grouping_columns(view.scenario, view.labels)

    def grid(self, title: str, found: Movers) -> Grid:
        """Those that gain, then those that lose."""
        words = self._view.words
        columns = ("county", *self._groups)
        heads = [upper(self._view.labels.column(one, words.lang)) for one in columns]
        why = [words("page.why")] if self._why else []
        header = (*heads, *self._titles, words("page.change"), *why)
        lines: list[Line] = []
        for key, listed in (("page.gains", found.winners), ("page.losses", found.losers)):
            if listed:
                lines.append(Line((words(key), *[""] * (len(header) - 1)), "block"))
            lines += map(self._line, listed)
        last = {len(header) - 1} if self._why else set()
        return Grid(title, header, tuple(lines), frozenset({*range(len(heads)), *last}))

    def _line(self, one: Mover) -> Line:
        named = (
            self._names[one.county],
            *(value_in(self._view, name, one.county) for name in self._groups),
        )
        money = (amount_text(one.before), amount_text(one.now), signed_change(one.change))
        return Line((*named, *money, *([mover_line(self._view, one)] if self._why else [])))


def mover_line(view: RuleView, one: Mover) -> str:
    """What undoing a part of the change would do, by the swap that was judged."""
    words, swap, programme = view.words, one.swap, view.scenario.programme
    back = one.change < 0
    other = None if swap is None else swap.move.source if back else swap.move.target
    if swap is None or other is None:
        return words("page.why.none")
    told = {
        "money": plain(swap.move.money),
        "unit": programme.file.money.of(words.lang),
        "county": programme.counties.names(words.lang)[other[0]],
        "points": signed_figures(float(swap.points)),
    }
    if not swap.is_kept:
        titles = words("list").join(map(view.title, swap.breaks))
        key = "page.why.back-breaks" if back else "page.why.away-breaks"
        return words(key, titles=titles, **told)
    key = "page.why.back" if back else "page.why.away"
    text = words(key, metrics=_metrics(view, swap), **told)
    return text + (words("page.why.gap") if swap.points > 0 and not swap.is_tie else "")


def _metrics(view: RuleView, swap: JudgedMove) -> str:
    """Whole people and firms more or less."""
    words, said = view.words, []
    for metric in view.scenario.programme.file.metrics:
        change = round(swap.move.metrics[metric.id])
        if change:
            told = {"title": metric.title.of(words.lang), "unit": metric.unit.of(words.lang)}
            said.append(words("prices.metric", change=signed(plain(change)), **told))
    return words("list").join(said) or words("page.why.hardly")
