"""The counties that gain and lose most, each with the swap that says why."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from models.allocation import Allocation
from models.objective import metric_values
from models.programme import Metric
from optimizer.audit.movers import Mover, Movers, movers
from optimizer.audit.swaps import JudgedMove, SwapJudge
from reports.catalogue import Words
from reports.document import Grid, Line
from reports.numbers import amount_text, plain, signed, signed_change, upper
from reports.view.allocation_view import grouping_columns, is_large
from reports.view.county_table import value_in
from reports.view.page_model import PageModel
from reports.view.rule_view import RuleView


def mover_grids(model: PageModel, mended: Allocation | None = None) -> list[Grid]:
    """Against the table that was `mended`, the baseline, and last year where it is known; of very
    many counties without a reason, and with the groups that each is in."""
    solution = model.solution
    scenario = solution.scenario
    points = metric_values(scenario, solution.baseline.audit.outcomes)
    judge = SwapJudge(scenario, solution.allocation, points, solution.is_whole)
    known: dict[str, Sequence[Fraction | None]] = {}
    now = model.this.title if mended is None else model.words("mend.mended")
    if mended is not None:
        known[model.words("mend.given")] = mended.by_county
    if mended is None or mended.by_county != solution.baseline.allocation.by_county:
        known[model.columns[1].title] = model.columns[1].by_county
    if scenario.last_year is not None:
        last = scenario.last_year.by_county
        codes = scenario.programme.counties.ids
        known[model.words("page.last-year")] = [last.get(code) for code in codes]
    why = not is_large(scenario) and scenario.spec.objective.has_points
    grids = []
    for title, money in known.items():
        found = movers(judge, money, why=why)
        table = MoverTable(model.view, (title, now), why, nearest=mended is not None)
        grid = table.grid(model.words("page.most-moved", title=title), found)
        grids += [grid] if grid.lines else []
    return grids


def moved_since(model: PageModel, title: str, before: Allocation) -> Grid:
    """Who gains and who loses against an earlier allocation of the same programme, and why; `title`
    is what that is called."""
    scenario = model.solution.scenario
    points = metric_values(scenario, model.solution.baseline.audit.outcomes)
    judge = SwapJudge(scenario, model.solution.allocation, points, model.solution.is_whole)
    why = not is_large(scenario) and scenario.spec.objective.has_points
    money = [Fraction(sum(row)) for row in before.amounts.tolist()]
    table = MoverTable(model.view, (title, model.this.title), why)
    return table.grid(model.words("page.most-moved", title=title), movers(judge, money, why=why))


class MoverTable:
    """The table of one pair; `titles`: of the money before and now; `why`: with the reasons, else
    with the groups that each is in; `nearest`: as in `mover_line`."""

    def __init__(
        self, view: RuleView, titles: tuple[str, str], why: bool, *, nearest: bool = False
    ) -> None:
        self._view, self._titles, self._why, self._nearest = view, titles, why, nearest
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
        if not self._why:
            return Line((*named, *money))
        return Line((*named, *money, mover_line(self._view, one, nearest=self._nearest)))


def mover_line(view: RuleView, one: Mover, *, nearest: bool = False) -> str:
    """What undoing a part of the change would do, by the swap that was judged; `nearest`: in an
    allocation that seeks no more than to be near a table."""
    words, swap, programme = view.words, one.swap, view.scenario.programme
    back = one.change < 0
    other = None if swap is None else swap.move.source if back else swap.move.target
    if swap is None or other is None:
        return words("page.why.none")
    told = {
        "money": plain(swap.move.money),
        "unit": programme.file.money.of(words.lang),
        "county": programme.counties.names(words.lang)[other[0]],
        "index": index_change(swap.points, words),
    }
    if not swap.is_kept:
        titles = words("list").join(map(view.title, swap.breaks))
        key = "page.why.back-breaks" if back else "page.why.away-breaks"
        return words(key, titles=titles, **told)
    key = "page.why.back" if back else "page.why.away"
    text = words(key, metrics=_metrics(view, swap), **told)
    better = "page.why.nearest" if nearest else "page.why.gap"
    return text + (words(better) if swap.points > 0 and not swap.is_tie else "")


def _metrics(view: RuleView, swap: JudgedMove) -> str:
    """Whole people and firms more or less."""
    words, said = view.words, []
    for metric in view.scenario.programme.file.metrics:
        if change := round(swap.move.metrics[metric.id]):
            said.append(metric_change(metric, change, words))
    return words("list").join(said) or words("page.why.hardly")


def index_change(points: Fraction, words: Words) -> str:
    """A change of the index to the four decimals that it is shown with, and where it shows none."""
    text = signed(plain(points, 4))
    return words("page.index-same") if text == "0" else words("page.index", points=text)


def metric_change(metric: Metric, change: int, words: Words) -> str:
    """So many people or firms more or fewer."""
    told = {"title": metric.title.of(words.lang), "unit": metric.unit.of(words.lang)}
    key = "more.up" if change > 0 else "more.down" if change else "more.same"
    return words(key, change=plain(abs(change)), **told)
