"""A proof by cases, as it stands in a record: all allocations parted, each part with a bound.

The first case holds every allocation in whole money units. A case is parted by what one county
funds, these tasks and no others or anything else; or by the money of one cell, so much at the most
or one unit more at the least. So the parts of a case hold all that it holds. What is not parted any
further has prices of its own: multipliers of the limits, at which every county alone shows how much
it can be worth. What a county may fund at all is cut first: at the prices of the first case, all
choices that bring no more than `cut` are left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from models.certificate import Multiplier, key_of
from models.errors import Problems, refuse
from models.exact import LONGEST_KEPT, exact_text, parse_exact, parse_not_negative
from models.files import csv_text, guarded, unguarded
from models.finding import group_text

NAME = "certificate-by-case.csv"
HEADER = (
    *("part", "case", "of", "county", "tasks", "answer"),
    *("prices", "name", "key", "side", "multiplier", "points"),
)
"""`part` is cut, case, limit (of the prices) or bound."""
YES, NO, MOST, LEAST = "yes", "no", "<=", ">="
_MONEY = re.compile(r"(<=|>=)(0|[1-9][0-9]{0,15})")


class CaseAnswer(NamedTuple):
    """What sets a case apart from the others of the case that it is a part of."""

    county: str
    tasks: tuple[str, ...]
    """The tasks that it funds and no others; or the one whose money is parted."""
    said: str
    """`yes`, `no`; `<=12`, `>=13` of money."""

    @property
    def end(self) -> tuple[str, int] | None:
        """(`<=` or `>=`, money units); None where the answer is about tasks."""
        found = _MONEY.fullmatch(self.said)
        return None if found is None else (found[1], int(found[2]))

    @property
    def other(self) -> str:
        """What the other part says."""
        if self.end is None:
            return NO if self.said == YES else YES
        sign, money = self.end
        return f"{LEAST}{money + 1}" if sign == MOST else f"{MOST}{money - 1}"


@dataclass(frozen=True)
class Case:
    """A part of all allocations; its place in the proof is its number."""

    of: int | None = None
    """The number of the case that it is a part of; None of the first."""
    answer: CaseAnswer | None = None
    """None of the first."""
    prices: int | None = None
    """Which prices bound it; None where it is parted further."""
    points: Fraction | None = None
    """No allocation of it is worth more; None where it is parted further, or holds none."""


@dataclass(frozen=True)
class CaseProof:
    """All cases, each after the one that it is a part of."""

    cut: Fraction
    cases: tuple[Case, ...]
    prices: tuple[tuple[Multiplier, ...], ...]
    """The first are those of the cut."""

    @property
    def last(self) -> tuple[int, ...]:
        """The cases that are not parted further."""
        return tuple(at for at, case in enumerate(self.cases) if case.prices is not None)

    @property
    def bound(self) -> Fraction:
        """No allocation in whole money units that keeps the rules is worth more."""
        points = (case.points for case in self.cases)
        return max((self.cut, *(one for one in points if one is not None)))

    def bounded(self, points: Iterable[Fraction | None]) -> CaseProof:
        """With the points of the last cases, in their order."""
        known = dict(zip(self.last, points, strict=True))
        cases = (replace(case, points=known.get(at)) for at, case in enumerate(self.cases))
        return replace(self, cases=tuple(cases))


def case_proof_csv(proof: CaseProof) -> bytes:
    """certificate-by-case.csv."""
    rows = ([row.get(name, "") for name in HEADER] for row in _rows(proof))
    return csv_text(HEADER, rows).encode()


def _rows(proof: CaseProof) -> Iterator[dict[str, str]]:
    yield {"part": "cut", "prices": "0", "points": exact_text(proof.cut)}
    for number, case in enumerate(proof.cases):
        row = {"part": "case", "case": str(number)}
        if case.answer is not None:
            row |= {"of": str(case.of), "county": guarded(case.answer.county)}
            row |= {"tasks": "+".join(case.answer.tasks), "answer": case.answer.said}
        if case.prices is not None:
            row["prices"] = str(case.prices)
        if case.points is not None:
            row["points"] = exact_text(case.points)
        yield row
    for number, prices in enumerate(proof.prices):
        for one in prices:
            yield {
                "part": "limit",
                "prices": str(number),
                "name": one.rule,
                "key": guarded(group_text(one.key)),
                "side": one.side,
                "multiplier": exact_text(one.value),
            }
    yield {"part": "bound", "points": exact_text(proof.bound)}


def read_case_proof(content: bytes) -> CaseProof:
    """The proof that `case_proof_csv` wrote, whose parts hold all that their cases hold;
    `optimizer.verify` says whether its points are due.

    Raises `InputError` with each line that cannot be read, and each case that is parted otherwise.
    """
    reader = _Reader()
    text = content.decode("utf-8-sig", errors="replace")
    try:
        header, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    except csv.Error as error:
        refuse(NAME, "", f"is not readable as a table ({error})")
    if tuple(header) != HEADER:
        refuse(NAME, "line 1", "is no head of a proof by cases")
    for number, cells in enumerate(rows, start=2):
        try:
            reader.read(dict(zip(HEADER, cells, strict=True)))
        except ValueError as error:
            reader.problems.add(NAME, f"line {number}", str(error))
    reader.problems.raise_if_any()
    reader.check()
    reader.problems.raise_if_any()
    return CaseProof(reader.cut, tuple(reader.cases), tuple(map(tuple, reader.prices)))


class _Reader:
    """What the lines said so far."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.cut = Fraction(0)
        self.cases: list[Case] = []
        self.prices: list[list[Multiplier]] = []

    def read(self, row: dict[str, str]) -> None:
        if row["part"] == "cut":
            self.cut = parse_exact(row["points"], LONGEST_KEPT)
        elif row["part"] == "case":
            self.cases.append(_case(row, len(self.cases)))
        elif row["part"] == "limit":
            at, due = int(row["prices"]), len(self.prices)
            if at < 0 or at not in (due - 1, due):
                raise ValueError(f"the prices '{at}' are due where they are counted")
            if at == due:
                self.prices.append([])
            value = parse_not_negative(row["multiplier"], LONGEST_KEPT)
            one = Multiplier(row["name"], key_of(unguarded(row["key"])), row["side"], value)
            if any(one == replace(other, value=value) for other in self.prices[at]):
                raise ValueError("is a second multiplier of the same limit")
            self.prices[at].append(one)
        elif row["part"] != "bound":
            raise ValueError("is no line of a proof by cases")

    def check(self) -> None:
        """Whether each case is bounded, or parted into all that it holds."""
        parts: dict[int, list[CaseAnswer]] = {number: [] for number in range(len(self.cases))}
        for case in self.cases:
            if case.of is not None and case.answer is not None:
                parts[case.of].append(case.answer)
        if not self.cases:
            self.problems.add(NAME, "", "holds no case")
        for number, case in enumerate(self.cases):
            if why := self._wrong(case, parts[number]):
                self.problems.add(NAME, f"case {number}", why)

    def _wrong(self, case: Case, parts: Sequence[CaseAnswer]) -> str:
        if case.prices is not None:
            if parts:
                return "is parted, and has prices as if it were not"
            known = 0 <= case.prices < len(self.prices)
            return "" if known else "has prices that are not told"
        if len(parts) != 2 or parts[0][:2] != parts[1][:2] or parts[0].other != parts[1].said:
            return "is parted otherwise than into two that hold all of it"
        return ""


def _case(row: dict[str, str], number: int) -> Case:
    if row["case"] != str(number):
        raise ValueError(f"case {number} is due here")
    points = parse_exact(row["points"], LONGEST_KEPT) if row["points"] else None
    prices = int(row["prices"]) if row["prices"] else None
    if not number:
        return Case(None, None, prices, points)
    of = int(row["of"])
    tasks = tuple(row["tasks"].split("+")) if row["tasks"] else ()
    answer = CaseAnswer(unguarded(row["county"]), tasks, row["answer"])
    if not 0 <= of < number or not (answer.said in (YES, NO) or (answer.end and len(tasks) == 1)):
        raise ValueError("is no part of a case before it")
    return Case(of, answer, prices, points)
