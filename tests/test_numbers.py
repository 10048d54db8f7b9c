"""Numbers as people read them: rounding never turns what is said into its opposite."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.programme import Metric
from reports.numbers import at_most_text, counted, figure, gap_text, plain

NUMBERS = st.fractions(-(10**6), 10**6, max_denominator=10**7)
NEARBY = st.fractions(-1, 1, max_denominator=10**5)
PEOPLE = Metric.model_validate({"id": "jobs", "title": "jobs", "unit": "people"})


def read(text: str) -> Fraction:
    return Fraction(text.replace(",", "").rstrip("%"))


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        ("0.5", 0, "0"),
        ("1.5", 0, "2"),
        ("2.5", 0, "2"),
        ("-2.5", 0, "-2"),
        ("0.125", 2, "0.12"),
        ("0.375", 2, "0.38"),
        ("2.5000001", 0, "3"),
        ("33000", 0, "33,000"),
    ],
)
def test_halves_go_to_the_even_neighbour(number: str, places: int, text: str) -> None:
    assert plain(Fraction(number), places) == text


@pytest.mark.parametrize(
    ("value", "lower", "upper", "text"),
    [
        ("5999.96", 6000, None, "5,999.9"),
        ("6000.04", None, 6000, "6,000.1"),
        ("5999.96", None, 6000, "6,000.0"),
        ("6000.04", 6000, None, "6,000.0"),
        ("5999.2", 6000, None, "5,999.2"),
    ],
)
def test_what_breaks_a_limit_is_rounded_away_from_it(
    value: str, lower: int | None, upper: int | None, text: str
) -> None:
    bounds = [None if limit is None else Fraction(limit) for limit in (lower, upper)]
    assert figure(Fraction(value), 1, *bounds) == text


@given(limit=NUMBERS, by=NEARBY, places=st.integers(0, 3))
def test_a_broken_limit_never_reads_as_kept(limit: Fraction, by: Fraction, places: int) -> None:
    value = limit + by
    if by < 0:
        assert read(figure(value, places, lower=limit)) < limit
    elif by > 0:
        assert read(figure(value, places, upper=limit)) > limit


@given(bound=NUMBERS, places=st.integers(0, 6))
def test_an_upper_bound_is_never_shown_below_itself_nor_a_place_above(
    bound: Fraction, places: int
) -> None:
    assert 0 <= read(at_most_text(bound, places)) - bound < Fraction(1, 10**places)


@given(gap=st.floats(0, 10, allow_subnormal=False))
def test_a_gap_is_never_shown_smaller_and_within_a_tenth_where_it_is_large(gap: float) -> None:
    shown, exact = read(gap_text(gap)) / 100, Fraction(repr(gap))
    assert shown >= exact
    assert gap < 1e-9 or shown <= exact * Fraction(11, 10)


@given(target=st.decimals(0, 10**4, places=1), above=st.fractions(0, 1, max_denominator=1000))
def test_a_target_that_is_met_never_reads_as_missed(target: object, above: Fraction) -> None:
    least = Fraction(str(target))
    assert read(counted(PEOPLE, least + above, least)) >= least


@given(value=st.fractions(0, 10**4, max_denominator=1000))
def test_people_are_whole_and_never_more_than_they_are(value: Fraction) -> None:
    assert read(counted(PEOPLE, value)) == value.numerator // value.denominator
