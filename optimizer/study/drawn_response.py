"""What money yields, cell by cell, when the constants of the response are drawn.

The formula of `models.response`, over many draws at once, in floats: ends of tiers are rounded to
whole money units and rates to the tiers' own 10⁻⁶ as there, so what comes of whole money is a
whole number, the same as the scenario with these constants is read to give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models.errors import refuse
from models.exact import MICRO
from models.response import Response
from models.scenario import Scenario
from models.strict_yaml import parse_model
from models.tiers import LARGEST_RATE, Tiers
from optimizer.study.design import Paths
from optimizer.study.hashed_draws import Draws, Floats

_PIECE = 50_000
"""So many draws × cells are held at a time: memory stays flat in the number of draws."""


@dataclass(frozen=True, eq=False)
class HeldCells:
    """Some cells of a grid, and the money that tables hold in them."""

    counties: NDArray[np.intp]
    """[cell] position of its county; `tasks` likewise."""
    tasks: NDArray[np.intp]
    money: tuple[Floats, ...]
    """Of each table [cell] money units."""


@dataclass(frozen=True, eq=False)
class _Curves:
    """Tiers of some cells in some draws; a leading 1 where all draws have the same."""

    width: Floats
    """[draw, cell, tier] money units."""
    rate: tuple[Floats, ...]
    """Of each metric [draw, cell, tier] × the tiers' scale."""


