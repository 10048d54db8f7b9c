"""Rules and weights that people have set in a workbook: on or off, numbers, laid over a scenario.

A sheet of rules has a row for each number of a rule, with its id, whether the rule is on, and
where in the rule the number stands; a sheet of weights has a row a metric. Only what differs from
the scenario becomes a change; an empty cell leaves things as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import Problems, did_you_mean, refuse
from models.exact import exact_text, parse_exact, parse_share, refuse_mixed_digits
from models.overrides import ScenarioDocument, apply_set
from models.rule import SENSES
from models.workbook.sheet_table import place_of, plain_title
from models.workbook.xlsx_file import SheetCell, SheetRow, WorkbookFile

ID_HEADS = ("约束编号", "rule id", "rule")
ON_HEADS = ("启用", "on", "enabled")
PATH_HEADS = ("数的位置", "where the number stands", "path")
NUMBER_HEADS = ("数", "number")
METRIC_HEADS = ("指标编号", "metric id", "metric")
WEIGHT_HEADS = ("权重", "weight")
YES = ("是", "启用", "已启用", "yes", "on", "switchedon", "true", "1", "√")
NO = ("否", "停用", "已停用", "no", "off", "switchedoff", "false", "0", "×", "x")
"""As `plain_title` leaves them."""
_HEAD_WITHIN = 60
_KEYS = ("number", "share", "times")


@dataclass(frozen=True)
class _Sheet:
    """A sheet with its head: which column holds what, from 0."""

    name: str
    row: int
    columns: Mapping[str, int]


def numbers_of(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(place, text) of each number in the limits of a rule as its document writes it.

    Places are those of `--set` after the rule's id: at_least.share, at_most[0], within.
    """
    for sense in SENSES:
        if rule.get(sense) is not None:
            yield from _numbers_in(rule[sense], sense)
    if isinstance(rule.get("within"), str):
        yield "within", rule["within"]
    if isinstance(rule.get("margin"), str):
        yield "margin", exact_text(parse_share(rule["margin"]))
    soft = rule.get("soft")
    if isinstance(soft, Mapping) and isinstance(soft.get("price"), str):
        yield "soft.price", soft["price"]


