"""Prices as they stand in a record: what a step of each rule's number does to the objective.

They are those of the linear relaxation, which funds cells in part, solved again after the step. A
float by nature, a price stands in the record with ten figures.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.errors import refuse
from models.exact import exact_text, parse_exact
from models.files import csv_text

NAME = "prices.csv"
_FIRST = ("rule", "field", "path", "number", "step", "limits", "binding", "points")
_LAST = ("low", "high", "kept")


@dataclass(frozen=True)
class RulePrice:
    """One rule: what a step of its written number does, all its limits moving with it."""

    rule: str
    limits: int
    binding: int
    """How many of its limits have a price."""
    field: str
    """`number`, `share`, `times`, `within`; '' for a rule that looks its numbers up."""
    path: str
    """Where the number stands, as `--set` takes it; '' without one."""
    number: Fraction | None
    step: Fraction
    """By how much the number goes up: 1, or 0.01 for a share or a multiple."""
    points: float
    """Objective points gained by the step; of a rule without a number, 1 unit of each limit at
    its slope."""
    metrics: Mapping[str, float]
    """Metric → units gained by the step."""
    low: float | None
    high: float | None
    """Of a rule with one limit: the number may lie between these for the slope to hold."""
    kept: bool = True
    """Some allocation, cells funded in part, keeps all rules after the step."""


def prices_csv(prices: Sequence[RulePrice], metrics: Sequence[str]) -> bytes:
    """prices.csv: one row a rule; what is not there is empty, without end is `inf`."""
    rows = [
        [
            *(one.rule, one.field, one.path),
            "" if one.number is None else exact_text(one.number),
            exact_text(one.step),
            *(str(one.limits), str(one.binding), _text(one.points)),
            *(_text(one.metrics[name]) for name in metrics),
            *(_text(one.low), _text(one.high), "true" if one.kept else "false"),
        ]
        for one in prices
    ]
    return csv_text([*_FIRST, *(f"metric {name}" for name in metrics), *_LAST], rows).encode()


def read_prices(content: bytes, metrics: Sequence[str]) -> tuple[RulePrice, ...]:
    """What `prices_csv` wrote; raises `InputError` for anything else."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
        return tuple(_read(row, metrics) for row in rows)
    except (ValueError, KeyError, TypeError, csv.Error):
        refuse(NAME, "", "is not a table of prices as a record holds it")


def _read(row: Mapping[str, str], metrics: Sequence[str]) -> RulePrice:
    return RulePrice(
        rule=row["rule"],
        limits=int(row["limits"]),
        binding=int(row["binding"]),
        field=row["field"],
        path=row["path"],
        number=parse_exact(row["number"]) if row["number"] else None,
        step=parse_exact(row["step"]),
        points=float(row["points"]),
        metrics={name: float(row[f"metric {name}"]) for name in metrics},
        low=float(row["low"]) if row["low"] else None,
        high=float(row["high"]) if row["high"] else None,
        kept={"true": True, "false": False}[row["kept"]],
    )


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.10g}"
