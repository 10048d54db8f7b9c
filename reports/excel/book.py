"""A workbook in the making: sheets, styles, safe cells, print set-up; by XlsxWriter.

Text is always written as text: what begins with = + - @ is never a formula. A formula carries its
value, so that a viewer that does not recalculate shows the right number.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from reports.catalogue import Words
from reports.numbers import places_for

CREATED = datetime(2000, 1, 1)
"""Stands in every workbook, so that the same record gives the same bytes."""
_LONGEST = 32_000
_RISKY = ("=", "+", "-", "@")
_LINE = 13.5
_FONTS = {"zh": "宋体", "en": "Arial"}
_BOX = {"border": 1, "border_color": "#999999", "valign": "vcenter"}
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"},
    "subtitle": {"valign": "vcenter"},
    "right": {"align": "right", "valign": "vcenter"},
    "head": {**_BOX, "bold": True, "bg_color": "#E7ECF2", "align": "center", "text_wrap": True},
    "block": {**_BOX, "bold": True, "bg_color": "#F3F3F3"},
    "cell": {**_BOX},
    "wrap": {**_BOX, "text_wrap": True},
    "small": {"font_size": 6, "font_color": "#777777", "valign": "top"},
    "plain": {"valign": "top", "text_wrap": True},
    "center": {"align": "center"},
    "left": {"align": "left"},
    "bold": {"bold": True},
    "total": {"bold": True, "bg_color": "#E7ECF2"},
    "subtotal": {"bold": True, "bg_color": "#F3F3F3"},
    "broken": {"bold": True, "font_color": "#A4262C"},
    "input": {"locked": False},
    "quoted": {"quote_prefix": True},
    "whole": {"num_format": '#,##0;-#,##0;"–"', "align": "right"},
    "cents": {"num_format": '#,##0.00;-#,##0.00;"–"', "align": "right"},
    "signed": {"num_format": '+#,##0;-#,##0;"–"', "align": "right"},
    "signed-one": {"num_format": '[>=0.05]+#,##0.0;[<=-0.05]-#,##0.0;"–"', "align": "right"},
    "signed-percent": {"num_format": '+0.0%;-0.0%;"–"', "align": "right"},
    "number": {"num_format": "#,##0", "align": "right"},
    "two": {"num_format": "#,##0.00", "align": "right"},
    "one": {"num_format": "#,##0.0", "align": "right"},
    "three": {"num_format": "#,##0.000", "align": "right"},
    "four": {"num_format": "#,##0.0000", "align": "right"},
    "percent": {"num_format": "0.0%", "align": "right"},
    "fine": {"num_format": "0.000%", "align": "right"},
    "any": {"num_format": "General", "align": "right"},
}


class _PlainWorksheet(Worksheet):  # type: ignore[misc]
    """A sheet whose formulas use old functions only: looking for newer ones takes half the time."""

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        return formula.removeprefix("=")


@dataclass
class Book:
    """A workbook in one language; `close` gives its bytes."""

    words: Words
    footer: str
    """Programme and scenario, as the footer of every page names them."""
    footing: str = "workbook.footer"
    """The label of the footer: by default that of a draft."""
    mark: str = ""
    """A second line of the footer: the fingerprint of a record."""
    _out: io.BytesIO = field(default_factory=io.BytesIO)
    _formats: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        font = {"font_name": _FONTS[self.words.lang], "font_size": 10}
        self.file = xlsxwriter.Workbook(
            self._out, {"in_memory": True, "default_format_properties": font}
        )
        self.file.set_properties({"created": CREATED, "title": self.footer})
        self.file.set_calc_mode("auto")

    def sheet(self, key: str, widths: Sequence[float], *, open_: bool = False) -> BookSheet:
        """A new sheet of the name that the catalogue has; see `named_sheet`."""
        return self.named_sheet(self.words(key), widths, open_=open_)

    def named_sheet(self, name: str, widths: Sequence[float], *, open_: bool = False) -> BookSheet:
        """A new sheet, protected without a password unless `open_`."""
        page = self.file.add_worksheet(name, _PlainWorksheet)
        for column, width in enumerate(widths):
            page.set_column(column, column, width)
        if not open_:
            page.protect("", {"autofilter": True, "sort": True, "format_columns": True})
        # Codes are text of digits, and meant to be.
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        page.set_landscape()
        page.set_paper(9)
        page.center_horizontally()
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        about = "\n".join(filter(None, (self.footer, self.mark)))
        footer = self.words(self.footing, about=_in_footer(about))
        if self.mark:  # It is long: the page's number stays on the line above.
            footer = footer.replace("&R", "\n &R")
        page.set_footer(footer)
        return BookSheet(self, page, name, list(widths))

    def style(self, names: str) -> Any:
        """The format of some style names: `cell whole total`, `cell ≥number`, `cell =0.00`."""
        if names not in self._formats:
            merged: dict[str, Any] = {}
            for name in names.split():
                merged |= _style(name)
            self._formats[names] = self.file.add_format(merged)
        return self._formats[names]

    def close(self) -> bytes:
        self.file.close()
        return self._out.getvalue()


@dataclass
class BookSheet:
    """One sheet; rows and columns count from 0."""

    book: Book
    page: Any
    name: str
    widths: list[float]

    def text(self, row: int, column: int, text: str, style: str = "cell") -> None:
        if not text:
            self.page.write_blank(row, column, None, self.book.style(style))
            return
        if text.lstrip().startswith(_RISKY):
            style += " quoted"
        self.page.write_string(row, column, text[:_LONGEST], self.book.style(style))

    def number(
        self, row: int, column: int, number: Fraction | int | None, style: str = "cell number"
    ) -> None:
        """A number; an empty cell for None."""
        if number is None:
            self.page.write_blank(row, column, None, self.book.style(told(style, 0)))
        else:
            self.page.write_number(
                row, column, as_cell(number), self.book.style(told(style, number))
            )

    def formula(
        self, row: int, column: int, body: str, value: Fraction | int | str, style: str
    ) -> None:
        """A formula, without its =, beside what it comes to."""
        known = value if isinstance(value, str) else as_cell(value)
        if not isinstance(value, str):
            style = told(style, value)
        self.page.write_formula(row, column, "=" + body, self.book.style(style), known)

    def link(self, row: int, column: int, sheet: str, text: str) -> None:
        """A text that leads to another sheet."""
        self.page.write_url(row, column, f"internal:'{sheet}'!A1", string=text)

    def texts(self, row: int, texts: Sequence[str], style: str, first: int = 0) -> None:
        for column, text in enumerate(texts, first):
            self.text(row, column, text, style)

    def head(self, row: int, titles: Sequence[str]) -> None:
        """The head row of a table, high enough for its titles, repeated on every page."""
        self.texts(row, titles, "head")
        self.high(row, titles, bold=True)
        self.page.repeat_rows(0, row)

    def high(self, row: int, texts: Sequence[str], first: int = 0, bold: bool = False) -> None:
        """Make a row as high as its wrapped texts need."""
        wide = self.widths[first : first + len(texts)]
        lines = [lines_of(t, w - (2 if bold else 1)) for t, w in zip(texts, wide, strict=False)]
        self.page.set_row(row, max(1, *lines) * _LINE + 3.5)

    def titles(self, title: str, left: str, right: str, over: int | None = None) -> None:
        """The two rows above every table: a title, over so many columns (all of them if nothing is
        said); what is shown; the unit."""
        last = (len(self.widths) if over is None else over) - 1
        self.page.merge_range(0, 0, 0, last, "", self.book.style("title"))
        self.text(0, 0, title, "title")
        self.page.set_row(0, 28)
        self.text(1, 0, left, "subtitle")
        self.text(1, last, right, "right")
        self.page.set_row(1, 18)

    def ref(self, row: int, column: int) -> str:
        """How another sheet names a cell of this one."""
        return f"{self.prefix}{_named(row, column, True, True)}"

    @property
    def prefix(self) -> str:
        return self.prefix_of(self.name)

    @staticmethod
    def prefix_of(name: str) -> str:
        """A sheet's name as formulas of other sheets write it before a cell."""
        return "'" + name.replace("'", "''") + "'!"