class DrawnResponse:
    """The response of a scenario, to be read at drawn constants."""

    def __init__(self, scenario: Scenario) -> None:
        paths = Paths(scenario)
        self._scenario, self._programme = scenario, scenario.programme
        self._calibration = paths.calibration
        self._formula = None
        if paths.formula_gives_tiers:
            self._formula = parse_model(Response, paths.response, "response")
        self.scale = MICRO if self._formula else scenario.tiers.scale
        """What outcomes are multiplied by here."""

    def outcomes(self, draws: Draws, cells: HeldCells) -> Iterator[tuple[slice, list[Floats]]]:
        """Piece by piece of the draws: for each table [draw, metric, cell] outcome × `scale`."""
        size = max(1, _PIECE // max(1, len(cells.counties)))
        for start in range(0, len(draws), size):
            piece = draws.cut(start, start + size)
            if self._formula is None:
                curves = self._given(piece, cells)
            else:
                curves = self._by_formula(self._formula, piece, cells)
            yield slice(start, start + len(piece)), [_yields(curves, m) for m in cells.money]

    def tiers(self, values: Mapping[str, Floats]) -> Tiers:
        """The tiers of all cells at one draw; `values`: path → [1] the number.

        Raises `InputError` for a rate that becomes too large.
        """
        shape = self._programme.shape
        counties, tasks = (at.ravel() for at in np.indices(shape))
        draw, cells = Draws(0, range(1, 2), values), HeldCells(counties, tasks, ())
        if self._formula is None:
            curves = self._given(draw, cells)
        else:
            curves = self._by_formula(self._formula, draw, cells)
        rate = np.stack([each[0] for each in curves.rate])
        if rate.max(initial=0.0) > LARGEST_RATE:
            refuse("", "rates", f"a factor makes a rate larger than {LARGEST_RATE // MICRO:,}")
        whole = rate.reshape(len(rate), *shape, -1).astype(np.int64)
        return Tiers(curves.width[0].reshape(*shape, -1).astype(np.int64), whole, self.scale)

    def _given(self, draws: Draws, cells: HeldCells) -> _Curves:
        """Tiers as they are given, their rates times what is drawn."""
        tiers, where = self._scenario.tiers, (cells.counties, cells.tasks)
        rates = []
        for number, metric in enumerate(self._programme.metrics):
            whole = _column(draws.values.get(f"rates.{metric}", np.ones(1)))
            own = [draws.values.get(f"rates.{metric}.{task}") for task in self._programme.tasks.ids]
            by = np.ones((len(draws), len(own))) * whole
            for at, factor in enumerate(own):
                if factor is not None:
                    by[:, at] *= factor
            rate = np.asarray(tiers.rate[number][where], dtype=np.float64)
            rates.append(np.rint(rate[None] * by[:, cells.tasks, None]))
        return _Curves(tiers.width[where].astype(np.float64)[None], tuple(rates))

    def _by_formula(self, formula: Response, draws: Draws, cells: HeldCells) -> _Curves:
        drawn = _Numbers(draws.values)
        scale = self._saturation(formula, drawn, cells)
        points = [float(point) for point in formula.breakpoints]
        ends = [np.zeros_like(scale)]
        for point in points[1:]:
            # In a very small county two ends may round to one; a tier needs some width.
            ends.append(np.maximum(np.floor(point * scale + 0.5), ends[-1] + 1))
        marks = np.stack(ends, axis=-1)
        width = np.diff(marks, axis=-1)
        slope = -np.diff(np.exp(-marks / scale[..., None]), axis=-1) * scale[..., None] / width
        rates = []
        for metric in self._programme.metrics:
            level = self._level(formula, drawn, metric, cells)
            rate = np.rint(level[..., None] * slope * MICRO)
            rates.append(np.minimum.accumulate(rate, axis=-1))
        return _Curves(width, tuple(rates))

    def _saturation(self, formula: Response, drawn: _Numbers, cells: HeldCells) -> Floats:
        """[draw, cell] the saturation scale in money units."""
        sigma = [
            drawn.number(f"response.tasks.{task}.sigma", formula.tasks[task]["sigma"])
            for task in self._programme.tasks.ids
        ]
        scale = np.hstack(np.broadcast_arrays(*sigma))[:, cells.tasks]
        if formula.saturation is None:
            return scale
        sizes = [Fraction(1)] * len(self._programme.counties)
        for name in formula.saturation.columns:
            column = self._programme.formula_columns[name]
            sizes = [a * b for a, b in zip(sizes, column, strict=True)]
        mean = sum(sizes, Fraction(0)) / len(sizes)
        base = np.array([float(size / mean) for size in sizes])
        power = drawn.number("response.saturation.power", formula.saturation.power)
        return np.asarray(scale * (base**power)[:, cells.counties], dtype=np.float64)

    def _level(self, formula: Response, drawn: _Numbers, metric: str, cells: HeldCells) -> Floats:
        """[draw, cell] the rate at the first money unit: kappa × a × q."""
        programme = self._programme
        kappa = formula.kappa[self._calibration or ""][metric]
        level = drawn.number(f"response.kappa.{self._calibration}.{metric}", kappa)
        effects = [
            drawn.number(f"response.tasks.{task}.{metric}", formula.tasks[task][metric])
            for task in programme.tasks.ids
        ]
        effect = np.hstack(np.broadcast_arrays(*effects))
        q = self._productivity(formula, drawn, metric)
        return np.asarray(level * effect[:, cells.tasks] * q[:, cells.counties], dtype=np.float64)

    def _productivity(self, formula: Response, drawn: _Numbers, metric: str) -> Floats:
        """[draw, county]"""
        columns = self._programme.formula_columns
        q = np.ones((1, len(self._programme.counties)))
        heads: Sequence[Fraction] = [Fraction(1)] * q.shape[1]
        if formula.mean_weights is not None:
            heads = columns[formula.mean_weights]
        for name, power in formula.productivity.get(metric, {}).items():
            values = columns[name]
            mean = sum((a * b for a, b in zip(values, heads, strict=True)), Fraction(0))
            mean /= sum(heads, Fraction(0)) or 1
            base = np.array([float(value / mean) for value in values])
            q = q * base ** drawn.number(f"response.productivity.{metric}.{name}", power)
        if formula.cost is not None:
            step = drawn.number("response.cost.step", formula.cost.step)
            q = q / (1 + step * np.array([float(one) for one in columns[formula.cost.column]]))
        return q


class _Numbers:
    """Constants by path: drawn ones draw by draw, others as they are written."""

    def __init__(self, values: Mapping[str, Floats]) -> None:
        self._values = values

    def number(self, path: str, written: Fraction) -> Floats:
        """[draw, 1], or [1, 1] where it is not drawn."""
        return _column(self._values.get(path, np.array([float(written)])))


def _column(values: Floats) -> Floats:
    return values[:, None]


def _yields(curves: _Curves, money: Floats) -> Floats:
    """[draw, metric, cell]: Σ over tiers of rate × the money that falls into the tier."""
    start = np.cumsum(curves.width, axis=-1) - curves.width
    filled = np.clip(money[:, None] - start, 0, curves.width)
    return np.stack([(rate * filled).sum(axis=-1) for rate in curves.rate], axis=1)
