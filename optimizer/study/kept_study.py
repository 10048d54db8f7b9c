"""A study that is kept and grows: points of any design, evaluated one by one.

What is there is never worked out again (`optimizer.study.kept_results`). A point's result depends
on the point only, and not on which others there are, on who works it out, or on what was stopped
before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

import numpy as np

from models.allocation import Allocation, write_file
from models.errors import InputError, Problems, did_you_mean, refuse, with_keywords
from models.exact import exact_text
from models.record.scenario_files import resolved_files
from models.scenario import Scenario, load
from models.strict_yaml import read_text
from optimizer.audit import audit
from optimizer.process_pool import Work
from optimizer.strategies.tightening import as_allocation
from optimizer.study.assumption_table import Assumptions
from optimizer.study.cache import NAME, opened
from optimizer.study.design import Paths, Point, Vary, cross_product, values_of
from optimizer.study.hashed_draws import quantiles
from optimizer.study.kept_results import KeptResults
from optimizer.study.runner import (
    How,
    StudyPlan,
    Watch,
    checked_how,
    executor,
    identity_of,
)
from optimizer.study.study_result import Result, failed

if TYPE_CHECKING:
    import pandas as pd

Evaluate = Literal["audit", "relaxed", "whole"]
"""audit: a table read at each point, no solver; relaxed: cells funded in part; whole: an
allocation in whole units within the gap."""
_FILE, _SCENARIO = "results.sqlite", "scenario"


@dataclass(frozen=True)
class Design:
    """Points to be evaluated: each a value for some paths, as `--set` and `grid` name them."""

    listed: tuple[Mapping[str, object], ...]

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.listed)

    @classmethod
    def points(cls, listed: Iterable[Mapping[str, object]] | pd.DataFrame) -> Design:
        """A list of mappings path → value, or a frame with a column a path."""
        rows: Any = listed.to_dict("records") if hasattr(listed, "to_dict") else listed
        return cls(tuple(dict(point) for point in rows))

    @classmethod
    def grid(cls, scenario: Scenario, vary: Vary) -> Design:
        """Every combination of some values, as `grid` takes them."""
        return cls(tuple(dict(point) for point in cross_product(Paths(scenario), vary, yes=True)))

    @classmethod
    def latin_hypercube(cls, assumed: Assumptions, count: int, seed: int = 1) -> Design:
        """So many points, each drawn number of `assumed` in as many equal shares of its range, once
        in each."""
        from scipy.stats import qmc  # Costs a second, and only designs need it.

        return cls._spread(assumed, qmc.LatinHypercube(len(assumed.drawn), rng=seed).random(count))

    @classmethod
    def sobol(cls, assumed: Assumptions, count: int, seed: int = 1) -> Design:
        """The first so many points of a scrambled Sobol sequence over the ranges of `assumed`; a
        power of two spreads them evenly."""
        from scipy.stats import qmc  # As above.

        return cls._spread(assumed, qmc.Sobol(len(assumed.drawn), rng=seed).random(count))

    @classmethod
    def _spread(cls, assumed: Assumptions, shares: np.ndarray[Any, Any]) -> Design:
        """`shares`: [point, number] where in its range each lies."""
        columns = {
            one.path: quantiles(one.range, Fraction(one.now), shares[:, at])
            for at, one in enumerate(assumed.drawn)
        }
        rows = range(len(shares))
        return cls(tuple({path: float(v[row]) for path, v in columns.items()} for row in rows))


@dataclass(frozen=True)
class _ReadTable:
    """A table read at one point."""

    scenario: Scenario
    table: Allocation
    points: Mapping[str, Fraction]
    """Of the unchanged scenario, per unit of each metric."""

    def run(self) -> list[Result]:
        """Its result, alone in a list."""
        try:
            audited = audit(self.scenario, self.table, whole=False)
        except Exception as error:
            return [failed(error)]
        broken, outcomes = audited.broken_rules, audited.outcomes
        worth = sum((self.points[name] * outcomes[name] for name in self.points), Fraction(0))
        return [
            Result(
                "broken" if broken else "kept",
                " ".join(broken),
                worth=float(worth),
                outcomes={name: float(value) for name, value in outcomes.items()},
                spent=float(audited.spent),
            )
        ]


class KeptHow(TypedDict, total=False):
    """Where the points of a kept study are worked out."""

    workers: int | None
    dask: str | None


class KeptStudy:
    """The study in a folder; made by `open_study`."""

    def __init__(
        self, folder: Path, scenario: Scenario, asks: Mapping[str, Any], table: Allocation | None
    ) -> None:
        self.folder, self.scenario = folder, scenario
        self._asks, self._table, self._paths = asks, table, Paths(scenario)
        self._kept = KeptResults(folder / _FILE)

    def __repr__(self) -> str:
        told = f"{len(self)} points, {self._asks['evaluate']}"
        return f"Study of {self.scenario.name} in {self.folder}: {told}"

    def __len__(self) -> int:
        """How many points have a result."""
        return self._kept.count()

    @with_keywords(*KeptHow.__annotations__)
    def extend(
        self, design: Design, *, watch: Watch | None = None, **how: Unpack[KeptHow]
    ) -> KeptStudy:
        """Add the points of a design, and work out all that have no result yet.

        Points that are there already are left as they are. `workers`: processes, here by default;
        `dask`: address of a scheduler; the bytes are the same for any. `watch` is told how many
        points are done, of how many. Returns itself. Raises `InputError` with every path that does
        not exist and every value that is none, and where another run is writing.
        """
        points = self._read(design)
        asked = How(relax=self._asks["evaluate"] == "relaxed", gap=self._asks["gap"], **how)
        where = replace(checked_how(asked), workers=asked.workers or 1)
        with opened(self.folder, self._identity()):
            self._keep_scenario()
            with self._kept.connected() as store:
                self._kept.add(store, points)
                done, left = self._kept.todo(store)
                told, total = done, done + len(left)
                for at, result in self._results([point for _, point in left], where):
                    self._kept.save(store, left[at][0], result)
                    told += 1
                    if watch is not None:
                        watch(told, total)
        return self

    @property
    def frame(self) -> pd.DataFrame:
        """One row a point that has a result, in the order they were added: `point`, one column for
        each path, `status` (kept, broken where a table is read; else as `grid`), `objective`,
        `worth` by the points of the unchanged scenario, one column a metric, `spent`, `moved`,
        `bound_solver`, `gap`, `why` (for a broken one the rules). NaN for what is not there."""
        import pandas as pd

        return pd.DataFrame(self._kept.rows(self.scenario.programme.metrics))

    def allocation(self, point: int) -> Allocation | None:
        """The money of one point, exact; None where it has none, or the study reads a table."""
        texts = self._kept.amounts(point)
        return as_allocation(self.scenario, _exact(texts)) if texts else None

    def _read(self, design: Design) -> list[Point]:
        problems, points = Problems(), list[Point]()
        for number, given in enumerate(design.listed):
            point = []
            for name, value in given.items():
                try:
                    path = self._paths.find(name)
                    point.append((path.name, values_of(path, [value])[0]))
                except ValueError as error:
                    problems.add("", f"points[{number}]: {name}", str(error))
                except InputError as error:
                    problems.extend(error.problems)
            points.append(tuple(sorted(point)))
        problems.raise_if_any()
        return points

    def _identity(self) -> dict[str, Any]:
        whole = identity_of(self.scenario, [], {"asks": dict(self._asks)})
        return {name: value for name, value in whole.items() if name != "points"}

    def _keep_scenario(self) -> None:
        """What the study is of, so that its folder can be opened without anything else."""
        for name, content in resolved_files(self.scenario).items():
            file = self.folder / _SCENARIO / name
            if not file.is_file():
                file.parent.mkdir(parents=True, exist_ok=True)
                write_file(file, content)

    def _results(self, points: Sequence[Point], how: How) -> Iterator[tuple[int, Result]]:
        """(place of the point, its result), as they are ready."""
        plan = StudyPlan(self.scenario, points, how, alone=True)
        ready: list[tuple[int, Result]] = []

        def tasks() -> Iterator[tuple[int, Work]]:
            for at, point in enumerate(points):
                try:
                    yield at, plan.work(at) if self._table is None else self._reading(plan, point)
                except Exception as error:
                    ready.append((at, failed(error)))

        for at, found in executor(how, len(points))(tasks()):
            yield at, found[0] if found else Result("failed", "its worker died each time")
        yield from ready

    def _reading(self, plan: StudyPlan, point: Point) -> Work:
        assert self._table is not None
        return _ReadTable(plan.changed(point), self._table, plan.points_per_unit)


@with_keywords()
def open_study(
    folder: Path | str,
    scenario: Scenario | None = None,
    *,
    evaluate: Evaluate = "relaxed",
    table: Allocation | None = None,
    gap: float = How.gap,
) -> KeptStudy:
    """A study that is kept in `folder` and grows: `.extend(design)`, `.frame`.

    A new one needs its `scenario`. `evaluate`: `audit` reads `table` at each point, `relaxed` funds
    cells in part, `whole` searches within `gap` (1e-4). One that is there is opened by its folder
    alone; what is given beside must be what it was made with. Raises `InputError` for a folder that
    is no study, a study of anything else (what differs is named), an evaluation that is none, and
    an `audit` without a table or a table without it.
    """
    where = Path(folder)
    if scenario is None:
        if not (where / NAME).is_file() or not (where / _SCENARIO).is_dir():
            refuse(str(where), "", "is no study that grows; give the scenario that it is to be of")
        kept = load(where / _SCENARIO / "scenario.yaml")
        return KeptStudy(where, kept, *_asks_of(where, kept))
    _refuse_unfit(evaluate, table)
    money = None if table is None else [exact_text(a) for a in table.amounts.ravel().tolist()]
    asks = {"evaluate": evaluate, "gap": gap if evaluate == "whole" else How.gap, "table": money}
    study = KeptStudy(where, scenario, asks, table)
    if where.exists():
        with opened(where, study._identity()):
            pass
    return study


def _refuse_unfit(evaluate: str, table: Allocation | None) -> None:
    if evaluate not in get_args(Evaluate):
        known = ", ".join(get_args(Evaluate))
        near = did_you_mean(evaluate, get_args(Evaluate))
        refuse("", "evaluate", f"'{evaluate}' is none of {known}{near}")
    if (table is not None) != (evaluate == "audit"):
        refuse("", "table", "goes with evaluate='audit', which reads it at each point")


def _asks_of(folder: Path, scenario: Scenario) -> tuple[dict[str, Any], Allocation | None]:
    """How a study was made."""
    asks = json.loads(read_text(folder / NAME))["asks"]
    if asks["table"] is None:
        return asks, None
    return asks, as_allocation(scenario, _exact(asks["table"]))


def _exact(texts: Sequence[str]) -> list[int | Fraction]:
    found = [Fraction(text) for text in texts]
    return [int(one) if one.denominator == 1 else one for one in found]
