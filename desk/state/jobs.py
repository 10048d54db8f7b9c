"""The long work of the desk, job by job: each calls one public function and gives what it gives."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desk.state.workers import JobProgress, Tell
from models.allocation import Allocation
from models.files import write_whole
from models.record.scenario_files import resolved_files
from models.scenario import Scenario
from models.scenario_file import Lock
from models.solution import Solution
from models.strict_yaml import Text
from optimizer.compare import compare
from optimizer.compare.comparison_result import Compared
from optimizer.decision import solve, solve_soon, start_of
from optimizer.infeasibility.diagnose import Diagnosis, diagnose
from optimizer.mending import EditedTable, Mended, mend, solution_of_table
from optimizer.sensitivity.explain import Explanation, explain
from optimizer.sensitivity.more_money import MoreMoney, more_money
from optimizer.solvers.base import Progress, Watch
from optimizer.study.cache import digest
from optimizer.study.uncertainty import DRAWS, Uncertainty, uncertainty
from reports.record_writer import write_record
from reports.word import PAPERS, papers

if TYPE_CHECKING:
    from optimizer.solvers.decomposition.bound import Start

GAP = 3e-4
"""Of an answer while rules are moved; one that is kept is solved to the gap of `allot solve`."""
_HELD = Text(zh="暂不改动", en="held as given")


def _watch(tell: Tell) -> Watch:
    def told(at: Progress) -> None:
        tell(JobProgress(at.stage, at.gap))

    return told


@dataclass(frozen=True)
class SolveSoon:
    """The best allocation within 0.03 %, as soon as it is found; → `Solution`.

    `anchor`: what the scenario is a change of. The search begins where that of the anchor ended,
    which the process keeps; so the answer does not depend on what was asked before.
    """

    scenario: Scenario
    anchor: Scenario

    def run(self, tell: Tell) -> Solution:
        return solve_soon(self.scenario, _start(self.anchor), gap=GAP, watch=_watch(tell))


@dataclass(frozen=True)
class Solve:
    """What `allot solve` gives, with certificate and prices: for a record; → `Solution`."""

    scenario: Scenario

    def run(self, tell: Tell) -> Solution:
        return solve(self.scenario, watch=_watch(tell))


@dataclass(frozen=True)
class Mend:
    """The nearest table that keeps every rule, held cells (`510522,parks`) kept; → `Mended`."""

    scenario: Scenario
    table: Allocation | EditedTable
    hold: tuple[str, ...] = ()

    def run(self, tell: Tell) -> Mended:
        return mend(self.scenario, self.table, hold=self.hold, watch=_watch(tell))


@dataclass(frozen=True)
class Fill:
    """The best allocation with held cells at their amounts; → `Solution`.

    Raises `InfeasibleError` where no allocation has them.
    """

    scenario: Scenario
    table: Allocation
    cells: tuple[tuple[int, int], ...]

    def run(self, tell: Tell) -> Solution:
        held = _locks_of(self.scenario, self.table, self.cells)
        asked = self.scenario.with_settled(locks=(*self.scenario.spec.locks, *held))
        return solve(asked, gap=GAP, repaired=False, certificate=False, watch=_watch(tell))


@dataclass(frozen=True)
class Diagnose:
    """What would have to give way; → `Diagnosis`, None where the solver could not tell."""

    scenario: Scenario
    time_limit: float | None = None

    def run(self, tell: Tell) -> Diagnosis | None:
        def found(_: object) -> None:
            tell(JobProgress("change", None))

        return diagnose(self.scenario, time_limit=self.time_limit, watch=found)


@dataclass(frozen=True)
class Compare:
    """Scenarios, answers and records side by side; → `Compared`."""

    columns: tuple[Scenario | Solution | str, ...]
    gap: float = GAP

    def run(self, tell: Tell) -> Compared:
        return compare(list(self.columns), gap=self.gap)


@dataclass(frozen=True)
class Explain:
    """Why a county gets what it gets, against a neighbour; → `Explanation`."""

    solution: Solution
    county: str
    against: str | None = None

    def run(self, tell: Tell) -> Explanation:
        return explain(self.solution, self.county, against=self.against, never=False)


@dataclass(frozen=True)
class GiveMore:
    """What it takes to give a county so much more; → `MoreMoney`."""

    solution: Solution
    county: str
    more: str

    def run(self, tell: Tell) -> MoreMoney:
        return more_money(self.solution, self.county, self.more)


@dataclass(frozen=True)
class Draw:
    """An answer read under drawn assumptions; → `Uncertainty`."""

    solution: Solution
    draws: int = DRAWS

    def run(self, tell: Tell) -> Uncertainty:
        return uncertainty(self.solution, draws=self.draws)


@dataclass(frozen=True)
class Keep:
    """Write a table as a record into the folder, whole or not at all; → its fingerprint.

    With how good it is known to be where it is the table of an answer to the scenario as it stands;
    else as somebody's table, of which nothing is claimed but what the rules say.
    """

    scenario: Scenario
    table: Allocation
    answer: Solution | None
    path: Path
    author: str = ""
    reason: str = ""
    lang: str = "zh"

    def run(self, tell: Tell) -> str:
        kept = self.answer
        if kept is None or not _is_of(kept, self.scenario, self.table):
            kept = solution_of_table(self.scenario, self.table)
        lang, author, reason = self.lang, self.author, self.reason
        return write_record(kept, self.path, lang=lang, author=author, reason=reason)


def _is_of(answer: Solution, scenario: Scenario, table: Allocation) -> bool:
    """Whether a table is the answer to a scenario as it stands."""
    same = answer.scenario.document.content() == scenario.document.content()
    return same and not answer.allocation.changes_from(table, outside=True)


@dataclass(frozen=True)
class MakePapers:
    """Write the papers of a record, all or none; → their paths."""

    record: Path
    folder: Path
    dates: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    each_county: bool = False

    def run(self, tell: Tell) -> list[Path]:
        beside = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}.part")
        given: dict[str, Any] = {"dates": self.dates, "texts": self.texts}
        try:
            made = papers(self.record, beside, each_county=self.each_county, **given)
            files = {path.name: path.read_bytes() for path in made}
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        write_whole(self.folder, files, replaceable=_holds_papers)
        return [self.folder / name for name in files]


def _holds_papers(folder: Path) -> bool:
    return {one.name for one in folder.iterdir()} <= set(PAPERS.values())


def _locks_of(
    scenario: Scenario, table: Allocation, cells: Sequence[tuple[int, int]]
) -> tuple[Lock, ...]:
    """Cells of a table, (county, task) by place, as locks; those locked already as they are."""
    counties, tasks = scenario.programme.counties.ids, scenario.programme.tasks.ids
    known = {(lock.county, lock.task) for lock in scenario.spec.locks}
    named = [(counties[c], tasks[t], table.amounts[c, t]) for c, t in sorted(cells)]
    return tuple(
        Lock(county=county, task=task, amount=amount, reason=_HELD)
        for county, task, amount in named
        if (county, task) not in known
    )


_STARTS = 2
_starts: dict[str, Start | None] = {}
"""In a worker: where the searches of changes of a scenario begin, by what that says."""


def _start(anchor: Scenario) -> Start | None:
    key = digest(resolved_files(anchor))
    if key not in _starts:
        while len(_starts) >= _STARTS:
            del _starts[next(iter(_starts))]
        _starts[key] = start_of(anchor)
    return _starts[key]