def as_cell(number: Fraction | int) -> float | int:
    """A number as a cell can hold it."""
    exact = number if isinstance(number, int | Fraction) else Fraction(number)
    whole = exact.denominator == 1 and abs(exact.numerator) < 2**53
    return exact.numerator if whole else float(exact)


def told(style: str, number: Fraction | int) -> str:
    """The style that shows a number in plain digits: `any` would write very small ones, and whole
    ones that are wider than their column, with an exponent, and `change` is four figures with a
    sign."""
    kinds = _kinds(style)
    if not kinds:
        return style
    if "change" in kinds:
        places = places_for(abs(Fraction(number)))
        form = f"0.{'0' * places}" if places else "#,##0"
        return style.replace("change", f"=+{form};-{form};0")
    if number.denominator == 1:
        return style.replace("any", "=0")
    size = abs(Fraction(number))
    return style.replace("any", f"=0.{'0' * places_for(size)}") if size < _SMALL else style


@lru_cache(maxsize=256)
def _kinds(style: str) -> frozenset[str]:
    """The names in a style that depend on the number."""
    return frozenset(("any", "change")).intersection(style.split())


_SMALL = Fraction(1, 10_000)


_named: Callable[[int, int, bool, bool], str] = lru_cache(maxsize=2**16)(xl_rowcol_to_cell)


