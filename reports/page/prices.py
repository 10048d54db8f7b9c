"""What the rules cost: the step of each rule's number and what that does, as the record has it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.page.sheet import Sheet
from reports.price_words import PriceWords, ranked
from reports.tables import Grid


@dataclass(frozen=True)
class PricesPart:
    """The table, the dearest rule first; the same in sentences; the rules without a price."""

    grid: Grid
    said: tuple[str, ...]
    free: str


def rule_prices(sheet: Sheet) -> PricesPart | None:
    """None where the record has no prices."""
    prices = sheet.solution.prices
    if not prices:
        return None
    told = PriceWords(sheet.desk)
    said = tuple(told.said(one) for one in ranked(prices))
    return PricesPart(told.table(prices), said, told.free(prices))
