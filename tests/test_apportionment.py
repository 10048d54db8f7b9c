"""435 seats over the states: a concave response in indivisible lots with a published answer.

The rule (2 U.S.C. 2a): each state has one seat; every further seat goes where population² /
(k × (k − 1)) is largest, k being the number of seats that the state would then have. As a
programme: a seat is a money unit, a state a county, the k-th seat a tier one unit wide.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from models.scenario import Scenario, load
from models.solution import SearchNote
from optimizer.decision import solve
from optimizer.solve import OptionChanges, Options
from tests.worlds import rule, write_world

CASES = Path(__file__).parents[2] / "shared" / "cases" / "apportionment"
QUICK = Options(repaired=False, certificate=False)
SEATS = 435
MOST = 60
"""Tiers of a state: more seats than any state has had."""

# Apportionment population and seats of each state, by census year (Bureau of the Census, facts in
# the public domain; collected by GPHemsley/house-apportionment, CC0).
CENSUS = {
    1960: """\
Alabama,3266740,8
Alaska,226167,1
Arizona,1302161,3
Arkansas,1786272,4
California,15717204,38
Colorado,1753947,4
Connecticut,2535234,6
Delaware,446292,1
Florida,4951560,12
Georgia,3943116,10
Hawaii,632772,2
Idaho,667191,2
Illinois,10081158,24
Indiana,4662498,11
Iowa,2757537,7
Kansas,2178611,5
Kentucky,3038156,7
Louisiana,3257022,8
Maine,969265,2
Maryland,3100689,8
Massachusetts,5148578,12
Michigan,7823194,19
Minnesota,3413864,8
Mississippi,2178141,5
Missouri,4319813,10
Montana,674767,2
Nebraska,1411330,3
Nevada,285278,1
New Hampshire,606921,2
New Jersey,6066782,15
New Mexico,951023,2
New York,16782304,41
North Carolina,4556155,11
North Dakota,632446,2
Ohio,9706397,24
Oklahoma,2328284,6
Oregon,1768687,4
Pennsylvania,11319366,27
Rhode Island,859488,2
South Carolina,2382594,6
South Dakota,680514,2
Tennessee,3567089,9
Texas,9579677,23
Utah,890627,2
Vermont,389881,1
Virginia,3966949,10
Washington,2853214,7
West Virginia,1860421,5
Wisconsin,3951777,10
Wyoming,330066,1
""",
    2010: """\
Alabama,4802982,7
Alaska,721523,1
Arizona,6412700,9
Arkansas,2926229,4
California,37341989,53
Colorado,5044930,7
Connecticut,3581628,5
Delaware,900877,1
Florida,18900773,27
Georgia,9727566,14
Hawaii,1366862,2
Idaho,1573499,2
Illinois,12864380,18
Indiana,6501582,9
Iowa,3053787,4
Kansas,2863813,4
Kentucky,4350606,6
Louisiana,4553962,6
Maine,1333074,2
Maryland,5789929,8
Massachusetts,6559644,9
Michigan,9911626,14
Minnesota,5314879,8
Mississippi,2978240,4
Missouri,6011478,8
Montana,994416,1
Nebraska,1831825,3
Nevada,2709432,4
New Hampshire,1321445,2
New Jersey,8807501,12
New Mexico,2067273,3
New York,19421055,27
North Carolina,9565781,13
North Dakota,675905,1
Ohio,11568495,16
Oklahoma,3764882,5
Oregon,3848606,5
Pennsylvania,12734905,18
Rhode Island,1055247,2
South Carolina,4645975,7
South Dakota,819761,1
Tennessee,6375431,9
Texas,25268418,36
Utah,2770765,4
Vermont,630337,1
Virginia,8037736,11
Washington,6753369,10
West Virginia,1859815,3
Wisconsin,5698230,8
Wyoming,568300,1
""",
}


def census(text: str) -> dict[str, tuple[int, int]]:
    """State → (population, seats)."""
    return {row[0]: (int(row[1]), int(row[2])) for row in csv.reader(text.splitlines())}


def marginal(population: int, seat: int) -> str:
    """What the k-th seat is worth, in 10⁹ residents squared; the first as much as the second."""
    place = max(seat, 2)
    worth = Decimal(population**2) / (place * (place - 1)) * Decimal("1e-9")
    return str(worth.quantize(Decimal("1e-6"), ROUND_HALF_EVEN))


def congress(folder: Path, people: Mapping[str, int], **changes: Any) -> Scenario:
    """The seats of one census as a scenario."""
    metric = {"id": "claim", "title": "Claim", "unit": "residents squared"}
    floor = rule(id="one-seat", per=["county"], at_least=1)
    body = {
        "budget": SEATS,
        "objective": {"weights": {"claim": 1}, "normalise": "none"},
        "rules": [floor],
        **changes,
    }
    path = write_world(
        folder,
        body,
        counties={state: {"people": number} for state, number in people.items()},
        tasks={"house": {}},
        tiers=[
            [state, "house", seat, 1, marginal(number, seat)]
            for state, number in people.items()
            for seat in range(1, MOST + 1)
        ],
        programme={"metrics": [metric], "money": "seats"},
    )
    return load(path)


MODES: dict[str, OptionChanges] = {
    "default": {},
    "gap 0": {"gap": 0.0},
    "exact": {"units": "exact"},
    "exact, gap 0": {"units": "exact", "gap": 0.0},
}


def seats_by_state(scenario: Scenario, mode: str = "exact") -> dict[str, int]:
    solution = solve(scenario, QUICK, **MODES[mode])
    assert solution.status == "optimal" and solution.audit.broken == ()
    assert solution.solver.notes[:2] == (SearchNote.UNIQUE, SearchNote.DIRECT)
    amounts = solution.allocation.amounts[:, 0].tolist()
    return dict(zip(scenario.programme.counties.ids, amounts, strict=True))


def expect_seats(folder: Path, figures: Mapping[str, tuple[int, int]], *modes: str) -> None:
    people = {state: population for state, (population, _) in figures.items()}
    expected = {state: seats for state, (_, seats) in figures.items()}
    assert len(expected) == 50 and sum(expected.values()) == SEATS
    scenario = congress(folder, people)
    for mode in modes:
        assert seats_by_state(scenario, mode) == expected, mode


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("year", sorted(CENSUS))
def test_the_seats_are_those_of_congress(year: int, mode: str, tmp_path: Path) -> None:
    """A seat is worth a billionth of the objective, less than any solver's tolerance."""
    expect_seats(tmp_path, census(CENSUS[year]), mode)


def test_without_the_rule_the_smallest_states_would_have_no_seat(tmp_path: Path) -> None:
    figures = census(CENSUS[2010])
    people = {state: population for state, (population, _) in figures.items()}
    seats = seats_by_state(congress(tmp_path, people, rules=[]))
    one_seat = {state for state, (_, number) in figures.items() if number == 1}
    none_left = {state for state, number in seats.items() if not number}
    assert none_left == one_seat - {"Montana"}, "Montana has enough people for a seat of its own"
    assert sum(seats.values()) == SEATS


@pytest.mark.slow
def test_the_seats_are_those_of_all_census_years_on_file(tmp_path: Path) -> None:
    """1960 to 2010 as Congress used them; before, the same rule for the fifty states of today."""
    if not CASES.is_dir():
        pytest.skip("the folder shared/cases/apportionment is not beside the repository")
    files = sorted(CASES.glob("*.csv"))
    assert files
    for file in files:
        _, _, rows = file.read_text(encoding="utf-8").partition("\n")
        expect_seats(tmp_path / file.stem, census(rows), *MODES)