def cell(row: int, column: int) -> str:
    """A cell as formulas of its own sheet name it: D12."""
    return _named(row, column, False, False)


def area(first: tuple[int, int], last: tuple[int, int], absolute: bool = False) -> str:
    """A range of cells: D5:K5, or $D$5:$K$5."""
    ends = (_named(*end, absolute, absolute) for end in (first, last))
    return ":".join(ends)


def literal(text: str) -> str:
    """A text as formulas write it."""
    return '"' + text.replace('"', '""') + '"'


def worded_formula(words: Words, key: str, parts: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """(formula, what it says now) of a wording whose placeholders are formulas."""
    pieces = words(key, **{name: f"\0{name}\0" for name in parts}).split("\0")
    bodies, now = [], ""
    for at, piece in enumerate(pieces):
        body, said = parts[piece] if at % 2 else (literal(piece), piece)
        bodies += [body] if said or at % 2 else []
        now += said
    return "&".join(bodies), now


def width_of(text: str) -> int:
    """How many columns of a fixed-width font a text takes; Chinese counts two a character."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in text)


def column_for(title: str) -> float:
    """How wide a column must be for its title to wrap between words only; at least 9.

    Chinese wraps between any two characters.
    """
    words = re.findall(r"[ -~]+", title)
    return max(
        9.0, max((len(word) for text in words for word in text.split()), default=0) * 1.1 + 2
    )


def lines_of(text: str, width: float) -> int:
    """Over how many lines a text is wrapped in a column of a width (assumption: 5 % is lost)."""
    room = max(1.0, width * 0.95)
    return sum(max(1, -(-width_of(line) // int(room))) for line in text.split("\n"))


def _style(name: str) -> dict[str, Any]:
    if name[0] == "=":
        return {"num_format": name[1:], "align": "right"}
    if name[0] in "≥≤＝":
        base = _STYLES[name[1:]]
        return {**base, "num_format": f'"{name[0]}"{base["num_format"]}'}
    return _STYLES[name]


def _in_footer(text: str) -> str:
    return text.replace("&", "&&")
