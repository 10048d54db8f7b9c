"""Where points are computed: the same bytes for any number of workers, whoever dies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import pytest

from models.errors import InputError
from models.scenario import Scenario
from optimizer.process_pool import ATTEMPTS, Done, Tasks, Work, here, in_processes
from optimizer.study.grid import grid_study
from optimizer.study.runner import map_scenarios
from optimizer.study.study_result import Result
from tests.dying import Dying, Fine
from tests.worlds import rule, world

VARY = {"budget": "30:60:10", "rules.floor.at_least": "5,15"}


@pytest.fixture
def small(tmp_path: Path) -> Scenario:
    floor = rule(id="floor", per=["county"], at_least=15)
    few = rule(id="few", measure="cells", at_most=3)
    return world(tmp_path, {"budget": 60, "lot": 5, "rules": [floor, few]})


def checksum(scenario: Scenario, vary: dict[str, str], workers: int, relax: bool) -> str:
    study = grid_study(scenario, vary, workers=workers, relax=relax)
    return hashlib.sha256(study.csv().encode()).hexdigest()


@pytest.mark.slow
def test_whole_units_are_the_same_bytes_for_any_number_of_workers(small: Scenario) -> None:
    sums = {checksum(small, VARY, workers, relax=False) for workers in (1, 2, 3)}
    assert len(sums) == 1


@pytest.mark.slow
def test_relaxations_are_the_same_bytes_for_any_number_of_workers(
    small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.study.runner.PIECE", 100)
    # Several pieces, and budgets apart from them.
    many = {"budget": "60,70", "rules.floor.at_least": "0:25:0.1"}
    sums = {checksum(small, many, workers, relax=True) for workers in (1, 2)}
    assert len(sums) == 1


def test_a_point_that_fails_says_why_and_the_others_go_on(small: Scenario) -> None:
    points = [(("budget", value),) for value in ("-5", "20", "60", "70")]
    for relax in (False, True):
        results = map_scenarios(small, points, relax=relax, workers=1).results
        assert [r.status for r in results] == ["bad input", "infeasible", "optimal", "optimal"]
        assert results[0].why == "budget: -5 is negative; zero or more is due here"
        assert results[1].why.startswith("no allocation can keep all the rules")
        assert results[1].why_zh.startswith("没有安排能同时满足全部约束")
    whole = map_scenarios(small, points[1:2], workers=1).results[0]
    assert "Rule needs 30 coins, Budget allows 20 coins" in whole.why


def test_an_error_in_one_point_is_its_result(
    small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("so it goes")

    monkeypatch.setattr("optimizer.study.runner.answered", broken)
    results = map_scenarios(small, [(("budget", "70"),)], workers=1).results
    assert results == (Result("failed", "ZeroDivisionError: so it goes"),)


def test_money_that_moved_is_what_stands_elsewhere(tmp_path: Path) -> None:
    # One coin gives 0.5 jobs in a, 0.4 in b, 10 coins each.
    tiers = [["a", "road", 1, 10, "0.5", "0"], ["b", "road", 1, 10, "0.4", "0"]]
    floor = rule(id="floor", where={"county": "b"}, at_least=0)
    made = world(tmp_path, {"budget": 10, "rules": [floor]}, tasks={"road": {}}, tiers=tiers)
    floor_b = "rules.floor.at_least"
    # The same; four coins more; three that go from a to b; four fewer; and seven of which three
    # stand in b, so that six are taken from a.
    points = [
        (("budget", "10"),),
        (("budget", "14"),),
        ((floor_b, "3"),),
        (("budget", "6"),),
        (("budget", "7"), (floor_b, "3")),
    ]
    for relax in (False, True):
        mapped = map_scenarios(made, points, relax=relax, workers=1)
        moved = [result.moved for result in (mapped.unchanged, *mapped.results)]
        assert moved == [0, 0, 4, 3, 4, 6]
        assert [result.spent for result in mapped.results] == [10, 14, 10, 6, 7]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"solver": "nosuch"}, "'nosuch' is not here"),
        ({"solver": "cbc", "relax": True}, "relaxations are solved by highs"),
        ({"workers": 0}, "0 processes can do nothing"),
    ],
)
def test_what_would_make_every_point_fail_is_refused_at_once(
    small: Scenario, how: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        map_scenarios(small, [(("budget", "70"),)], **how)  # type: ignore[arg-type]


# ---- workers that die ----


def in_pool(*works: Work) -> dict[int, list[Result] | None]:
    return dict(in_processes(enumerate(works), 2))


@pytest.mark.slow
def test_a_task_whose_worker_is_killed_runs_again(tmp_path: Path) -> None:
    works = [Fine("a"), Dying("b", tmp_path, times=1), *(Fine(str(n)) for n in range(6))]
    found = in_pool(*works)
    assert {number: results for number, results in found.items() if results is None} == {}
    assert [found[n][0].why for n in range(8)] == ["a", "b", *"012345"]  # type: ignore[index]
    assert (tmp_path / "b").stat().st_size == 2


class FirstBreaks:
    """A pool in this process: the first one ever breaks with its first task, and the tasks that it
    holds besides never end; those after it do what they are given."""

    started = 0

    def __init__(self, **_: object) -> None:
        FirstBreaks.started += 1
        self._breaks, self._held = FirstBreaks.started == 1, 0

    def submit(self, run: Callable[[], list[Result]]) -> Future[list[Result]]:
        future: Future[list[Result]] = Future()
        self._held += 1
        if not self._breaks:
            future.set_result(run())
        elif self._held == 1:
            future.set_exception(BrokenExecutor())
        return future

    def shutdown(self, **_: object) -> None: ...


def test_no_task_is_lost_that_another_ones_worker_was_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loky.ProcessPoolExecutor", FirstBreaks)
    monkeypatch.setattr(FirstBreaks, "started", 0)
    works: list[Work] = [Fine(str(number)) for number in range(9)]
    found = in_pool(*works)
    said = {
        number: None if results is None else results[0].why for number, results in found.items()
    }
    assert said == {number: str(number) for number in range(9)}
    assert FirstBreaks.started == 2


@pytest.mark.slow
def test_a_task_that_kills_its_worker_each_time_fails_and_the_others_do_not(
    tmp_path: Path,
) -> None:
    works = [Dying("bad", tmp_path, times=99), *(Fine(str(n)) for n in range(4))]
    found = in_pool(*works)
    assert found[0] is None
    assert all(found[n] == [Result("optimal", str(n - 1))] for n in range(1, 5))
    assert (tmp_path / "bad").stat().st_size == ATTEMPTS


def test_a_point_whose_worker_died_each_time_has_that_as_its_result(
    small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def some_die(tasks: Tasks) -> Done:
        return ((number, None if number == 1 else work.run()) for number, work in tasks)

    monkeypatch.setattr("optimizer.study.runner.here", some_die)
    points = [(("budget", "70"),), (("budget", "80"),)]
    results = map_scenarios(small, points, workers=1).results
    assert [result.status for result in results] == ["failed", "optimal"]
    assert results[0].why == "its worker died each time"


def test_tasks_are_taken_only_as_places_become_free() -> None:
    taken = []

    def tasks() -> object:
        for number in range(50):
            taken.append(number)
            yield number, Fine(str(number))

    done = here(tasks())  # type: ignore[arg-type]
    next(done)
    assert len(taken) == 1
