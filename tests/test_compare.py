"""Scenarios, records, baselines and tables side by side: exact rows, marks, frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from models.scenario import load
from optimizer import process_pool as pool
from optimizer.baselines import baseline
from optimizer.compare import Compared, compare, cost_of_rules
from optimizer.compare.columns import read_asked
from optimizer.process_pool import Done, Tasks
from tests.books import MANIFEST
from tests.pages import BASE, base_solution, kept
from tests.side_by_side import adds_up, side_by_side, write_fund
from tests.worlds import write_csv, write_world


@pytest.fixture
def fund(tmp_path: Path) -> Path:
    return write_fund(tmp_path)


# ---- by hand ----


def test_outcomes_money_and_rules_of_a_case_worked_by_hand(fund: Path) -> None:
    # 55 coins for b leave 5 for a: 25 in first tiers, 35 in second ones.
    compared = side_by_side(fund, "most")
    most = "scenario@most"
    outcomes = {row.metric: row for row in compared.outcome_rows if row.column == most}
    assert outcomes["jobs"].value == Fraction("19.5")
    assert outcomes["jobs"].reference == 24
    assert outcomes["jobs"].difference == Fraction("-4.5")
    assert outcomes["jobs"].by_reference == Fraction("19.5")
    assert outcomes["firms"].difference == Fraction("-0.75")
    money = {row.place: row for row in compared.amount_rows if row.level == "county"}
    assert (money["a"].amount, money["a"].reference, money["a"].difference) == (5, 30, -25)
    assert (money["b"].amount, money["b"].reference, money["b"].difference) == (55, 30, 25)
    moved = compared.moved_rows
    assert [(m.moved, m.added, m.taken, m.gaining, m.losing) for m in moved] == [(25, 25, 25, 1, 1)]
    states = {(row.rule, row.column): row for row in compared.rule_rows}
    assert states["b-floor", "scenario"].state == "kept"
    assert states["b-floor", "scenario"].binding == 0
    assert states["b-floor", "scenario"].tightest is not None
    assert states["b-floor", "scenario"].tightest.slack == 20
    assert states["b-floor", most].binding == 1
    worth = {column.name: column.reads.worth for column in compared.columns if column.reads}
    assert worth == {"scenario": 24, most: Fraction("19.5")}


def test_what_is_really_lost_is_no_tie_and_a_metric_without_weight_is_marked(fund: Path) -> None:
    compared = side_by_side(fund, "most")
    assert compared.marks == {"scenario": "", "scenario@most": ""}
    marks = {row.metric: row.mark for row in compared.outcome_rows if row.difference}
    assert marks == {"jobs": "", "firms": "unweighed"}
    assert [row.mark for row in compared.moved_rows] == [""]


def test_movement_among_equally_good_allocations_is_called_a_tie(fund: Path) -> None:
    # 40 for b leave 20 for a, which fills its first tiers: 24 jobs again.
    compared = side_by_side(fund, "half")
    assert compared.marks["scenario@half"] == "tie"
    (moved,) = compared.moved_rows
    assert (moved.moved, moved.mark) == (10, "tie")


def test_a_loss_within_the_gap_is_marked_as_such(fund: Path) -> None:
    # The searches may leave 0.11 × 24 + 0.11 × 19.5 = 4.785 open, and 0.1 of them less than 4.5.
    compared = side_by_side(fund, "most", gap=0.11)
    assert compared.marks["scenario@most"] == "gap"
    tight = side_by_side(fund, "most", gap=0.1)
    assert tight.marks["scenario@most"] == ""


def test_two_tables_that_nobody_searched_for_bear_no_mark(fund: Path) -> None:
    compared = compare(["baseline:equal", "baseline:greedy", fund])
    assert compared.marks["baseline:greedy"] == ""
    assert [column.status for column in compared.columns] == ["given", "given", "optimal"]


def test_differences_are_from_the_column_that_is_asked_for(fund: Path) -> None:
    compared = side_by_side(fund, "most", reference="scenario@most")
    assert compared.reference.name == "scenario@most"
    by_column = {
        row.column: row.difference for row in compared.outcome_rows if row.metric == "jobs"
    }
    assert by_column == {"scenario": Fraction("4.5"), "scenario@most": 0}
    assert side_by_side(fund, "most", reference=1).reference.name == "scenario@most"


def test_money_moved_is_the_larger_of_what_is_added_and_what_is_taken(fund: Path) -> None:
    compared = compare([load(fund), load(fund, set_=["budget=50"])])
    (moved,) = compared.moved_rows
    assert (moved.moved, moved.added, moved.taken) == (10, 0, 10)


def test_how_evenly_money_falls_on_residents(fund: Path) -> None:
    # 30 for 100 people and 30 for 300: the curve runs through (3/4, 1/2), so Gini is 1/4.
    (fund.parent / "world" / "labels.yaml").write_text("residents: people\n", "utf-8")
    compared = side_by_side(fund, "most")
    ginis = [column.reads.gini for column in compared.columns if column.reads]
    # 5 for the 100 and 55 for the 300: through (1/4, 1/12).
    assert ginis == [Fraction(1, 4), Fraction(1, 6)]


def test_money_in_parts_breaks_no_rule_of_the_reference(fund: Path) -> None:
    parted = load(fund, set_=["rules.b-floor.at_least=55.5"])
    compared = compare([fund, parted], units="continuous")
    reads = compared.columns[1].reads
    assert reads is not None
    assert reads.under_reference is not None
    assert sum(reads.money[1]) == Fraction("55.5")
    assert reads.under_reference.broken_rules == ()


def test_an_infeasible_scenario_has_its_column_with_the_reason(fund: Path) -> None:
    compared = side_by_side(fund, "all", "most")
    column = compared.column("scenario@all")
    assert (column.status, column.reads) == ("infeasible", None)
    assert column.reasons
    rows = [row for row in compared.outcome_rows if row.column == "scenario@all"]
    assert [(row.value, row.difference) for row in rows] == [(None, None)] * 2
    assert {row.state for row in compared.rule_rows if row.column == "scenario@all"} == {
        "unknown",
        "absent",
    }
    assert compared.column("scenario@most").reads is not None


def test_all_columns_may_be_compared_with_one_that_has_no_allocation(fund: Path) -> None:
    compared = side_by_side(fund, "all", reference=1)
    assert all(row.difference is None for row in compared.outcome_rows)
    assert compared.summary.shape[0] == 2
    assert compared.moved.empty


def test_the_ready_set_shows_what_the_rules_cost(fund: Path) -> None:
    compared = compare(cost_of_rules(load(f"{fund}@most")))
    names = ["baseline:own", "baseline:repaired", "scenario@most", "scenario@most without rules"]
    assert [column.name for column in compared.columns] == names
    jobs = {row.column: row.value for row in compared.outcome_rows if row.metric == "jobs"}
    assert [jobs[name] for name in (names[0], *names[2:])] == [24, Fraction("19.5"), 24]
    off = [row for row in compared.rule_rows if row.rule == "b-floor"]
    assert [row.state for row in off] == ["broken", "kept", "kept", "off"]


# ---- sums ----


def test_differences_add_up_exactly_over_all_cells_and_every_group() -> None:
    kinds = ["baseline:factor", "baseline:equal", "baseline:greedy"]
    compared = compare([base_solution(), *kinds, "baseline:per-resident"], reference=2)
    assert adds_up(compared)
    levels = {row.level for row in compared.amount_rows}
    assert levels == {"total", "task", "area", "prefecture", "county", "cell"}


def test_money_outside_the_grid_counts_in_sums_and_in_what_moves(
    tmp_path: Path,
) -> None:
    body = {
        "budget": 60,
        "outside": [{"code": "x", "name": "City", "amount": 6}],
        "overrides": {
            "more": {"outside": [{"code": "x", "name": "City", "amount": "8.5"}]},
        },
    }
    scenario = write_world(tmp_path, body)
    compared = compare([scenario, f"{scenario}@more"])
    assert adds_up(compared)
    row = next(
        r for r in compared.amount_rows if r.level == "outside" and r.column == "scenario@more"
    )
    assert (row.place, row.amount, row.difference) == ("x", Fraction("8.5"), Fraction("2.5"))
    moved = compared.moved_rows[0]
    assert moved.added == Fraction("2.5") + sum(
        r.difference
        for r in compared.amount_rows
        if r.level == "cell" and r.column == "scenario@more" and r.difference and r.difference > 0
    )


# ---- columns of every kind ----


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Of the shipped fund, without solving: a solution, its record, baselines, two tables."""
    folder = tmp_path_factory.mktemp("mixture")
    solution = base_solution()
    kept(solution, folder / "decision")
    table = folder / "table.csv"
    equal = baseline(solution.scenario, kind="equal").amounts
    counties, tasks = (
        solution.scenario.programme.counties.ids,
        solution.scenario.programme.tasks.ids,
    )
    cells = [(c, t, equal[i, j]) for i, c in enumerate(counties) for j, t in enumerate(tasks)]
    write_csv(table, ["county", "task", "amount"], cells)
    from reports.catalogue import Words
    from reports.excel import workbook

    book = folder / "edited.xlsx"
    book.write_bytes(workbook(solution, MANIFEST, Words("zh")))
    return compare([folder / "decision", "baseline:factor", table, book, solution])


