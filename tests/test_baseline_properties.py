"""What holds of every baseline by formula, whatever the weights."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import InputError
from optimizer.baselines import factor_amounts, largest_remainder
from optimizer.baselines.factor import half_up

numbers = st.fractions(min_value=0, max_value=1000, max_denominator=1000)
many = st.lists(numbers, min_size=1, max_size=12).filter(any)
money = st.integers(min_value=0, max_value=10_000).map(Fraction)
bounds = st.none() | st.fractions(min_value=0, max_value=500, max_denominator=20)


def spread(
    weights: list[Fraction], pot: Fraction, floor: Fraction | None, cap: Fraction | None
) -> list[Fraction]:
    """The amounts, where floor and cap leave any."""
    assume(floor is None or floor * len(weights) <= pot)
    assume(floor is None or cap is None or floor <= cap)
    assume(cap is None or sum(cap if w else floor or 0 for w in weights) >= pot)
    return factor_amounts(weights, pot, floor=floor, cap=cap)


@pytest.mark.slow
@given(many, money, bounds, bounds)
def test_amounts_add_up_and_keep_floor_and_cap(
    weights: list[Fraction], pot: Fraction, floor: Fraction | None, cap: Fraction | None
) -> None:
    amounts = spread(weights, pot, floor, cap)
    assert sum(amounts) == pot
    assert floor is None or min(amounts) >= floor
    assert cap is None or max(amounts) <= cap


@pytest.mark.slow
@given(many, money, bounds, bounds)
def test_between_the_bounds_money_is_in_proportion_to_weight(
    weights: list[Fraction], pot: Fraction, floor: Fraction | None, cap: Fraction | None
) -> None:
    amounts = spread(weights, pot, floor, cap)
    free = {
        amount / weight
        for amount, weight in zip(amounts, weights, strict=True)
        if weight and amount not in (floor or 0, cap)
    }
    assert len(free) <= 1


@pytest.mark.slow
@given(many, money, bounds, bounds)
def test_bounds_are_refused_only_where_no_amounts_keep_them(
    weights: list[Fraction], pot: Fraction, floor: Fraction | None, cap: Fraction | None
) -> None:
    possible = (
        (floor or 0) * len(weights) <= pot
        and (floor is None or cap is None or floor <= cap)
        and (cap is None or sum(cap if w else floor or 0 for w in weights) >= pot)
    )
    try:
        factor_amounts(weights, pot, floor=floor, cap=cap)
    except InputError:
        assert not possible
    else:
        assert possible


@pytest.mark.slow
@given(many, money, bounds, bounds, st.data())
def test_more_weight_never_gives_less(
    weights: list[Fraction],
    pot: Fraction,
    floor: Fraction | None,
    cap: Fraction | None,
    data: st.DataObject,
) -> None:
    before = spread(weights, pot, floor, cap)
    place = data.draw(st.integers(0, len(weights) - 1))
    heavier = [*weights]
    heavier[place] += data.draw(numbers)
    after = factor_amounts(heavier, pot, floor=floor, cap=cap)
    assert after[place] >= before[place]
    assert all(after[other] <= before[other] for other in range(len(weights)) if other != place)


@pytest.mark.slow
@given(many, money, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nobodys_money(
    weights: list[Fraction], pot: Fraction, random: object
) -> None:
    codes = [f"{place:02}" for place in range(len(weights))]
    turned = list(range(len(weights)))
    random.shuffle(turned)  # type: ignore[attr-defined]

    def whole(order: list[int]) -> dict[str, int]:
        amounts = factor_amounts([weights[i] for i in order], pot)
        named = [codes[i] for i in order]
        return dict(zip(named, largest_remainder(amounts, int(pot), named), strict=True))

    assert whole(turned) == whole(list(range(len(weights))))


@pytest.mark.slow
@given(st.lists(numbers, min_size=1, max_size=30))
def test_rounding_adds_up_and_moves_nothing_by_a_whole_unit(amounts: list[Fraction]) -> None:
    total = half_up(sum(amounts, Fraction(0)))
    whole = largest_remainder(amounts, total, range(len(amounts)))
    assert sum(whole) == total
    assert all(abs(w - amount) < 1 for w, amount in zip(whole, amounts, strict=True))
    rests = [amount - w for w, amount in zip(whole, amounts, strict=True)]
    raised = [1 + rest for rest in rests if rest < 0]
    assert max((rest for rest in rests if rest >= 0), default=0) <= min(raised, default=1)


def test_a_half_goes_up_whatever_stands_before_it() -> None:
    halves = [half_up(Fraction(number, 2)) for number in (1, 3, 5, 7, 9)]
    assert halves == [1, 2, 3, 4, 5]
    assert [half_up(Fraction(number, 1000)) for number in (499, 501, 2499, 2501)] == [0, 1, 2, 3]
