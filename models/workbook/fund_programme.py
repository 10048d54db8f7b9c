"""The programme of a fund's workbook: the files of its folder, made of the cells of the sheets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from models.errors import did_you_mean
from models.exact import MICRO, exact_text
from models.files import MemoryFile, csv_text
from models.from_frames import file_of
from models.strict_yaml import parse_yaml
from models.workbook.fund_sheets import SCENARIO, FundLine, FundSheet, FundSheets
from models.workbook.fund_words import (
    EQUAL_SHARE,
    HEADS,
    ITEMS,
    SHEETS,
    UNIT_COST,
    YES_NO,
    meant,
    word,
)
from models.workbook.sheet_table import (
    exact_number,
    number_text,
    place_of,
)
from models.workbook.worded_rules import flag_of


@dataclass
class FundProgramme(FundSheets):
    """The sheets on their way to the files of a programme."""

    def programme_files(self) -> None:
        """Its folder in memory."""
        self._items()
        self._tasks()
        self._counties()
        self._metrics()
        self._factors()
        self._tiers()
        own = ("counties", "tasks")
        for name, text in self.rest.items():
            folder, _, bare = name.partition("/")
            if name not in (SCENARIO, "programme.yaml", *own) and folder != "beside":
                self.files.setdefault(name, MemoryFile(name, text.encode()))
            elif folder == "beside":
                self.beside[bare] = MemoryFile(bare, text.encode())
        self.files["programme.yaml"] = file_of("programme.yaml", self.body)
        self.places["programme.yaml", ""] = word(SHEETS["fund"], self.lang)

    def _items(self) -> None:
        """The fund itself: its titles and unit in the programme, its money in the scenario."""
        shown, sheet = self.cells.items(self.scenario, self.body), self.sheets["fund"]
        for line in sheet.lines() if sheet is not None else ():
            item = line.get("item")
            key = meant(ITEMS, item)
            if key is None:
                near = did_you_mean(item, [one for said in ITEMS.values() for one in said])
                self.add(line.cell("item"), f"unknown item '{item}'{near}")
                continue
            self.item_cells[key], self.items[key] = line.cell("value"), line.get("value")
            if key in ("programme", "year", "money"):
                name = {"programme": "title"}.get(key, key)
                self.places["programme.yaml", name] = line.cell("value")
                if line.get("value") != shown[key]:
                    self._set_item(key, line.get("value"))

    def _set_item(self, key: str, text: str) -> None:
        name = {"programme": "title"}.get(key, key)
        if not text:
            self.body.pop(name, None)
        else:
            self.body[name] = text if key == "year" else {"zh": text, "en": text}

    @property
    def columns_called(self) -> dict[str, str]:
        """Label → column, in both languages."""
        labelled = self.labels.columns.items()
        return {text: name for name, label in labelled for text in (label.zh, label.en)}

    def _columns(self, sheet: FundSheet, kind: str) -> dict[str, str]:
        """Title → column of the table of counties or tasks, for those that are no own column."""
        own = {sheet.titles[one] for one in HEADS[kind] if one in sheet.titles}
        known = {title: key.removeprefix("column ") for key, title in sheet.titles.items()}
        called = self.columns_called
        return {
            title: known.get(title) or called.get(title, title)
            for _, title in sorted(sheet.table.titles.items())
            if title not in own
        }

    def _counties(self) -> None:
        sheet = self.sheets["counties"]
        if sheet is None:
            self.add(word(SHEETS["counties"], self.lang), "the sheet is missing")
            return
        name = str((self.body.get("counties") or {}).get("file") or "counties.csv")
        kinds = dict((self.body.get("counties") or {}).get("columns") or {})
        lines = list(sheet.lines())
        names = {sheet.titles[one]: one for one in ("name_zh", "name_en") if one in sheet.titles}
        titles: dict[str, str] = {**self._columns(sheet, "counties"), **names}
        order = sorted(titles, key=list(sheet.table.titles.values()).index)
        for title in order:
            if titles[title] not in kinds and (kind := _kind_of(lines, title)) is not None:
                kinds[titles[title]] = kind
        rows = [
            [line.get("code"), *(self._value(line, t, titles[t], kinds) for t in order)]
            for line in lines
        ]
        head = place_of(sheet.table.head, 0)
        places = (f"{sheet.table.name}!{head}", *(line.cell("code") for line in lines))
        text = csv_text(["code", *(titles[t] for t in order)], rows, for_people=False)
        self.files[name] = MemoryFile(name, text.encode(), places)
        for line in lines:
            self.places[name, line.cell("code")] = line.cell("code")
            for title in order:
                place = f"{line.cell('code')}: {titles[title]}"
                self.places[name, place] = line.line.place(title)
        self.places[name, places[0]] = places[0]
        self.places[name, ""] = sheet.table.name
        self.body["counties"] = {
            "file": name,
            **(self.body.get("counties") or {}),
            "columns": kinds,
        }

    def _value(self, line: FundLine, title: str, column: str, kinds: Mapping[str, str]) -> str:
        """A cell of the table of counties or tasks as its file would have it."""
        text, kind = line.line.get(title), kinds.get(column)
        try:
            if kind == "number":
                return exact_number(line.line, title, self.notes) if text else ""
            if kind == "boolean":
                return (
                    {"true": "1", "false": "0"}[flag_of(text)] if text not in ("0", "1") else text
                )
        except ValueError as error:
            self.add(line.line.place(title), str(error))
            return "0"
        return self.cells.code_of(column, text) if text else ""

    def _tasks(self) -> None:
        sheet, name = (
            self.sheets["tasks"],
            str((self.body.get("tasks") or {}).get("file") or "tasks.yaml"),
        )
        if sheet is None:
            self.add(word(SHEETS["tasks"], self.lang), "the sheet is missing")
            return
        kinds = dict((self.body.get("tasks") or {}).get("columns") or {})
        columns, lines = self._columns(sheet, "tasks"), list(sheet.lines())
        for title, column in columns.items():
            if column not in kinds and (kind := _kind_of(lines, title)) is not None:
                kinds[column] = kind
        tasks = []
        for number, line in enumerate(lines):
            task = self._task(line, columns, kinds)
            tasks.append(task)
            self.places[name, f"tasks[{number}]"] = line.cell("id")
            self.places[name, task["id"]] = line.cell("id")
            for key in ("id", "title", "short"):
                self.places[name, f"tasks[{number}].{key}"] = line.cell(key)
            for title, column in columns.items():
                self.places[name, f"{task['id']}.columns.{column}"] = line.line.place(title)
            self.task_shares[task["id"]] = (line.get("weight"), line.cell("weight"))
        self.places[name, ""] = sheet.table.name
        self.files[name] = file_of(name, tasks)
        own = self.body.get("tasks") or {}
        if kinds or own:
            self.body["tasks"] = {**own, **({"columns": kinds} if kinds else {})}

    def _task(
        self, line: FundLine, columns: Mapping[str, str], kinds: Mapping[str, str]
    ) -> dict[str, Any]:
        full = line.get("full")
        base: dict[str, Any] = dict(parse_yaml(full, line.cell("full")) or {}) if full else {}
        shown = self.cells.task(base, kinds) if base else {}
        if line.get("id") != shown.get("id"):
            base["id"] = line.get("id")
        for key in ("title", "short"):
            if line.get(key) != shown.get(key, ""):
                base[key] = {"zh": line.get(key), "en": line.get(key)}
                if not line.get(key):
                    del base[key]
        given = dict(base.get("columns") or {})
        for title, column in columns.items():
            if line.line.get(title) != shown.get(f"column {column}", "") and (
                line.line.get(title) or column in given
            ):
                given[column] = self._value(line, title, column, kinds)
        if given:
            base["columns"] = given
        return base

    def _metrics(self) -> None:
        """The metrics by id; their weights are the scenario's."""
        sheet = self.sheets["metrics"]
        if sheet is None:
            return
        known = {str(one.get("id")): one for one in self.body.get("metrics") or ()}
        objective = self.scenario.get("objective")
        weights = objective.get("weights") if isinstance(objective, Mapping) else None
        listed_now = []
        for number, line in enumerate(sheet.lines()):
            name = line.get("id")
            base = dict(known.get(name) or {"id": name})
            shown = self.cells.metric(base, weights) if name in known else {}
            for key in ("title", "unit", "target"):
                text = line.get(key)
                if text != shown.get(key, ""):
                    base[key] = text if key == "target" else {"zh": text, "en": text}
                    if not text:
                        base.pop(key)
                self.places["programme.yaml", f"metrics[{number}].{key}"] = line.cell(key)
            self.places["programme.yaml", f"metrics[{number}]"] = line.cell("id")
            listed_now.append(base)
            if line.get("weight") != shown.get("weight", ""):
                self.weights[name] = (line.get("weight"), line.cell("weight"))
            self._unit_costs(line, name)
        self.places["programme.yaml", "metrics"] = sheet.table.name
        if listed_now or "metrics" in self.body:
            self.body["metrics"] = listed_now

    def _unit_costs(self, line: FundLine, metric: str) -> None:
        """What one unit of a metric costs in each task, where that is given."""
        sheet = self.sheets["tasks"]
        for task in list(sheet.lines()) if sheet is not None else ():
            for name in (task.get("short"), task.get("title"), task.get("id")):
                title = next(
                    (t for said in UNIT_COST if (t := said.format(task=name)) in line.line.columns),
                    "",
                )
                if not name or not line.line.get(title):
                    continue
                try:
                    cost = Fraction(number_text(line.line.get(title)))
                    if cost <= 0:
                        raise ValueError("a cost above 0 is due here; leave it empty for no effect")
                    self.costs[task.get("id"), metric] = cost
                except ValueError as error:
                    self.add(line.line.place(title), str(error))
                break

    def _factors(self) -> None:
        """The factor method: its factors, and the shares of the tasks."""
        own = self.scenario.get("baseline")
        has_own = isinstance(own, Mapping) and "kind" in own
        baseline = dict(own if has_own else self.body.get("baseline") or {})  # type: ignore[arg-type]
        before = dict(baseline)
        self._factor_rows(baseline)
        shares = {task: text for task, (text, _) in self.task_shares.items() if text}
        shown = {task: self.cells.lot(share) for task, share in (before.get("tasks") or {}).items()}
        if shares != shown:
            baseline["tasks"] = shares
        for task, (_, cell) in self.task_shares.items():
            self.places["programme.yaml", f"baseline.tasks.{task}"] = cell
        if baseline != before:
            baseline.setdefault("kind", "equal")
            (self.scenario if has_own else self.body)["baseline"] = baseline

    def _factor_rows(self, baseline: dict[str, Any]) -> None:
        sheet = self.sheets["factors"]
        if sheet is None:
            return
        self.places["programme.yaml", "baseline"] = sheet.table.name
        lines = list(sheet.lines())
        terms = [dict(one) for one in baseline.get("factors") or ()]
        shown = [self.cells.factor(term) for term in terms]
        given = [{key: line.get(key) for key in HEADS["factors"]} for line in lines]
        if given == shown:
            return
        called = self.columns_called
        found: list[dict[str, Any]] = []
        for line, row in zip(lines, given, strict=True):
            term: dict[str, Any] = {"weight": row["weight"] or "0"}
            names = [one.strip() for one in re.split("[、,，×]", row["columns"]) if one.strip()]
            if row["columns"] and row["columns"] not in EQUAL_SHARE:
                term["columns"] = [called.get(name, name) for name in names]
            if row["cost"]:
                term["cost"] = {
                    "column": called.get(row["cost"], row["cost"]),
                    "step": row["step"] or "0",
                }
            self.places["programme.yaml", f"baseline.factors[{len(found)}]"] = line.cell("weight")
            found.append(term)
        kept = {
            key: value for key, value in baseline.items() if key not in ("factors", "weight_column")
        }
        baseline.clear()
        baseline.update(
            {**kept, "kind": "factor", "factors": found} if found else {**kept, "kind": "equal"}
        )

    def _tiers(self) -> None:
        """The tiers as tables; or of one tier a cell, where unit costs are given."""
        sheet = self.sheets["tiers"]
        if self.costs:
            self._tiers_of_costs()
        elif sheet is not None:
            named = {
                n: str(one["tiers"]) for n, one in (self.body.get("calibrations") or {}).items()
            }
            if not named:
                named = {"": str(self.body.setdefault("tiers", "tiers.csv"))}
            lines: dict[str, list[FundLine]] = {name: [] for name in named}
            for line in sheet.lines():
                lines.get(line.get("calibration"), next(iter(lines.values()))).append(line)
            for name, found in lines.items():
                self._tier_file(named[name], sheet, found)

    def _tier_file(self, file: str, sheet: FundSheet, lines: list[FundLine]) -> None:
        header = ["county", "task", "tier", "width", *self.metric_ids]
        rows = [
            [line.get(name) for name in header[:4]]
            + [line.get(f"metric {name}") or line.line.get(name) for name in self.metric_ids]
            for line in lines
        ]
        places = [line.cell("county") for line in lines]
        text = csv_text(header, rows, for_people=False)
        self.files[file] = MemoryFile(file, text.encode(), (sheet.table.name, *places))
        self.places |= {(file, place): place for place in places}
        self.places[file, ""] = sheet.table.name

    @property
    def metric_ids(self) -> list[str]:
        return [str(one.get("id")) for one in self.body.get("metrics") or ()]

    def _tiers_of_costs(self) -> None:
        """One tier a cell, as wide as the budget, at one over the cost, in millionths."""
        metrics = self.metric_ids
        counties, tasks = self.sheets["counties"], self.sheets["tasks"]
        assert counties is not None and tasks is not None
        works = [line.get("id") for line in tasks.lines()]
        width = self.items.get("budget") or "1"
        rows = []
        for line in counties.lines():
            for work in works:
                costs = [self.costs.get((work, metric)) for metric in metrics]
                rates = [
                    Fraction(0) if c is None else Fraction(round(MICRO / c), MICRO) for c in costs
                ]
                rows.append([line.get("code"), work, "1", width, *map(exact_text, rates)])
        header = ["county", "task", "tier", "width", *metrics]
        self.files["tiers.csv"] = MemoryFile(
            "tiers.csv", csv_text(header, rows, for_people=False).encode()
        )
        for key in ("calibrations", "response"):
            self.body.pop(key, None)
        self.body["tiers"] = "tiers.csv"


def _kind_of(lines: list[FundLine], title: str) -> str | None:
    """What a column that somebody added holds; None for text."""
    texts = [line.line.get(title) for line in lines]
    words = {one for said in YES_NO for one in said}
    if texts and all(text in words for text in texts):
        return "boolean"
    numeric = [title in line.line.numeric for line in lines if line.line.get(title)]
    return "number" if numeric and all(numeric) else None
