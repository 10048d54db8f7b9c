"""安排表: 县×重点工作, edited in place and read at once; beside it what is broken, and the map."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from typing import Any

from nicegui import events, ui

from desk.guard import MOST_BYTES
from desk.pages.county_panel import show_county
from desk.pages.paper_tab import ask_record
from desk.pages.rule_dialog import group_options
from desk.pages.window import Window
from desk.state.money_table import BrokenLimit, TableRead
from models.errors import refuse
from models.metadata import group_name, read_labels
from models.selection import value_text
from models.solution import Solution
from optimizer.mending import Mended
from reports.document import Document, Paragraph
from reports.documents.change_list import mend_page
from reports.html.charts import county_at, tile_map
from reports.html.html_document import parts_html
from reports.numbers import upper
from reports.view.page_model import page_model
from reports.view.rule_view import RuleView

Row = dict[str, Any]
"""What the grid is given of a row: id, kind, name, money by field, and how its cells look."""
_MOST_BROKEN = 6


class MoneyTab:
    """The table of one scenario as one window shows it: its filters, and which version it shows."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._rows: dict[str, Row] = {}
        self._chosen: dict[str, ui.select] = {}
        self._editing: int | None = None
        """The version that stood when the cell that is edited was opened."""
        self._told: Mended | None = None
        self._mapped: Solution | None = None

    def draw(self) -> None:
        """Tools, filters, the grid, and what stands beside it."""
        scenario = self._window.scenario.draft.scenario
        self._labels = read_labels(scenario.programme)
        self._view = RuleView(scenario, self._labels, self._window.words)
        self._tools()
        with ui.element("div").classes("desk-beside"):
            with ui.element("div").classes("desk-table"):
                self._filters()
                self._grid = self._made_grid()
            with ui.element("aside").classes("desk-aside"):
                self._broken = ui.element("div").props("data-id=broken aria-live=polite")
                self._mended = ui.element("div")
        self._moves = ui.element("div")
        self._map = ui.element("div").classes("desk-map report")
        for name, act in (
            ("desk-paste", self._paste),
            ("desk-step", lambda e: self._step(e.args["step"])),
            ("desk-hold", lambda e: self._hold(e.args)),
            ("desk-card", lambda e: self._card(str(e.args["row"]))),
            ("desk-map", self._on_map),
        ):
            ui.on(name, act)
        self._beside(self._window.scenario.table.read())

    def refresh(self) -> None:
        """Show the rows that changed, and what is broken now."""
        scenario = self._window.scenario.draft.scenario
        self._view = RuleView(scenario, self._labels, self._window.words)
        read = self._window.scenario.table.read()
        fresh = self._made_rows(read)
        changed = [row for key, row in fresh.items() if self._rows.get(key) != row]
        self._rows = fresh
        if changed:
            pinned = [row for row in changed if row["kind"] == "total"]
            rest = [row for row in changed if row["kind"] != "total"]
            self._grid.run_grid_method("applyTransaction", {"update": rest})
            # What a cell looks like may change though its money does not.
            self._grid.run_grid_method("refreshCells", {"force": True})
            if pinned:
                self._grid.run_grid_method("setGridOption", "pinnedTopRowData", pinned)
        self._beside(read)

    # The grid.

    def _made_grid(self) -> ui.aggrid:
        words, lang = self._window.words, self._window.words.lang
        programme = self._window.scenario.draft.scenario.programme
        self._rows = self._made_rows(self._window.scenario.table.read())
        number = {
            "type": "rightAligned",
            ":valueFormatter": "deskNumber",
            ":cellClassRules": "deskMarks",
            ":tooltipValueGetter": "deskTip",
            "width": 86,
            "minWidth": 64,
        }
        tasks = [
            {
                "field": f"t{at}",
                "headerName": name,
                "wrapHeaderText": True,
                ":editable": "p => p.data.kind === 'county'",
                "cellEditor": "agTextCellEditor",
                **number,
            }
            for at, name in enumerate(programme.task_names(lang))
        ]
        columns = [
            {
                "field": "name",
                "headerName": words("column.county"),
                "pinned": "left",
                "width": 128,
                "minWidth": 92,
                ":cellClass": "p => p.data.kind",
            },
            {
                "field": "total",
                "headerName": words("total"),
                "pinned": "left",
                "width": 78,
                **number,
            },
            *tasks,
        ]
        columns[1]["width"] = 78
        rows = [row for row in self._rows.values() if row["kind"] != "total"]
        options = {
            "columnDefs": columns,
            "rowData": rows,
            "pinnedTopRowData": [self._rows["total"]],
            ":getRowId": "p => p.data.id",
            ":getRowClass": "p => 'row-' + p.data.kind",
            "defaultColDef": {
                # Whatever is typed reaches the server, which says in words what is no amount.
                "cellDataType": False,
                "sortable": False,
                "suppressMovable": True,
                "resizable": True,
            },
            "rowHeight": 29,
            "headerHeight": 48,
            "animateRows": False,
            "stopEditingWhenCellsLoseFocus": True,
            "enterNavigatesVerticallyAfterEdit": True,
            "tooltipShowDelay": 300,
            "overlayNoRowsTemplate": words("desk.no-rows"),
        }
        grid = ui.aggrid(options, theme="balham", auto_size_columns=False).classes("desk-grid")
        grid.on("cellValueChanged", self._edited, args=["rowId", "colId", "newValue"])
        grid.on("cellEditingStarted", self._opened, args=["rowId"])
        grid.on("cellClicked", self._clicked, args=["rowId", "colId"])
        grid.on("gridReady", lambda: ui.run_javascript(f"deskGrid({grid.id})"), args=[])
        return grid

    def _made_rows(self, read: TableRead) -> dict[str, Row]:
        """Row by id: the total, then each group's subtotal before its counties."""
        programme, words = self._window.scenario.draft.scenario.programme, self._window.words
        names = programme.counties.names(words.lang)
        tasks = range(len(programme.tasks))
        # A limit of the whole programme is about every cell, and would point at none.
        broken = {cell for limit in read.broken if limit.finding.key for cell in limit.cells}
        rows = {"total": _row("total", "total", words("total"), read.by_task)}
        for value, counties in self._groups().items():
            if value:
                name = self._group_name(value)
                rows[f"g{value}"] = _row(f"g{value}", "group", name, read.by_group[value])
            for county in counties:
                row = _row(f"c{county}", "county", names[county], read.amounts[county])
                row["broken"] = [f"t{t}" for t in tasks if (county, t) in broken]
                row["held"] = [f"t{t}" for t in tasks if (county, t) in read.held]
                row["since"] = {
                    f"t{t}": int(read.changes[county, t])
                    for t in tasks
                    if (county, t) in read.changes
                }
                rows[row["id"]] = row
        return rows

    def _groups(self) -> dict[str, list[int]]:
        """Value of the column of subtotals → its counties that the filters let through."""
        programme = self._window.scenario.draft.scenario.programme
        column = self._labels.subtotal
        values = programme.counties.values(column) if column else [""] * len(programme.counties)
        groups: dict[str, list[int]] = {}
        for county in self._passing():
            groups.setdefault(value_text(values[county]), []).append(county)
        return groups

    def _group_name(self, value: str) -> str:
        column = self._labels.subtotal or self._labels.group_by or ""
        key = ((column, value),)
        name = group_name(
            self._window.scenario.draft.scenario.programme,
            self._labels,
            key,
            self._window.words.lang,
        )
        return self._window.words("desk.subtotal", group=upper(name))

    # Filters.

    def _filters(self) -> None:
        words, lang = self._window.words, self._window.words.lang
        programme = self._window.scenario.draft.scenario.programme
        with ui.row().classes("desk-tools"):
            for column, options in group_options(programme, self._labels, lang).items():
                label = upper(self._labels.column(column, lang))
                choice = ui.select({"": words("desk.all"), **options}, value="", label=label)
                choice.props(f'dense outlined options-dense data-filter="{column}"')
                choice.classes("desk-filter").on_value_change(self._filter)
                self._chosen[column] = choice

    def _passing(self) -> list[int]:
        """The counties that the filters let through."""
        counties = self._window.scenario.draft.scenario.programme.counties
        asked = {name: one.value for name, one in self._chosen.items() if one.value}
        values = {name: counties.values(name) for name in asked}
        return [
            at
            for at in range(len(counties))
            if all(value_text(values[name][at]) == value for name, value in asked.items())
        ]

    def _filter(self) -> None:
        self._rows = self._made_rows(self._window.scenario.table.read())
        rows = [row for row in self._rows.values() if row["kind"] != "total"]
        self._grid.run_grid_method("setGridOption", "rowData", rows)

    # Edits.

    def _ids(self, county: int, task: int) -> tuple[str, str]:
        programme = self._window.scenario.draft.scenario.programme
        return programme.counties.ids[county], programme.tasks.ids[task]

    def _opened(self, _: events.GenericEventArguments) -> None:
        self._editing = self._window.seen

    def _edited(self, event: events.GenericEventArguments) -> None:
        county, task = _cell(event.args["rowId"], event.args["colId"])
        text = "" if event.args["newValue"] is None else str(event.args["newValue"])
        cells = [(*self._ids(county, task), text)]
        seen = self._window.seen if self._editing is None else self._editing
        self._editing = None
        table = self._window.scenario.table
        if not self._window.attempt(lambda: table.edit(cells, seen=seen)):
            self._restore(event.args["rowId"])
        self._window.changed()

    def _restore(self, row: str) -> None:
        """Show what stands in a row, in place of what was refused."""
        self._grid.run_grid_method("applyTransaction", {"update": [self._rows[row]]})

    def _paste(self, event: events.GenericEventArguments) -> None:
        """Cell by cell from the focused one on, as rows are shown; none falls on a subtotal."""
        words, table = self._window.words, self._window.scenario.table
        tasks = len(self._window.scenario.draft.scenario.programme.tasks)
        first = _task(event.args["column"])
        cells, beside = [], 0
        for row, line in zip(event.args["rows"], event.args["lines"], strict=False):
            for at, text in enumerate(line):
                task = -1 if first is None else first + at
                if str(row)[0] == "c" and 0 <= task < tasks:
                    cells.append((*self._ids(int(row[1:]), task), str(text)))
                else:
                    beside += 1
        if self._window.attempt(lambda: table.edit(cells, seen=self._window.seen)):
            ui.notify(
                words("desk.pasted", count=len(cells))
                + (words("desk.pasted-beside", count=beside) if beside else "")
            )
        self._window.changed()

    def _step(self, step: str) -> None:
        draft, seen = self._window.scenario.draft, self._window.seen
        act = draft.undo if step == "undo" else draft.redo
        self._window.attempt(lambda: act("table", seen))
        self._window.changed()

    def _hold(self, at: dict[str, str] | None) -> None:
        """Hold a cell, or let go of it; of a county's name or total all of its cells."""
        if at is None or at["row"][0] != "c":
            self._window.say("desk.hold.none")
            return
        county, task = int(at["row"][1:]), _task(at["column"])
        table = self._window.scenario.table
        tasks = (
            range(len(self._window.scenario.draft.scenario.programme.tasks))
            if task is None
            else [task]
        )
        on = not {(county, one) for one in tasks} <= table.held
        cells = [self._ids(county, one) for one in tasks]
        self._window.attempt(lambda: table.set_held(cells, on, seen=self._window.seen))
        self._window.changed()

    async def _hold_focused(self) -> None:
        self._hold(await ui.run_javascript(f"getElement({self._grid.id}).$el.deskFocused()"))

    def _clicked(self, event: events.GenericEventArguments) -> None:
        if event.args["colId"] == "name":
            self._card(str(event.args["rowId"]))

    def _card(self, row: str) -> None:
        if row[0] == "c":
            show_county(self._window, int(row[1:]))

    # Tools.

    def _tools(self) -> None:
        words, room = self._window.words, self._window.room

        def button(key: str, act: Any, props: str = "") -> None:
            made = ui.button(words(key), on_click=act)
            made.props(f"outline no-caps dense data-id={key.partition('.')[2]} {props}")

        with ui.row().classes("desk-tools"):
            button("desk.undo", lambda: self._step("undo"), "icon=undo")
            button("desk.redo", lambda: self._step("redo"), "icon=redo")
            button("desk.hold", self._hold_focused, "icon=lock")
            button(
                "desk.mend", lambda: self._window.attempt(lambda: room.mend(self._window.scenario))
            )
            button(
                "desk.fill", lambda: self._window.attempt(lambda: room.fill(self._window.scenario))
            )
            button("desk.open-book", self._pick)
            button("desk.keep", lambda: ask_record(self._window))
        self._upload = (
            ui.upload(
                label=words("desk.drop"),
                auto_upload=True,
                max_file_size=MOST_BYTES,
                on_upload=self._dropped,
                on_rejected=lambda: self._window.attempt(_refuse_large),
            )
            .classes("desk-drop")
            .props("data-id=drop flat bordered accept=.xlsx,.csv")
        )

    def _pick(self) -> None:
        self._upload.run_method("pickFiles")

    async def _dropped(self, event: events.UploadEventArguments) -> None:
        """A table that was dropped: read from a file of its own name, which is gone afterwards."""
        content, name = await event.file.read(), Path(event.file.name).name or "table.xlsx"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            if self._window.attempt(
                lambda: self._window.scenario.table.open_file(path, seen=self._window.seen)
            ):
                self._window.say("desk.read", name=name)
        self._upload.reset()
        self._window.changed()

    # Beside the grid.

    def _beside(self, read: TableRead) -> None:
        words = self._window.words
        self._broken.clear()
        with self._broken:
            ui.label(words("desk.broken-rules") if read.broken else words("desk.all-kept")).classes(
                "desk-h" if read.broken else "desk-h good"
            )
            rules: dict[str, list[BrokenLimit]] = {}
            for limit in read.broken:
                rules.setdefault(limit.finding.rule, []).append(limit)
            for rule, limits in rules.items():
                ui.label(self._view.title(rule)).classes("desk-rule-title")
                for limit in limits[:_MOST_BROKEN]:
                    self._limit(limit)
                if more := len(limits[_MOST_BROKEN:]):
                    ui.label(words("desk.more-broken", count=more)).classes("desk-soft")
        if self._window.scenario.mended is not self._told:
            self._told = self._window.scenario.mended
            self._tell_mended()
        self._draw_map()

    def _tell_mended(self) -> None:
        """How far the mended table is, beside it; each move with its reason below."""
        words = self._window.words
        self._mended.clear()
        self._moves.clear()
        if self._told is None:
            return
        page = mend_page(self._told, words, words("desk.this-table"))
        said = takewhile(lambda part: isinstance(part, Paragraph), page.parts)
        with self._mended:
            ui.html(parts_html(Document("", tuple(said))), sanitize=False).classes("report")
        with self._moves, ui.expansion(words("desk.mended")).classes("desk-source").props("dense"):
            ui.html(parts_html(page), sanitize=False).classes("report")

    def _limit(self, limit: BrokenLimit) -> None:
        """A broken limit: where, and what against which limit; a click leads to its first cell."""
        words, finding = self._window.words, limit.finding
        where = self._view.group(finding) or words("place.whole")
        with ui.element("button").classes("desk-limit").props("type=button") as line:
            told = {"value": self._view.value(finding), "limit": self._view.limit(finding)}
            ui.label(words("desk.breach", place=where, **told)).classes("desk-bad")
        if limit.cells:
            county, task = limit.cells[0]
            line.on("click", lambda: self._lead_to(county, task))

    def _lead_to(self, county: int, task: int) -> None:
        row = f"c{county}"
        ui.run_javascript(
            f"const g = getElement({self._grid.id}).api, n = g.getRowNode('{row}');"
            f"if (n) {{ g.ensureNodeVisible(n, 'middle'); g.ensureColumnVisible('t{task}');"
            f" g.setFocusedCell(n.rowIndex, 't{task}'); }}"
        )

    def _draw_map(self) -> None:
        """The tile map of the answer that stands; drawn anew with each answer only."""
        answer = self._window.scenario.answer
        if answer is self._mapped:
            return
        self._mapped = answer
        self._map.clear()
        drawn = None if answer is None else tile_map(page_model(answer, self._window.words.lang))
        if drawn is not None:
            with self._map, ui.expansion(self._window.words("desk.map"), value=True):
                ui.html(drawn.drawing, sanitize=False).classes("desk-scroll")
                ui.label(drawn.note).classes("desk-soft")

    def _on_map(self, event: events.GenericEventArguments) -> None:
        place = (float(event.args["x"]), float(event.args["y"]))
        county = county_at(self._window.scenario.draft.scenario.programme, place)
        if county is not None:
            show_county(self._window, county)


def _row(key: str, kind: str, name: str, by_task: Sequence[Fraction | int]) -> Row:
    money = {f"t{at}": _plain(amount) for at, amount in enumerate(by_task)}
    return {"id": key, "kind": kind, "name": name, "total": _plain(sum(by_task)), **money}


def _plain(amount: Fraction | int) -> int | float:
    """Money as the grid sorts and shows it; the exact amount stays with the table."""
    return int(amount) if amount == int(amount) else float(amount)


def _task(column: str) -> int | None:
    return int(column[1:]) if column[:1] == "t" and column[1:].isdecimal() else None


def _cell(row: str, column: str) -> tuple[int, int]:
    return int(row[1:]), int(column[1:])


def _refuse_large() -> None:
    refuse("", "", f"is no table of up to {MOST_BYTES // 2**20} MB (.xlsx or .csv)")