def test_a_mixture_of_kinds_stands_side_by_side(mixture: Compared) -> None:
    kinds = [column.kind for column in mixture.columns]
    assert kinds == ["record", "baseline", "table", "table", "solution"]
    spent = [column.reads.audit.spent for column in mixture.columns if column.reads]
    assert len(spent) == 5
    assert adds_up(mixture)
    # The workbook and the record hold the solution's own table.
    assert [row.moved for row in mixture.moved_rows][2:] == [0, 0]


def test_a_record_reads_as_the_solution_that_it_keeps(mixture: Compared) -> None:
    record, solution = mixture.columns[0], mixture.columns[-1]
    assert record.reads is not None
    assert solution.reads is not None
    assert record.reads.audit.findings == solution.reads.audit.findings
    assert (record.status, record.gap) == (solution.status, solution.gap)
    assert [row for row in mixture.input_rows if row.column == solution.name] == []


def test_columns_of_one_name_get_a_number() -> None:
    solution = base_solution()
    asks = read_asked([solution, solution, "baseline:factor", "baseline:factor"])
    assert [ask.name for ask in asks] == [
        "base-2020",
        "base-2020 (2)",
        "baseline:factor",
        "baseline:factor (2)",
    ]


# ---- frames ----

FRAMES = {
    "summary": [
        *("column", "kind", "reference", "status", "why", "gap", "objective", "worth"),
        *("penalty", "budget", "spent", "unspent", "broken", "broken_under_reference"),
        *("gini", "moved", "mark"),
    ],
    "outcomes": [
        *("column", "metric", "unit", "outcome", "reference", "difference"),
        *("by_reference", "difference_by_reference", "mark"),
    ],
    "amounts": ["column", "level", "place", "task", "amount", "reference", "difference"],
    "rules": [
        *("rule", "column", "state", "limits", "broken", "binding", "near"),
        *("key", "value", "lower", "upper", "slack"),
    ],
    "inputs": ["column", "path", "sort", "reference", "value"],
    "moved": ["column", "county", "name", "reference", "amount", "difference", "mark"],
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_are_tidy_and_their_columns_documented(fund: Path, name: str) -> None:
    from optimizer.compare import comparison_result as frames

    frame = getattr(side_by_side(fund, "most", "all"), name)
    assert list(frame.columns) == FRAMES[name]
    assert len(frame)
    said = getattr(frames, f"_{name}_frame").__doc__
    for column in FRAMES[name]:
        assert f"`{column}`" in said, column


def test_the_frame_of_what_moved_tells_who_gains_most_first(fund: Path) -> None:
    compared = side_by_side(fund, "most")
    frame = compared.moved
    assert frame[["county", "difference"]].to_numpy().tolist() == [["b", 25.0], ["a", -25.0]]
    assert frame.attrs["moved"] == {"scenario@most": 25.0}


def test_it_shows_itself_in_a_notebook(fund: Path) -> None:
    compared = side_by_side(fund, "most", "all")
    text, table = repr(compared), compared._repr_html_()
    assert "scenario@most: optimal; jobs 19.5" in text
    assert "scenario@all: infeasible" in text
    assert "25 money units elsewhere" in text
    for said in ("jobs", "19.5", "scenario@most", "infeasible"):
        assert said in table


# ---- the real thing ----


@pytest.mark.slow
def test_shipped_scenarios_are_solved_in_processes_of_their_own_with_what_solve_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from optimizer.decision import solve

    pools: list[int] = []

    def in_processes(tasks: Tasks, workers: int) -> Done:
        pools.append(workers)
        return pool.in_processes(tasks, workers)

    monkeypatch.setattr("optimizer.compare.columns.in_processes", in_processes)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    told: list[tuple[int, int]] = []
    watch = lambda done, total: told.append((done, total))  # noqa: E731
    names = [str(BASE), f"{BASE}@strict-tilt"]
    compared = compare([*names, "baseline:factor"], gap=1e-2, watch=watch)
    assert told == [(0, 2), (1, 2), (2, 2)] and pools == [2]
    alone = solve(load(names[1]), gap=1e-2, repaired=False)
    reads = compared.columns[1].reads
    assert reads is not None
    assert not reads.audit.broken
    assert float(reads.objective) == pytest.approx(float(alone.objective), rel=1e-3)
    assert adds_up(compared)
    county = next(row for row in compared.amount_rows if row.place == "513431")
    assert county.amount
