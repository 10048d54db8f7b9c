"""A fund as a workbook that an office fills in: its sheets are read back as scenario and programme.

What people change has cells, lists to choose from and notes; what has none stands in full text, on
locked cells beside a sentence that says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from models.aim_sentences import aim_sentence
from models.allocation import write_file
from models.errors import refuse, with_keywords
from models.exact import exact_text, parse_exact
from models.files import File, MemoryFile
from models.metadata import Labels, read_labels, read_sources
from models.programme import inside
from models.record.scenario_files import yaml_bytes
from models.scenario import Scenario
from models.selection import value_text
from models.sentences import sentence
from models.source_files import VARIANTS, full_texts, paid_file, written_body
from models.strict_yaml import read_yaml
from models.table import read_rows
from models.workbook.fund_cells import FundCells, county_heads, task_heads, unique_heads
from models.workbook.fund_words import (
    BASIS,
    EACH,
    HEADS,
    ITEMS,
    MEASURES,
    OF,
    PER,
    SHEETS,
    UNIT_COST,
    YES_NO,
    word,
)
from models.workbook.sheet_table import place_of
from models.workbook.worded_rules import WordedRules
from reports.catalogue import Words
from reports.excel import about, write_schema
from reports.excel.annex_sheets import write_sources
from reports.excel.book import Book, BookSheet, column_for, width_of
from reports.excel.formulas import layout_of
from reports.excel.money_sheet import write_table
from reports.view.rule_view import RuleView

_TOP = 3
"""The first row below the head, from 0."""
_SPARE = 30
"""Empty rows that are ready to be filled in."""
_LONGEST = 32_767
"""Characters that a cell holds."""
_CHUNK = 30_000
"""Characters of a full text that one cell takes."""
_SHEET_WORDS = {
    "fund": ("fund.fund.title", "fund.fund.note"),
    "counties": ("fund.counties.title", "fund.counties.note"),
    "tasks": ("fund.tasks.title", "fund.tasks.note"),
    "factors": ("fund.factors.title", "fund.factors.note"),
    "metrics": ("fund.metrics.title", "fund.metrics.note"),
    "rules": ("fund.rules.title", "fund.rules.note"),
    "last_year": ("fund.last_year.title", "fund.last_year.note"),
    "paid": ("fund.paid.title", "fund.paid.note"),
    "aims": ("fund.aims.title", "fund.aims.note"),
    "tiers": ("fund.tiers.title", "fund.tiers.note"),
    "variants": ("fund.variants.title", "fund.variants.note"),
    "rest": ("fund.rest.title", "fund.rest.note"),
}
"""Sheet → its title, and what is said below it."""
_ITEM_NOTES = {
    "programme": "fund.item.programme",
    "title": "fund.item.title",
    "year": "fund.item.year",
    "money": "fund.item.money",
    "budget": "fund.item.budget",
    "lot": "fund.item.lot",
    "step": "fund.item.step",
    "no_idle": "fund.item.no_idle",
    "calibration": "fund.item.calibration",
}
"""Row of the sheet of the fund → what is said beside it."""
_RULE_NOTES = {
    "county": "fund.rules.county",
    "at_least": "fund.rules.at_least",
    "share": "fund.rules.share",
    "times": "fund.rules.times",
    "within": "fund.rules.within",
    "reason": "fund.rules.reason",
    "confirmed_by": "fund.rules.confirmed_by",
}
"""Column of the sheet of rules → the note at its head."""
_PRINTED = 50
"""Rows of a long table of numbers that are printed: it is there to be read by a machine."""
_TITLED = {"rules": 15, "tasks": 5}
"""Sheet → so many columns, of those that are printed first, that its title stands over."""
_LISTS = "allot-lists"


@with_keywords()
def write_fund(scenario: Scenario, path: Path | str, *, lang: str = "zh") -> None:
    """Write a scenario with its programme as a workbook that `load` reads, in place of one that is
    there already; its bytes are the same every time.

    Raises `InputError` for another language than zh and en, `OSError` where it cannot be written.
    """
    write_file(Path(path), fund_workbook(scenario, Words(lang)))


def fund_workbook(scenario: Scenario, words: Words) -> bytes:
    """The workbook of a scenario with its programme; made anew it has the same bytes."""
    return _FundBook(scenario, words).made()


@dataclass
class _FundBook:
    scenario: Scenario
    words: Words
    schema: list[tuple[str, str]] = field(default_factory=list)
    """Key → what stands in this workbook, for the hidden sheet."""
    lists: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Words to choose from → the cells that list them."""

    def __post_init__(self) -> None:
        self.lang, self.programme = self.words.lang, self.scenario.programme
        self.labels: Labels = read_labels(self.programme)
        self.cells = FundCells(self.labels, self.lang)
        self.folder = self.programme.folder
        self.body: dict[str, Any] = read_yaml(self.folder / "programme.yaml")
        self.document = self.scenario.document
        self.view = RuleView(self.scenario, self.labels, self.words)
        self.book = Book(self.words, about(self.view), footing="document.footer")
        self.rule_words = WordedRules(self.programme, self.labels, self.lang)

    def made(self) -> bytes:
        for write in (
            *(self.fund, self.counties, self.tasks, self.factors, self.metrics, self.rules),
            *(self.last_year, self.paid, self.amounts, self.aims, self.tiers, self.variants),
            *(self.sources, self.rest, self.hidden),
        ):
            write()
        return self.book.close()

    # Sheets and their cells.

    def sheet(self, key: str, widths: Mapping[str, float], *, locked: bool = False) -> BookSheet:
        """A sheet with its titles and head; `widths`: head → width."""
        name = word(SHEETS[key], self.lang)
        sheet = self.book.named_sheet(name, list(widths.values()), open_=not locked)
        if locked:
            allowed = ("insert_rows", "delete_rows", "format_rows", "format_columns", "sort")
            sheet.page.protect("", dict.fromkeys(allowed, True))
        title, note = (self.words(one) for one in _SHEET_WORDS[key])
        sheet.titles(title, note, "", _TITLED.get(key))
        sheet.head(_TOP - 1, list(widths))
        sheet.page.freeze_panes(_TOP, 1)
        return sheet

    def heads(self, key: str) -> dict[str, str]:
        """Column → its head in the language."""
        return {column: word(said, self.lang) for column, said in HEADS[key].items()}

    def row(self, sheet: BookSheet, row: int, texts: Sequence[str], style: str = "input") -> None:
        """A row of cells to fill in: numbers as numbers where a cell holds them exactly."""
        for column, text in enumerate(texts):
            self.put(sheet, row, column, text, style)
        sheet.high(row, texts)

    def put(self, sheet: BookSheet, row: int, column: int, text: str, style: str = "input") -> None:
        number = _as_number(text)
        if number is None:
            sheet.text(row, column, text, f"wrap {style}")
        else:
            sheet.number(row, column, number, f"cell any {style}")

    def spare(self, sheet: BookSheet, first: int, columns: int, rows: int = _SPARE) -> None:
        for row in range(first, first + rows):
            sheet.texts(row, [""] * columns, "wrap input")

    def choose(
        self,
        sheet: BookSheet,
        at: tuple[int, int, int],
        listed: Sequence[str],
        *,
        only: bool = True,
    ) -> None:
        """A list to choose from in a column (column, first row, last row); without `only` other
        words are taken too."""
        listed = tuple(dict.fromkeys(filter(None, listed)))
        if not listed:
            return
        column, first, last = at
        check: dict[str, Any] = {"validate": "list", "source": self.listed(listed)}
        if only:
            check["error_message"] = self.words("fund.choose")
        else:
            check |= {"error_type": "information", "error_message": self.words("fund.other")}
            check["show_error"] = False
        sheet.page.data_validation(first, column, last, column, check)

    def listed(self, words: tuple[str, ...]) -> str:
        """Where the hidden sheet of lists has these words."""
        if words not in self.lists:
            column = place_of(1, len(self.lists))[:-1]
            self.lists[words] = f"='{_LISTS}'!${column}$1:${column}${len(words)}"
        return self.lists[words]

    def full(self, sheet: BookSheet, row: int, column: int, content: Any) -> None:
        """The full text of something, locked."""
        text = yaml_bytes(content).decode().strip()
        if len(text) > _LONGEST:
            told = f"its full text of {len(text):,} characters is too long for a cell"
            refuse(sheet.name, place_of(row + 1, column), told)
        sheet.page.write_string(row, column, text, self.book.style("cell small"))

    # What people fill in.

    def fund(self) -> None:
        heads = self.heads("fund")
        widths = dict(zip(heads.values(), (34.0, 44.0, 60.0), strict=True))
        sheet = self.sheet("fund", widths)
        shown = self.cells.items(self.document.body, self.body)
        for row, (key, said) in enumerate(ITEMS.items(), _TOP):
            sheet.text(row, 0, word(said, self.lang), "wrap block")
            self.put(sheet, row, 1, shown[key], "input left")
            texts = [word(said, self.lang), shown[key], self.words(_ITEM_NOTES[key])]
            sheet.text(row, 2, texts[2], "wrap")
            sheet.high(row, texts)
            at = (1, row, row)
            if key == "no_idle":
                self.choose(sheet, at, [word(one, self.lang) for one in YES_NO])
            elif key == "calibration":
                self.choose(sheet, at, list(self.programme.file.calibrations))

    def counties(self) -> None:
        table = self.programme.counties
        heads = county_heads(table.columns, self.cells)
        self.schema += [(f"counties {name}", title) for name, title in heads.items()]
        texts = [
            [code, *(self.value(table.kind(n), n, table.columns[n][at]) for n in table.columns)]
            for at, code in enumerate(table.ids)
        ]
        widths = _widths(heads.values(), texts)
        sheet = self.sheet("counties", widths)
        sheet.page.freeze_panes(_TOP, 2)
        for row, line in enumerate(texts, _TOP):
            sheet.text(row, 0, line[0], "cell center")
            for at, (name, text) in enumerate(zip(table.columns, line[1:], strict=True), 1):
                if table.kind(name) == "text":
                    sheet.text(row, at, text, "cell")
                else:
                    self.put(sheet, row, at, text)
        last = _TOP + len(texts) + _SPARE
        for at, name in enumerate(table.columns, 1):
            if table.kind(name) == "boolean":
                self.choose(sheet, (at, _TOP, last), [word(one, self.lang) for one in YES_NO])
            elif name in self.labels.values:
                listed = dict.fromkeys(line[at] for line in texts)
                self.choose(sheet, (at, _TOP, last), list(listed), only=False)

    def value(self, kind: str | None, column: str, value: Any) -> str:
        return self.cells.value(column, kind, value_text(value))

    def tasks(self) -> None:
        table, kinds = self.programme.tasks, self.programme.tasks.kinds
        columns = [name for name in table.columns if name not in ("name_zh", "name_en")]
        heads = task_heads(columns, self.cells)
        self.schema += [(f"tasks {name}", title) for name, title in heads.items()]
        listed = read_yaml(inside(self.folder, self.programme.file.tasks.file))
        baseline = self.baseline()
        shares = baseline.get("tasks") or {}
        rows = []
        for task in listed:
            shown = self.cells.task(task, kinds)
            shown["weight"] = self.cells.lot(shares.get(str(task["id"])))
            rows.append([shown.get(name, "") for name in heads if name != "full"])
        widths = _widths(heads.values(), rows) | {heads["title"]: 34.0, heads["full"]: 30.0}
        sheet = self.sheet("tasks", widths, locked=True)
        for row, (texts, task) in enumerate(zip(rows, listed, strict=True), _TOP):
            self.row(sheet, row, texts)
            self.full(sheet, row, len(texts), task)
        self.spare(sheet, _TOP + len(rows), len(heads) - 1)
        sheet.page.print_area(0, 0, _TOP + len(rows), len(heads) - 2)

    def baseline(self) -> Mapping[str, Any]:
        """The factor method as it is written: the scenario's own, or the programme's."""
        own = self.document.body.get("baseline")
        return own if isinstance(own, Mapping) else self.body.get("baseline") or {}

    def factors(self) -> None:
        heads = self.heads("factors")
        sheet = self.sheet(
            "factors", dict(zip(heads.values(), (12.0, 44.0, 36.0, 14.0), strict=True))
        )
        terms = self.baseline().get("factors") or []
        for row, term in enumerate(terms, _TOP):
            self.row(sheet, row, list(self.cells.factor(term).values()))
        self.spare(sheet, _TOP + len(terms), len(heads), 8)
        numbers = [self.cells.column(name) for name in self.numbers()]
        for column in (1, 2):
            self.choose(sheet, (column, _TOP, _TOP + len(terms) + 8), numbers, only=False)

    def numbers(self) -> list[str]:
        """The columns of the counties that hold numbers."""
        return [name for name, kind in self.programme.counties.kinds.items() if kind == "number"]

    def metrics(self) -> None:
        heads = self.heads("metrics")
        objective = self.document.body.get("objective")
        weights = objective.get("weights") if isinstance(objective, Mapping) else None
        rows = [
            list(self.cells.metric(one, weights).values()) for one in self.body.get("metrics") or ()
        ]
        costs = {}
        if not self.has_tiers:
            names = self.programme.task_names(self.lang)
            costs = {
                f"cost {i}": word(UNIT_COST, self.lang).format(task=n) for i, n in enumerate(names)
            }
        widths = _widths([*heads.values(), *costs.values()], rows)
        sheet = self.sheet("metrics", widths)
        for row, texts in enumerate(rows, _TOP):
            self.row(sheet, row, [*texts, *("" for _ in costs)])
        self.spare(sheet, _TOP + len(rows), len(widths), 8)

    @property
    def has_tiers(self) -> bool:
        file = self.programme.file
        return bool(file.tiers or file.calibrations or file.response)

    def rules(self) -> None:
        heads, rows = self.heads("rules"), self.rule_words
        area = rows.area
        if area is not None:
            heads["area"] = self.cells.column(area)
            self.schema.append(("rules area", heads["area"]))
        widths = dict(zip(heads.values(), _RULE_WIDTHS, strict=True))
        sheet = self.sheet("rules", widths, locked=True)
        sheet.page.freeze_panes(_TOP, 2)
        visible = [key for key in heads if key not in ("sentence", "full")]
        written = self.document.rules
        row = _TOP
        for row, rule in enumerate(self.scenario.spec.rules, _TOP):
            texts = rows.row(written[rule.id])
            self.row(sheet, row, [texts.get(key, "") for key in visible])
            said = sentence(rule, self.programme, self.lang, self.labels)
            sheet.text(row, len(visible), said, "wrap")
            self.full(sheet, row, len(visible) + 1, written[rule.id])
            sheet.high(row, [*(texts.get(key, "") for key in visible), said])
        self.spare(sheet, row + 1, len(visible))
        sheet.page.print_area(0, 0, row + 1, len(visible))
        at = {key: number for number, key in enumerate(visible)}
        # What a rule asks for on one page, where it comes from on the next.
        sheet.page.fit_to_pages(2, 0)
        sheet.page.set_v_pagebreaks([at["basis"]])
        sheet.page.repeat_columns(0, 1)
        last = row + _SPARE
        for key, listed, only in self._rule_lists(rows):
            self.choose(sheet, (at[key], _TOP, last), listed, only=only)
        for key, note in _RULE_NOTES.items():
            size = {"x_scale": 2, "y_scale": 1.4}
            sheet.page.write_comment(_TOP - 1, at[key], self.words(note), size)

    def _rule_lists(self, rows: WordedRules) -> Iterator[tuple[str, list[str], bool]]:
        lang, counties = self.lang, self.programme.counties
        metrics = [one.title.of(lang) for one in self.programme.file.metrics]
        yield "enabled", [word(one, lang) for one in YES_NO], True
        yield "measure", [*(word(one, lang) for one in MEASURES.values()), *metrics], True
        groups = [
            n
            for n in (*(counties.columns),)
            if n in self.labels.values or counties.kind(n) == "boolean"
        ]
        each = [word(EACH, lang) + self.cells.column(name) for name in groups]
        yield "per", [*(word(one, lang) for one in PER.values()), *each], False
        flags = [self.cells.column(n) for n, kind in counties.kinds.items() if kind == "boolean"]
        yield "county", [*flags, *counties.names(lang)], False
        if rows.area is not None:
            values = [value_text(value) for value in dict.fromkeys(counties.values(rows.area))]
            yield "area", [rows.value(rows.area, value) for value in values], False
        yield "task", list(self.programme.task_names(lang)), False
        yield "per_head", [self.cells.column(name) for name in self.numbers()], True
        of = [*(word(one, lang) for one in OF.values()), *metrics]
        for key in ("share", "times"):
            yield key, of, False
        yield "basis", [word(one, lang) for one in BASIS.values()], True

    def last_year(self) -> None:
        heads, known = self.heads("last_year"), self.scenario.last_year
        sheet = self.sheet(
            "last_year", dict(zip(heads.values(), (24.0, 24.0, 16.0, 30.0), strict=True))
        )
        rows: list[list[str]] = []
        if known is not None and known.by_cell:
            rows = [
                [self.place(c), self.work(t), exact_text(m), ""]
                for (c, t), m in known.by_cell.items()
            ]
        elif known is not None:
            rows = [[self.place(c), "", exact_text(m), ""] for c, m in known.by_county.items()]
        if known is not None:
            rows += [[code, "", exact_text(money), name] for code, name, money in known.outside]
        self._money_rows(sheet, rows)

    def paid(self) -> None:
        heads = self.heads("paid")
        sheet = self.sheet("paid", dict(zip(heads.values(), (24.0, 24.0, 16.0, 16.0), strict=True)))
        file = paid_file(self.scenario)
        self._money_rows(sheet, [] if file is None else self._paid_rows(file))

    def _paid_rows(self, file: MemoryFile) -> list[list[str]]:
        header, rows = read_rows(file)
        named = [dict(zip(header, cells, strict=True)) for _, cells in rows]
        return [[row.get(key, "") for key in HEADS["paid"]] for row in named]

    def _money_rows(self, sheet: BookSheet, rows: list[list[str]]) -> None:
        for row, texts in enumerate(rows, _TOP):
            self.row(sheet, row, texts)
        self.spare(sheet, _TOP + len(rows), 4, max(_SPARE, len(self.programme.counties)))
        last = _TOP + len(rows) + len(self.programme.counties)
        self.choose(
            sheet, (0, _TOP, last), [self.place(c) for c in self.programme.counties.ids], only=False
        )
        self.choose(
            sheet, (1, _TOP, last), [self.work(t) for t in self.programme.tasks.ids], only=False
        )

    def place(self, code: str) -> str:
        """A county by name; by code where several are called so."""
        return self.rule_words.value("county", code)

    def work(self, task: str) -> str:
        return self.rule_words.value("task", task) if task else ""

    def amounts(self) -> None:
        self.layout = layout_of(self.view, None)
        write_table(self.book, self.layout, key="sheet.amounts")

    # What has no cells of its own.

    def aims(self) -> None:
        objective = self.document.body.get("objective")
        if not isinstance(objective, list):
            return
        heads = self.heads("aims")
        sheet = self.sheet(
            "aims", dict(zip(heads.values(), (10.0, 90.0, 40.0), strict=True)), locked=True
        )
        for at, aim in enumerate(objective):
            said = aim_sentence(self.scenario.spec.objective.aims[at], self.programme, self.lang)
            sheet.texts(_TOP + at, [str(at + 1), said], "wrap")
            self.full(sheet, _TOP + at, 2, aim)

    def tiers(self) -> None:
        files = self.tier_files()
        if not files:
            return
        metrics = {
            f"metric {one.id}": one.title.of(self.lang) for one in self.programme.file.metrics
        }
        heads = self.heads("tiers")
        titles = unique_heads([*heads, *metrics], heads | metrics)
        self.schema += [(f"tiers {name}", title) for name, title in titles.items()]
        sheet = self.sheet("tiers", dict.fromkeys(titles.values(), 14.0))
        row = _TOP
        for calibration, file in files.items():
            header, rows = read_rows(file)
            order = [
                header.index(name.removeprefix("metric "))
                for name in titles
                if name != "calibration"
            ]
            for _, cells in rows:
                sheet.page.write_string(row, 0, calibration)
                for column, at in enumerate(order, 1):
                    number = _as_number(cells[at]) if column > 2 else None
                    if number is None:
                        sheet.page.write_string(row, column, cells[at])
                    else:
                        sheet.page.write_number(row, column, float(number))
                row += 1
        sheet.page.print_area(0, 0, min(row, _PRINTED), len(titles) - 1)

    def tier_files(self) -> dict[str, File]:
        """Calibration → its table; '' for one that stands alone."""
        file = self.programme.file
        named = {name: one.tiers for name, one in file.calibrations.items()}
        named = named or ({"": file.tiers} if file.tiers else {})
        found = {name: inside(self.folder, one) for name, one in named.items()}
        return {name: one for name, one in found.items() if one.is_file()}

    def variants(self) -> None:
        overrides, named = (written_body(self.scenario).get(key) or {} for key in VARIANTS)
        if not (overrides or named):
            return
        heads = self.heads("variants")
        sheet = self.sheet(
            "variants",
            dict(zip(heads.values(), (20.0, 34.0, 70.0, 40.0), strict=True)),
            locked=True,
        )
        for row, (name, patch) in enumerate([*overrides.items(), *named.items()], _TOP):
            title = self.cells.text(patch.get("title")) if isinstance(patch, Mapping) else ""
            sheet.texts(row, [name, title, self.changed(patch)], "wrap")
            self.full(sheet, row, 3, patch)
            sheet.high(row, [name, title, self.changed(patch)])

    def changed(self, patch: Any) -> str:
        """What an override changes, by the titles of its rules; of a scenario its overrides."""
        if isinstance(patch, list):
            return self.words("fund.made-of", names="、".join(map(str, patch)))
        rules = patch.get("rules") or {}
        known = self.document.rules
        said = [
            self.cells.text(
                (one.get("title") if isinstance(one, Mapping) else None)
                or known.get(name, {}).get("title")
            )
            or name
            for name, one in rules.items()
        ]
        items = [word(ITEMS[key], self.lang) for key in patch if key in ITEMS and key != "title"]
        return "; ".join([*items, *said])

    def sources(self) -> None:
        if sources := read_sources(self.programme):
            write_sources(self.book, sources)

    def rest(self) -> None:
        """Everything else, word by word: nothing of the scenario is left out."""
        heads = self.heads("rest")
        sheet = self.sheet(
            "rest", dict(zip(heads.values(), (30.0, 100.0), strict=True)), locked=True
        )
        row = _TOP
        for name, text in full_texts(self.scenario).items():
            for start in range(0, max(1, len(text)), _CHUNK):
                sheet.text(row, 0, name)
                sheet.page.write_string(
                    row, 1, text[start : start + _CHUNK], self.book.style("cell small")
                )
                row += 1

    def hidden(self) -> None:
        """The sheets by which the workbook is read back and from whose lists one chooses."""
        page = self.book.file.add_worksheet(_LISTS)
        page.hide()
        for column, words in enumerate(self.lists):
            for row, text in enumerate(words):
                page.write_string(row, column, text)
        told = [("lang", self.lang), *self.schema]
        write_schema(self.book, self.layout, "sheet.amounts", told)


_RULE_WIDTHS = (
    *(16.0, 24.0, 6.0, 13.0, 9.0, 18.0, 13.0, 14.0, 9.0, 8.0, 8.0, 8.0, 8.0, 10.0, 10.0),
    *(11.0, 22.0, 10.0, 22.0, 28.0, 11.0, 11.0, 24.0, 9.0, 36.0, 30.0),
)


def _as_number(text: str) -> Fraction | None:
    """A number that a cell holds exactly; None for another, and for text."""
    try:
        exact = parse_exact(text)
    except ValueError:
        return None
    return exact if format(float(exact), ".15g") == exact_text(exact) == text else None


def _widths(heads: Any, rows: Sequence[Sequence[str]]) -> dict[str, float]:
    """Head → a width in which the head wraps and the texts mostly stand in a line."""
    found = {}
    for column, head in enumerate(heads):
        texts = [width_of(row[column]) for row in rows if column < len(row)]
        found[head] = min(30.0, max(column_for(head), *(width + 2 for width in texts), 9.0))
    return found
