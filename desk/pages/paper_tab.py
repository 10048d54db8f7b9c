"""文件: the records of the folder, their files, and the papers that are made of them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from nicegui import ui

from desk.pages.window import Window
from desk.state.folder import BARRED, RecordEntry
from desk.state.jobs import Keep, MakePapers
from models.errors import refuse
from reports.word import PAPERS


class PaperTab:
    """A line for each record, with what can be had of it."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def draw(self) -> None:
        """The button that keeps what stands, and the records."""
        words = self._window.words
        with ui.row().classes("desk-tools"):
            ui.button(words("desk.keep"), on_click=lambda: ask_record(self._window)).props(
                "unelevated no-caps data-id=keep-record"
            )
        self._list = ui.element("div").classes("desk-list")
        self.refresh()

    def refresh(self) -> None:
        """Read the folder again."""
        self._list.clear()
        records = self._window.room.folder.records()
        with self._list:
            for record in records:
                self._line(record)
            if not records:
                ui.label(self._window.words("desk.no-records")).classes("desk-soft")

    def _line(self, record: RecordEntry) -> None:
        words = self._window.words
        entry = ui.element("article").classes("desk-entry")
        entry.props["data-record"] = record.name
        with entry:
            with ui.element("div").classes("desk-entry-text"):
                ui.label(record.title.of(words.lang)).classes("desk-entry-title")
                told = [
                    record.name,
                    record.created[:16].replace("T", " "),
                    record.author,
                    record.reason,
                ]
                ui.label(words("list").join(one for one in told if one)).classes("desk-soft")
                ui.label(words("fingerprint", groups=record.fingerprint)).classes("desk-soft mono")
                if record.broken:
                    ui.label(words("desk.record-broken", count=len(record.broken))).classes(
                        "desk-bad"
                    )
                self._files(record.name)
            make = ui.button(words("desk.papers.make"), on_click=lambda: self._ask(record))
            make.props("outline no-caps dense").props["data-papers"] = record.name

    def _files(self, record: str) -> None:
        """What people open of a record, and its papers in their order; each of both as a whole."""
        words, folder = self._window.words, self._window.room.folder
        held = {path.name for path in folder.files(record)}
        papers = f"{record}{_PAPERS}"
        with ui.element("div").classes("desk-files"):
            for name, key in _FILES.items():
                if name in held:
                    _link(words(key), f"/file/{quote(record)}/{name}", name)
            _link(words("desk.file.all"), f"/zip/{quote(record)}", f"{Path(record).name}.zip")
        if folder.inside(papers).is_dir():
            held = {path.name for path in folder.files(papers)}
            with ui.element("div").classes("desk-files"):
                for name in PAPERS.values():
                    if name in held:
                        path = f"/file/{quote(papers)}/{quote(name)}"
                        _link(name.removesuffix(".docx"), path, name)
                whole = f"{Path(papers).name}.zip"
                _link(words("desk.file.papers"), f"/zip/{quote(papers)}", whole)

    def _ask(self, record: RecordEntry) -> None:
        """Dates and texts, all of which may stay blank; then the papers beside the record."""
        window, words = self._window, self._window.words
        with ui.dialog(value=True) as dialog, ui.card().classes("desk-card wide"):
            ui.label(words("desk.papers.make")).classes("desk-h")
            ui.label(words("desk.papers.about")).classes("desk-soft")
            with ui.element("div").classes("desk-form"):
                dates = {
                    name: ui.input(words(_DATES[name])).props(
                        f"type=date stack-label data-id=date-{name}"
                    )
                    for name in _DATES
                }
                texts = {
                    name: ui.input(words(_TEXTS[name])).props(f"data-id=text-{name}")
                    for name in _TEXTS
                }
            with ui.row().classes("desk-ends"):
                ui.button(words("desk.cancel"), on_click=dialog.close).props("flat no-caps")
                make = ui.button(words("desk.papers.write")).props(
                    "unelevated no-caps data-id=write-papers"
                )

        def begin() -> None:
            at = window.at
            if at is None:
                return
            folder = window.room.folder
            job = MakePapers(
                folder.inside(record.name),
                folder.inside(f"{record.name}{_PAPERS}"),
                {name: str(one.value) for name, one in dates.items() if one.value},
                {name: str(one.value) for name, one in texts.items() if one.value},
            )
            if window.attempt(
                lambda: window.room.start(at, "papers", job, lambda _: window.touch())
            ):
                dialog.close()
                window.changed()

        make.on_click(begin)


def _link(text: str, path: str, name: str) -> None:
    ui.link(text, path).props["download"] = name


_DATES = {
    "approved": "desk.date.approved",
    "drafted": "desk.date.drafted",
    "decided": "desk.date.decided",
    "posted": "desk.date.posted",
    "removed": "desk.date.removed",
    "issued": "desk.date.issued",
}
"""Event of `models.deadline.EVENTS` → what its field is called."""
_TEXTS = {
    "number": "desk.text.number",
    "meeting": "desk.text.meeting",
    "account": "desk.text.account",
    "addressee": "desk.text.addressee",
    "telephone": "desk.text.telephone",
    "issuer": "desk.text.issuer",
}
"""Text of `reports.word.paper_fields.TEXTS` → what its field is called."""
_FILES = {
    "report.html": "desk.file.report",
    "workbook.xlsx": "desk.file.workbook",
    "allocation.csv": "desk.file.table",
}
_PAPERS = "-papers"
"""Papers stand beside their record, in a folder of its name with this behind it."""


def ask_record(window: Window) -> None:
    """Ask for a folder's name, an author and a reason, and keep what stands as a record."""
    words, at = window.words, window.at
    if at is None:
        return
    with ui.dialog(value=True) as dialog, ui.card().classes("desk-card"):
        ui.label(words("desk.keep")).classes("desk-h")
        stem = Path(at.name.partition("@")[0]).stem
        name = ui.input(words("desk.record.name"), value=stem).props("data-id=record-name")
        author = ui.input(words("desk.author")).props("data-id=record-author")
        reason = ui.input(words("desk.record.reason")).props("data-id=record-reason")
        with ui.row().classes("desk-ends"):
            ui.button(words("desk.cancel"), on_click=dialog.close).props("flat no-caps")
            make = ui.button(words("desk.keep.now")).props("unelevated no-caps data-id=keep-now")

    def keep() -> None:
        told = {"author": str(author.value or ""), "reason": str(reason.value or "")}
        if window.attempt(lambda: _keep(window, str(name.value or "").strip(), told)):
            dialog.close()
            window.changed()

    make.on_click(keep)


def _keep(window: Window, name: str, told: dict[str, str]) -> None:
    at, room, words = window.at, window.room, window.words
    if at is None or not name:
        refuse("", "", "a record needs a name")
    if name.startswith(".") or set(name) & set(BARRED):
        refuse(name, "", "can be no name of a file: letters, digits, - and _")
    path = room.folder.inside(name)
    scenario, table = at.draft.scenario, at.table.allocation
    job = Keep(scenario, table, at.answer, path, lang=words.lang, **told)
    room.start(at, "keep", job, lambda _: window.touch("desk.kept", name=name))