def _numbers_in(bound: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(bound, str):
        yield place, bound
    elif isinstance(bound, list):
        for number, part in enumerate(bound):
            yield from _numbers_in(part, f"{place}[{number}]")
    elif isinstance(bound, Mapping):
        for key in _KEYS:
            if key in bound:
                yield from _numbers_in(bound[key], f"{place}.{key}")


def apply_rules(document: ScenarioDocument, path: Path) -> list[str]:
    """Lay the rules and weights of a workbook over the document; the changes, in words.

    Raises InputError with every cell that cannot be read.
    """
    reader = _Rules(WorkbookFile(path), document)
    changes = reader.changes()
    for place, assignment in changes:
        apply_set(document, assignment, f"{path.name}: {place}")
    return [f"--rules {path.name}: {assignment}" for _, assignment in changes]


class _Rules:
    def __init__(self, file: WorkbookFile, document: ScenarioDocument) -> None:
        self.file, self.document, self.problems = file, document, Problems()
        self.on: dict[str, tuple[bool, str]] = {}
        """Rule → whether it is on, and the cell that says so."""

    def changes(self) -> list[tuple[str, str]]:
        """(cell, assignment as in `--set`) of each change."""
        rules = self.find((ID_HEADS, ON_HEADS), PATH_HEADS, NUMBER_HEADS)
        weights = self.find((METRIC_HEADS, WEIGHT_HEADS))
        if rules is None and weights is None:
            refuse(self.file.name, "", "no sheet has a head row of rules or of weights")
        found: list[tuple[str, str]] = []
        for sheet, read in ((rules, self.rule), (weights, self.weight)):
            for row in self.file.rows(sheet.name) if sheet is not None else ():
                if sheet is not None and row.number > sheet.row:
                    found += read(sheet, row)
        self.problems.raise_if_any()
        return found

    def find(self, due: Sequence[Sequence[str]], *more: Sequence[str]) -> _Sheet | None:
        """The first sheet with a head row that has a title of each list in `due`."""
        for sheet in self.file.sheets:
            for row in self.file.rows(sheet, _HEAD_WITHIN):
                heads = {plain_title(c.value): at for at, c in sorted(row.cells.items())}
                columns = {
                    titles[0]: heads[plain]
                    for titles in (*due, *more)
                    for plain in map(plain_title, titles)
                    if plain in heads
                }
                if all(titles[0] in columns for titles in due):
                    return _Sheet(sheet, row.number, columns)
        return None

    def rule(self, sheet: _Sheet, row: SheetRow) -> Iterator[tuple[str, str]]:
        """The changes of one row of rules."""
        id_, on, path, number = (
            self.cell(sheet, row, heads) for heads in (ID_HEADS, ON_HEADS, PATH_HEADS, NUMBER_HEADS)
        )
        if id_ is None:
            return
        name = _text(id_[1])
        if name not in self.document.rules:
            near = did_you_mean(name, self.document.rules)
            self.problems.add(self.file.name, id_[0], f"unknown rule '{name}'{near}")
            return
        if on is not None:
            yield from self.enabled(name, on)
        if number is not None:
            yield from self.number(name, path, number)

    def enabled(self, name: str, on: tuple[str, SheetCell]) -> Iterator[tuple[str, str]]:
        place, cell = on
        said = plain_title(_text(cell))
        if said not in (*YES, *NO):
            message = f"'{_text(cell)}' is neither yes nor no (是, 否)"
            self.problems.add(self.file.name, place, message)
            return
        wanted = said in YES
        if name in self.on:
            if self.on[name][0] != wanted:
                told = f"says otherwise than {self.on[name][1]} of the rule '{name}'"
                self.problems.add(self.file.name, place, told)
            return
        self.on[name] = (wanted, place)
        if wanted != (self.document.rules[name].get("enabled", "true") == "true"):
            yield place, f"rules.{name}.enabled={'true' if wanted else 'false'}"

    def number(
        self, name: str, path: tuple[str, SheetCell] | None, number: tuple[str, SheetCell]
    ) -> Iterator[tuple[str, str]]:
        known = dict(numbers_of(self.document.rules[name]))
        where = _text(path[1]) if path is not None else next(iter(known), "")
        if where not in known:
            place = path[0] if path is not None else number[0]
            near = did_you_mean(where, known)
            told = f"the rule '{name}' has no number at '{where}'{near}"
            self.problems.add(self.file.name, place, told)
            return
        value = self.value(number)
        if value is None:
            return
        if "share" in where and parse_exact(value) > 1:
            told = f"a share of {value} is above 1"
            self.problems.add(self.file.name, number[0], told)
        elif value != _exact(known[where]):
            yield number[0], f"rules.{name}.{where}={value}"

    def weight(self, sheet: _Sheet, row: SheetRow) -> Iterator[tuple[str, str]]:
        """The change of one row of weights."""
        metric, weight = (self.cell(sheet, row, heads) for heads in (METRIC_HEADS, WEIGHT_HEADS))
        if metric is None or weight is None:
            return
        objective = self.document.body.get("objective")
        known = objective.get("weights") if isinstance(objective, Mapping) else None
        now = known.get(_text(metric[1])) if isinstance(known, Mapping) else None
        value = self.value(weight)
        if value is not None and value != _exact(now if isinstance(now, str) else "0"):
            yield weight[0], f"objective.weights.{_text(metric[1])}={value}"

    def cell(
        self, sheet: _Sheet, row: SheetRow, heads: Sequence[str]
    ) -> tuple[str, SheetCell] | None:
        """(place, cell) in the column of a head; None where that is empty."""
        at = sheet.columns.get(heads[0])
        cell = row.cells.get(at) if at is not None else None
        if at is None or cell is None:
            return None
        place = f"{sheet.name}!{place_of(row.number, at)}"
        if cell.value is None:
            told = "holds a formula without a stored value; recalculate and save the file"
            self.problems.add(self.file.name, place, told)
            return None
        return (place, cell) if _text(cell) else None

    def value(self, number: tuple[str, SheetCell]) -> str | None:
        """The exact text of a number; None, and a problem, for anything else."""
        place, cell = number
        try:
            return _number(cell.value)
        except ValueError as error:
            self.problems.add(self.file.name, place, str(error))
            return None


def _text(cell: SheetCell) -> str:
    value = cell.value
    whole = isinstance(value, float) and value.is_integer()
    return unicodedata.normalize("NFKC", str(int(value) if whole else value)).strip()


def _number(value: Any) -> str:
    if isinstance(value, float):
        value = format(value, ".15g")
    if not isinstance(value, str):
        return exact_text(parse_exact(value))
    refuse_mixed_digits(value)
    text = unicodedata.normalize("NFKC", value).strip().replace(",", "")
    if text.endswith("%"):
        return exact_text(parse_exact(text[:-1].strip()) / 100)
    return exact_text(parse_exact(text))


def _exact(text: str) -> str:
    """A number of the scenario as `_number` writes it; what is none stays as it is."""
    try:
        return exact_text(parse_exact(text))
    except ValueError:
        return text
