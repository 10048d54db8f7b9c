"""The Hill-Burton allotments, 48 states × 16 years: a factor method with a published answer.

The rule: the mean income per head of the years y−4 to y−2, over the mean of the 48 states, is a
state's index; its allotment is 1 − index / 2, kept within 0.33 and 0.75; its weight is allotment²
× population; its money is its share of the weights × the appropriation, and at least the floor
(none in 1947, 100,000 dollars in 1948, 200,000 from 1949), which is not taken from the others.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from models.scenario import Scenario, load
from optimizer.baselines import baseline, factor_amounts
from tests.worlds import write_world

CASES = Path(__file__).parents[2] / "shared" / "cases" / "hill_burton"
NEAR = Fraction(1, 10**9)

# Income per head in 1947, 1948 and 1949 (dollars) and residents in 1951: Bureau of Economic
# Analysis, public domain.
FIGURES_1951 = """\
Alabama,797,872,827,3059000
Arizona,1176,1312,1297,785000
Arkansas,730,871,807,1901000
California,1682,1753,1736,11134000
Colorado,1343,1439,1421,1326000
Connecticut,1696,1714,1654,2028000
Delaware,1657,1675,1793,331000
Florida,1159,1196,1202,2980000
Georgia,879,979,960,3531000
Idaho,1259,1327,1267,589000
Illinois,1630,1803,1678,8790000
Indiana,1303,1444,1351,4096000
Iowa,1198,1612,1351,2617000
Kansas,1287,1332,1292,1950000
Kentucky,856,985,929,2941000
Louisiana,878,1009,1067,2769000
Maine,1162,1231,1174,916000
Maryland,1350,1496,1488,2441000
Massachusetts,1430,1507,1474,4654000
Michigan,1459,1561,1523,6497000
Minnesota,1255,1434,1318,3010000
Mississippi,659,789,698,2163000
Missouri,1215,1363,1320,4015000
Montana,1459,1617,1404,596000
Nebraska,1252,1530,1345,1316000
Nevada,1757,1748,1787,168000
New Hampshire,1211,1286,1262,529000
New Jersey,1565,1644,1618,5006000
New Mexico,1002,1114,1138,717000
New York,1718,1762,1717,14890000
North Carolina,890,992,960,4120000
North Dakota,1451,1453,1222,604000
Ohio,1395,1532,1446,8061000
Oklahoma,1016,1130,1163,2210000
Oregon,1491,1634,1591,1556000
Pennsylvania,1359,1430,1396,10461000
Rhode Island,1454,1429,1373,784000
South Carolina,786,903,864,2167000
South Dakota,1238,1492,1112,655000
Tennessee,884,955,943,3372000
Texas,1136,1202,1291,8111000
Utah,1170,1251,1257,706000
Vermont,1119,1186,1108,378000
Virginia,1009,1141,1121,3434000
Washington,1492,1613,1585,2424000
West Virginia,1027,1105,1013,1984000
Wisconsin,1284,1424,1376,3439000
Wyoming,1488,1595,1636,291000
"""
APPROPRIATED_1951 = 85_000_000
# Allotments and dollars of 1951 as two published analyses recomputed them (GabeSol7/
# Hill-Burton-Analysis, freyablackmore/hill-burton-funding).
PUBLISHED_1951 = {
    "Alabama": ("0.679554937413074", "3348964.58459507"),
    "California": ("0.336129239328127", "2982261.59444614"),
    "Delaware": ("0.342034877500802", "200000.0"),  # at the floor
    "Mississippi": ("0.724489140900824", "2691548.52263281"),  # the largest allotment
    "Montana": ("0.424842195356799", "255025.426110648"),
    "Nevada": ("0.33", "200000.0"),  # allotment clipped, money at the floor
    "New York": ("0.332791269926179", "3909493.37118283"),
    "Pennsylvania": ("0.462715309725045", "5309857.59268726"),  # the most money
    "Vermont": ("0.561827324275168", "282865.152209191"),
    "Wyoming": ("0.394158553546592", "200000.0"),  # at the floor
}

# Of 1948: income per head in 1944, 1945 and 1946, residents in 1948; the floor was 100,000 dollars.
FIGURES_1948 = """\
Alabama,735,781,749,2969000
Arizona,1046,1120,1110,690000
Arkansas,681,735,747,1825000
California,1582,1582,1663,10064000
Colorado,1061,1184,1203,1263000
Connecticut,1601,1567,1577,2014000
Delaware,1506,1525,1560,312000
Florida,1112,1172,1162,2578000
Georgia,828,875,840,3259000
Idaho,1084,1122,1189,551000
Illinois,1385,1464,1528,8552000
Indiana,1196,1248,1197,3877000
Iowa,993,1080,1226,2543000
Kansas,1161,1157,1123,1892000
Kentucky,762,798,819,2817000
Louisiana,874,887,829,2596000
Maine,1100,1077,1129,878000
Maryland,1325,1313,1311,2271000
Massachusetts,1300,1350,1393,4674000
Michigan,1391,1325,1325,6213000
Minnesota,1000,1102,1178,2868000
Mississippi,623,623,605,2076000
Missouri,1065,1127,1183,3844000
Montana,1170,1194,1292,542000
Nebraska,1081,1174,1171,1265000
Nevada,1479,1607,1749,156000
New Hampshire,1053,1111,1147,520000
New Jersey,1555,1583,1522,4774000
New Mexico,877,939,923,604000
New York,1537,1644,1692,14497000
North Carolina,760,817,858,3837000
North Dakota,1010,1024,1068,580000
Ohio,1313,1340,1306,7876000
Oklahoma,943,966,944,2089000
Oregon,1384,1352,1370,1405000
Pennsylvania,1251,1281,1286,10287000
Rhode Island,1275,1280,1366,787000
South Carolina,728,749,773,1996000
South Dakota,961,1065,1110,612000
Tennessee,861,908,866,3216000
Texas,1043,1057,1040,7626000
Utah,1046,1117,1088,653000
Vermont,950,1031,1083,359000
Virginia,898,948,997,3207000
Washington,1524,1417,1392,2255000
West Virginia,819,888,922,1899000
Wisconsin,1105,1176,1202,3314000
Wyoming,1217,1251,1348,269000
"""
APPROPRIATED_1948 = 75_000_000
PUBLISHED_1948 = {
    "Alabama": ("0.669634446503996", "2955244.81092435"),
    "California": ("0.33", "2432798.84920137"),
    "Delaware": ("0.330371630860859", "100000.0"),
    "Mississippi": ("0.730019143699292", "2455859.63519763"),
    "Nevada": ("0.33", "100000.0"),
    "New York": ("0.33", "3504400.32957793"),
    "Pennsylvania": ("0.44311890364338", "4483704.56569371"),
    "Wyoming": ("0.443410617156401", "117401.095489255"),
}

Figures = Mapping[str, tuple[list[Fraction], Fraction]]
"""State → (incomes of three years, residents)."""


def allotments(figures: Figures) -> dict[str, Fraction]:
    incomes = {state: Fraction(sum(years)) / 3 for state, (years, _) in figures.items()}
    mean = Fraction(sum(incomes.values())) / len(incomes)
    return {state: clipped(1 - income / mean / 2) for state, income in incomes.items()}


def clipped(share: Fraction) -> Fraction:
    return min(max(share, Fraction(33, 100)), Fraction(3, 4))


def dollars(figures: Figures, money: Fraction, floor: Fraction | None) -> dict[str, Fraction]:
    shares = allotments(figures)
    weights = [shares[state] ** 2 * residents for state, (_, residents) in figures.items()]
    amounts = factor_amounts(weights, money, floor=floor, redistribute=False)
    return dict(zip(figures, amounts, strict=True))


def figures_1951() -> Figures:
    return figures_of(FIGURES_1951)


def figures_of(text: str) -> Figures:
    rows = [line.split(",") for line in text.splitlines()]
    return {row[0]: ([Fraction(y) for y in row[1:4]], Fraction(row[4])) for row in rows}


def near(value: Fraction, published: str) -> bool:
    return abs(value - Fraction(published)) <= NEAR * Fraction(published)


@pytest.mark.parametrize("state", PUBLISHED_1951)
def test_the_dollars_of_1951_are_the_published_ones(state: str) -> None:
    figures = figures_1951()
    allotment, money = PUBLISHED_1951[state]
    assert len(figures) == 48
    assert near(allotments(figures)[state], allotment)
    amounts = dollars(figures, Fraction(APPROPRIATED_1951), Fraction(200_000))
    assert near(amounts[state], money)


@pytest.mark.parametrize("state", PUBLISHED_1948)
def test_the_dollars_of_1948_are_the_published_ones(state: str) -> None:
    figures = figures_of(FIGURES_1948)
    allotment, money = PUBLISHED_1948[state]
    assert len(figures) == 48
    assert near(allotments(figures)[state], allotment)
    amounts = dollars(figures, Fraction(APPROPRIATED_1948), Fraction(100_000))
    assert near(amounts[state], money)


def test_the_floor_is_not_taken_from_the_other_states() -> None:
    figures = figures_1951()
    money = Fraction(APPROPRIATED_1951)
    plain, floored = dollars(figures, money, None), dollars(figures, money, Fraction(200_000))
    raised = {state for state in figures if floored[state] != plain[state]}
    assert raised == {"Delaware", "Nevada", "Wyoming"}
    assert sum(plain.values()) == money
    assert sum(floored.values()) == money + sum(200_000 - plain[state] for state in raised)


def test_a_scenario_gives_the_dollars_of_1951_in_whole_units(tmp_path: Path) -> None:
    scenario = scenario_1951(tmp_path)
    whole = baseline(scenario)
    exact = dollars(figures_1951(), Fraction(APPROPRIATED_1951), Fraction(200_000))
    given = dict(zip(scenario.programme.counties.ids, whole.amounts[:, 0], strict=True))
    assert all(abs(given[state] - exact[state]) < 1 for state in exact)
    assert given["Nevada"] == 200_000
    assert given["Mississippi"] in (2_691_548, 2_691_549)
    assert whole.spent == round(sum(exact.values())) > APPROPRIATED_1951


def scenario_1951(folder: Path) -> Scenario:
    figures = figures_1951()
    shares = allotments(figures)
    factor = {"weight": 1, "columns": ["allotment", "allotment", "residents"]}
    path = write_world(
        folder,
        {"budget": APPROPRIATED_1951},
        counties={
            state: {"allotment": str(shares[state]), "residents": str(residents)}
            for state, (_, residents) in figures.items()
        },
        tasks={"hospitals": {}},
        programme={
            "counties": {"columns": {"allotment": "number", "residents": "number"}},
            "baseline": {
                "kind": "factor",
                "factors": [factor],
                "floor": 200_000,
                "redistribute": "false",
            },
        },
    )
    return load(path)


@pytest.mark.skipif(
    not CASES.is_dir(), reason="the cases, ../shared/cases, are not beside the repository"
)
def test_all_allotments_of_sixteen_years_are_the_published_ones() -> None:
    assert "not re-normalised" in json.loads((CASES / "rule.json").read_text())["rule"]
    incomes, residents = read_years("pcinc.csv"), read_years("pop.csv")
    with (CASES / "expected.csv").open(encoding="utf-8") as file:
        published = {(row["state"], int(row["year"])): row for row in csv.DictReader(file)}
    wrong = []
    for year in range(1947, 1963):
        figures = {
            state: ([incomes[state][year - back] for back in (4, 3, 2)], residents[state][year])
            for state in incomes
        }
        money = Fraction(published["Alabama", year]["total_federal_hbfunds"])
        floor = {1947: None, 1948: Fraction(100_000)}.get(year, Fraction(200_000))
        amounts = dollars(figures, money, floor)
        wrong += [
            (state, year)
            for state in figures
            if not near(amounts[state], published[state, year]["predicted_allocation"])
        ]
    assert len(published) == 48 * 16
    assert wrong == []


def read_years(name: str) -> dict[str, dict[int, Fraction]]:
    with (CASES / name).open(encoding="utf-8") as file:
        return {
            row.pop("AreaName"): {int(year): Fraction(text) for year, text in row.items() if text}
            for row in csv.DictReader(file)
        }
