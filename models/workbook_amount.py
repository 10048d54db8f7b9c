"""Amounts as people write them in cells: numbers, and texts that can mean only one number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from models.exact import exact_text, parse_exact
from models.workbook_file import Cell

_DASHES = re.compile(r"[-‐‑‒–—―─−]+")
_PLAIN = re.compile(r"\d+(\.\d*)?|\.\d+|\d{1,3}(,\d{3})+(\.\d*)?")
_FIGURES = 15
"""Figures of a stored number that spreadsheets stand by."""


@dataclass(frozen=True)
class Amount:
    """What a cell was read as; `text` is what stands there, where that is not plainly a number."""

    number: Fraction
    text: str | None = None


def amount_of(cell: Cell | None, units: tuple[str, ...]) -> Amount:
    """The amount in a cell; `units` are names of the money unit that may stand behind a number.

    Empty cells and dashes are zero. Raises ValueError for anything that is not one number of
    zero or more.
    """
    if cell is None:
        return Amount(Fraction(0), "")
    value = cell.value
    if value is None:
        raise ValueError("holds a formula without a stored value; recalculate and save the file")
    if cell.kind == "e" or (isinstance(value, str) and value.startswith("#") and cell.kind == "f"):
        raise ValueError(f"holds an error ({value})")
    if isinstance(value, bool):
        raise ValueError(f"holds {str(value).upper()} where an amount is due")
    if isinstance(value, datetime | date | time | timedelta):
        raise ValueError(f"holds a date or time ({value}) where an amount is due")
    if isinstance(value, int | float):
        return Amount(_not_negative(parse_exact(format(value, f".{_FIGURES}g"))))
    return _from_text(str(value), units)


def _not_negative(number: Fraction) -> Fraction:
    if number < 0:
        raise ValueError(f"is negative ({exact_text(number)})")
    return number


def _from_text(written: str, units: tuple[str, ...]) -> Amount:
    text = unicodedata.normalize("NFKC", written).strip()
    if not text or _DASHES.fullmatch(text):
        return Amount(Fraction(0), written)
    bare = text
    for unit in sorted(units, key=len, reverse=True):
        known = unicodedata.normalize("NFKC", unit).casefold()
        if known and text.casefold().endswith(known):
            bare = text[: len(text) - len(known)].rstrip()
            break
    if _DASHES.match(bare) and _PLAIN.fullmatch(_DASHES.sub("", bare, count=1).strip()):
        raise ValueError(f"is negative ('{_short(written)}')")
    if not _PLAIN.fullmatch(bare):
        raise ValueError(f"holds the text '{_short(written)}' where an amount is due")
    return Amount(parse_exact(bare.replace(",", "")), written)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
