"""Baselines by formula: county weights × task shares, within floors and caps, in whole units."""

from __future__ import annotations

from fractions import Fraction

from models.baseline import BaselineSpec
from models.programme import Programme
from optimizer.baselines.rounding import half_up, largest_remainder
from optimizer.baselines.shares import factor_amounts
from optimizer.baselines.weights import weights_of

Rows = list[list[int]]
"""[county][task] → whole money units."""


def by_formula(spec: BaselineSpec, programme: Programme, money: int) -> Rows:
    """The whole-unit amounts of a factor, equal or per-resident baseline.

    The money goes to the pots, a pot to its counties, a county's amount to the tasks by their
    shares. Rounding is by largest remainder, ties going to the smaller county code, then the
    earlier task. The pots' totals are rounded first, then in one pass all cells of a pot; where
    there is a floor or a cap, the counties of a pot and then the tasks of each county, so that
    rounding carries no county across its bound. A floor is raised and a cap lowered to the next
    whole unit. Without `redistribute` a pot spends the sum of its bounded amounts, rounded half
    up: less than its money where caps cut, more where floors add.
    """
    weights = weights_of(spec, programme)
    codes = programme.counties.ids
    rows: Rows = [[0] * len(weights.tasks) for _ in codes]
    pots = [share * money for share in weights.pots.shares]
    whole_pots = largest_remainder(pots, money, range(len(pots)))
    for group, pot in zip(weights.pots.groups, whole_pots, strict=True):
        amounts = _county_amounts(spec, [weights.counties[c] for c in group], pot)
        bounded = spec.floor is not None or spec.cap is not None
        round_cells = _by_county if bounded else _in_one_pass
        found = round_cells(amounts, weights.tasks, [codes[c] for c in group])
        for county, row in zip(group, found, strict=True):
            rows[county] = row
    return rows


def _county_amounts(spec: BaselineSpec, weights: list[Fraction], pot: int) -> list[Fraction]:
    floor = None if spec.floor is None else Fraction(-(-spec.floor // 1))
    cap = None if spec.cap is None else Fraction(spec.cap // 1)
    return factor_amounts(
        weights, Fraction(pot), floor=floor, cap=cap, redistribute=spec.redistribute
    )


def _in_one_pass(amounts: list[Fraction], tasks: tuple[Fraction, ...], codes: list[str]) -> Rows:
    cells = [amount * share for amount in amounts for share in tasks]
    order = [(code, task) for code in codes for task in range(len(tasks))]
    whole = largest_remainder(cells, half_up(sum(cells, Fraction(0))), order)
    return [whole[start : start + len(tasks)] for start in range(0, len(whole), len(tasks))]


def _by_county(amounts: list[Fraction], tasks: tuple[Fraction, ...], codes: list[str]) -> Rows:
    totals = largest_remainder(amounts, half_up(sum(amounts, Fraction(0))), codes)
    return [
        largest_remainder([total * share for share in tasks], total, range(len(tasks)))
        for total in totals
    ]
