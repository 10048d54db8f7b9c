"""Reading tiers.csv: every spelling of a number, and a file full of unknown codes."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from models.errors import InputError
from models.exact import MICRO
from models.tiers import read_tiers, tiers_text
from tests.worlds import write_csv

HEADER = ["county", "task", "tier", "width", "jobs"]


def rate_of(folder: Path, text: str) -> int:
    """The rate, in 10⁻⁶, that a file with this text holds."""
    path = folder / "tiers.csv"
    write_csv(path, HEADER, [["a", "road", 1, 5, text]])
    return int(read_tiers(path, ["a"], ["road"], ["jobs"]).rate[0, 0, 0, 0])


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("0", 0),
        ("0.5", 500_000),
        (".5", 500_000),
        ("3", 3_000_000),
        ("3.", 3_000_000),
        ("+3", 3_000_000),
        ("0.000001", 1),
        ("00.100000", 100_000),
        ("0.1000000", 100_000),
        ("1e-3", 1000),
        ("1/4", 250_000),
        ("12345678.000001", 12_345_678_000_001),
        ("123456789.5", 123_456_789_500_000),
    ],
)
def test_a_rate_is_read_exactly_however_it_is_spelled(
    tmp_path: Path, text: str, micro: int
) -> None:
    assert rate_of(tmp_path, text) == micro


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9999999999", "line 2: jobs: the rate is above 1,000,000,000"),
        ("-9999999999", "line 2: jobs: the rate is above 1,000,000,000"),
        ("", "a number is due"),
        ("0,5", "a number is due"),
        ("nan", "a number is due"),
    ],
)
def test_a_rate_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rate_of(tmp_path, text)


@pytest.mark.parametrize("text", ["1/900", "-2/7", "-0.25", "0.0000001", "1/3", "-1e-9"])
def test_rates_of_either_sign_and_fractions_are_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tiers.csv"
    names = (["a"], ["road"], ["jobs"])
    write_csv(path, HEADER, [["a", "road", 1, 5, text], ["a", "road", 2, 5, "0.5"]])
    tiers = read_tiers(path, *names)
    kept = [Fraction(int(rate), tiers.scale) for rate in tiers.rate[0, 0, 0]]
    assert kept == [Fraction(text), Fraction(1, 2)]
    path.write_text(tiers_text(tiers, names))
    again = read_tiers(path, *names)
    assert (again.rate.tolist(), again.scale) == (tiers.rate.tolist(), tiers.scale)
    assert tiers.rates[0, 0, 0].tolist() == [float(rate) for rate in kept]


def test_rates_without_a_common_denominator_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiers.csv"
    large = [10**40 + 2 * number + 1 for number in range(20)]
    rows = [["a", "road", tier, 5, f"1/{one}"] for tier, one in enumerate(large, 1)]
    write_csv(path, HEADER, rows)
    with pytest.raises(InputError, match="too many denominators"):
        read_tiers(path, ["a"], ["road"], ["jobs"])


def test_every_wrong_field_of_a_row_is_named_by_its_column(tmp_path: Path) -> None:
    path = tmp_path / "tiers.csv"
    write_csv(path, HEADER, [["a", "road", 0, "x", "y"]])
    with pytest.raises(InputError) as caught:
        read_tiers(path, ["a"], ["road"], ["jobs"])
    assert [problem.path for problem in caught.value.problems] == [
        "line 2: tier",
        "line 2: width",
        "line 2: jobs",
    ]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "1000000000000"])
def test_a_width_is_a_whole_number_from_1(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tiers.csv"
    write_csv(path, HEADER, [["a", "road", 1, text, "1"]])
    with pytest.raises(InputError, match="line 2"):
        read_tiers(path, ["a"], ["road"], ["jobs"])


def test_of_many_unknown_codes_each_line_is_named_and_the_first_get_a_suggestion(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tiers.csv"
    counties = [f"{number:04}" for number in range(50)]
    write_csv(path, HEADER, [[f"x{code}", "road", 1, 5, "1"] for code in counties])
    with pytest.raises(InputError) as caught:
        read_tiers(path, counties, ["road"], ["jobs"])
    messages = [str(problem) for problem in caught.value.problems]
    assert len(messages) == 50
    assert messages[0] == "tiers.csv: line 2: unknown county 'x0000' (did you mean '0000'?)"
    assert messages[-1] == "tiers.csv: line 51: unknown county 'x0049'"


def test_plain_tables_are_read_as_any_others_to_the_last_digit(tmp_path: Path) -> None:
    draw = random.Random(5)
    rates = ["99999999.999999", "0.000001", "5.", "12", "0", "00000001.1", "87654321.123457"]
    rates += [f"{draw.uniform(0, 10 ** draw.randint(-4, 8)):.6f}" for _ in range(2000)]
    names = [str(number) for number in range(len(rates))]
    rows = [[name, "road", "1", "7", rate] for name, rate in zip(names, rates, strict=True)]
    rows += [[name, "road", "2", "999999999", "0.1"] for name in names[::2]]
    draw.shuffle(rows)
    lines = [",".join(row) for row in (HEADER, *rows)]
    tables = [tmp_path / f"{number}.csv" for number in range(3)]
    tables[0].write_text("\n".join(lines) + "\n")
    tables[1].write_text("\n".join(lines), newline="\r\n")
    # A field in quotes: this one is read line by line.
    tables[2].write_text("\n".join([*lines[:-1], '"' + lines[-1].replace(",", '",', 1)]))
    plain, other, slow = (read_tiers(path, names, ["road"], ["jobs"]) for path in tables)
    assert plain.is_same(slow) and other.is_same(slow)
    assert plain.rate.dtype == slow.rate.dtype and plain.scale == slow.scale
    assert tiers_text(plain, (names, ["road"], ["jobs"])) == tiers_text(
        slow, (names, ["road"], ["jobs"])
    )


@pytest.mark.parametrize("column", range(5))
def test_one_odd_field_among_plain_ones_is_read_or_refused_by_its_line(
    tmp_path: Path, column: int
) -> None:
    rows = [["a", "road", "1", "7", "0.5"], ["b", "road", "1", "7", "1e-3"]]
    path = tmp_path / "tiers.csv"
    write_csv(path, HEADER, rows)
    assert read_tiers(path, ["a", "b"], ["road"], ["jobs"]).rate[0, 1, 0, 0] == MICRO // 1000
    rows[1][column] = "?"
    write_csv(path, HEADER, rows)
    with pytest.raises(InputError, match="line 3"):
        read_tiers(path, ["a", "b"], ["road"], ["jobs"])
