"""What the sheets of a fund show of a programme and a scenario, cell by cell, as text.

Both ways go through here: what is written, and what a cell is held against to see whether somebody
changed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.exact import exact_text, parse_exact
from models.metadata import Labels
from models.workbook.fund_words import EQUAL_SHARE, HEADS, YES_NO, word

Cells = dict[str, str]
"""Column of a sheet → what stands in a row."""
LIST = ("、", ", ")
"""Between names, in Chinese and in English."""


@dataclass(frozen=True)
class FundCells:
    """Words and labels of one language."""

    labels: Labels
    lang: str

    def text(self, value: Any) -> str:
        """A wording in the language; what is no wording as it is written."""
        if isinstance(value, Mapping):
            value = value.get(self.lang)
        return "" if value is None else str(value).strip()

    def flag(self, value: Any) -> str:
        """Yes or no; nothing for nothing."""
        return "" if value is None else word(YES_NO[str(value) not in ("true", "1")], self.lang)

    def column(self, name: str) -> str:
        return self.labels.column(name, self.lang)

    def value(self, column: str, kind: str | None, value: str) -> str:
        """A value of a column of counties or tasks; by its label where only that is called so."""
        if kind == "boolean":
            return self.flag(value)
        if kind == "number":
            return plain(value)
        said = self.labels.value(column, value, self.lang)
        known = [text.of(self.lang) for text in self.labels.values.get(column, {}).values()]
        return said if said is not None and known.count(said) == 1 else value

    def code_of(self, column: str, text: str) -> str:
        """The value that a label of a column stands for, in either language; the text if none."""
        labelled = self.labels.values.get(column, {})
        if text in labelled:
            return text
        found = {code for code, label in labelled.items() if text in (label.zh, label.en)}
        return found.pop() if len(found) == 1 else text

    def items(self, scenario: Mapping[str, Any], programme: Mapping[str, Any]) -> Cells:
        """The rows of the sheet of the fund: item → what is filled in."""
        return {
            "programme": self.text(programme.get("title")),
            "title": self.text(scenario.get("title")),
            "year": self.text(programme.get("year")),
            "money": self.text(programme.get("money")),
            "budget": plain(scenario.get("budget")),
            "lot": self.lot(scenario.get("lot")),
            "step": self.lot(scenario.get("step")),
            "no_idle": self.flag(scenario.get("no_idle", "false")),
            "calibration": self.text(scenario.get("calibration")),
        }

    def lot(self, value: Any) -> str:
        """A number, or the column of tasks that it stands in."""
        if isinstance(value, Mapping):
            column = value.get("column")
            return self.column(str(column)) if column else plain(value.get("number"))
        return plain(value)

    def task(self, task: Mapping[str, Any], kinds: Mapping[str, str]) -> Cells:
        """One task: its titles, and its columns under their own names."""
        columns = task.get("columns") or {}
        return {
            "id": str(task.get("id", "")),
            "title": self.text(task.get("title")),
            "short": self.text(task.get("short")),
            **{f"column {n}": self.value(n, kinds.get(n), str(v)) for n, v in columns.items()},
        }

    def metric(self, metric: Mapping[str, Any], weights: Any) -> Cells:
        """One metric, and its weight in an objective that is no list."""
        name = str(metric.get("id", ""))
        weight = weights.get(name) if isinstance(weights, Mapping) else None
        return {
            "id": name,
            "title": self.text(metric.get("title")),
            "unit": self.text(metric.get("unit")),
            "target": plain(metric.get("target")),
            "weight": plain(weight),
        }

    def factor(self, term: Mapping[str, Any]) -> Cells:
        """One factor of the factor method."""
        cost = term.get("cost") or {}
        names = [self.column(name) for name in listed(term.get("columns"))]
        return {
            "weight": plain(term.get("weight")),
            "columns": word(LIST, self.lang).join(names) or word(EQUAL_SHARE, self.lang),
            "cost": self.column(str(cost["column"])) if cost.get("column") else "",
            "step": plain(cost.get("step")),
        }


def listed(value: Any) -> list[str]:
    """One name or a list of them as a list."""
    return [value] if isinstance(value, str) else [str(one) for one in value or ()]


def plain(value: Any) -> str:
    """A number as its shortest exact text; what is none as it is written, nothing for nothing."""
    if value is None:
        return ""
    try:
        return exact_text(parse_exact(str(value)))
    except ValueError:
        return str(value)


def unique_heads(names: Iterable[str], called: Mapping[str, str]) -> dict[str, str]:
    """Column → its head: what it is called, followed by its own name where several are."""
    names = list(names)
    said = [called.get(name, name) for name in names]
    return {
        name: title if said.count(title) == 1 else f"{title}（{name}）"
        for name, title in zip(names, said, strict=True)
    }


def county_heads(columns: Iterable[str], cells: FundCells) -> dict[str, str]:
    """Column of the counties → its head; `code` first."""
    names = ["code", *columns]
    own = {name: word(said, cells.lang) for name, said in HEADS["counties"].items()}
    return unique_heads(names, {name: own.get(name) or cells.column(name) for name in names})


def task_heads(columns: Iterable[str], cells: FundCells) -> dict[str, str]:
    """Column of the sheet of tasks → its head; those of the table as `column NAME`."""
    own = {name: word(said, cells.lang) for name, said in HEADS["tasks"].items()}
    more = {f"column {name}": cells.column(name) for name in columns}
    order = ["id", "title", "short", *more, "weight", "full"]
    return unique_heads(order, own | more)
