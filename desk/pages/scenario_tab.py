"""情景: what the folder holds, a new scenario from one of them, the few that are compared."""

from __future__ import annotations

from nicegui import ui

from desk.pages.window import Window
from desk.state.folder import ScenarioEntry
from desk.state.rule_edits import describe


class ScenarioTab:
    """The scenarios of the folder, a line each."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def draw(self) -> None:
        """The list, and the form of a new one."""
        words = self._window.words
        with ui.row().classes("desk-tools"):
            ui.button(words("desk.new"), on_click=self._ask_new).props(
                "unelevated no-caps data-id=new"
            )
            self._own = ui.switch(words("desk.own-only"), on_change=self.refresh).props("dense")
        self._list = ui.element("div").classes("desk-list")
        self.refresh()

    def refresh(self) -> None:
        """Read the folder again."""
        self._list.clear()
        self._entries = self._window.room.folder.scenarios()
        shown = [one for one in self._entries if one.own or not self._own.value]
        with self._list:
            for entry in shown:
                self._line(entry)
            if not shown:
                ui.label(self._window.words("desk.none-yet")).classes("desk-soft")

    def _line(self, entry: ScenarioEntry) -> None:
        words, window = self._window.words, self._window
        opened = window.at is not None and window.at.name == entry.name
        with ui.element("article").classes("desk-entry" + (" open" if opened else "")):
            pin = ui.checkbox(value=entry.pinned).props("dense")
            pin.props["data-pin"] = entry.name
            pin.tooltip(words("desk.pin"))
            pin.on_value_change(lambda e, name=entry.name: self._pin(name, bool(e.value)))
            with ui.element("div").classes("desk-entry-text"):
                title = entry.title.of(words.lang)
                ui.label(title).classes("desk-entry-title")
                about = [words("desk.base", base=entry.base)] if _is_told(entry) else []
                about += [words("desk.by", author=entry.author)] if entry.author else []
                about += [entry.note.of(words.lang)] if entry.note.of(words.lang) else []
                about += [words.problem(one) for one in entry.problems]
                ui.label(words("list").join([entry.name, *about])).classes(
                    "desk-bad" if entry.problems else "desk-soft"
                )
            if opened and entry.own:
                ui.button(icon="edit", on_click=lambda: self._describe(entry)).props(
                    f'flat dense data-id=describe aria-label="{words("desk.describe")}"'
                )
            if not entry.problems:
                button = ui.button(words("desk.open"))
                button.on_click(lambda _, name=entry.name: window.open(name))
                button.props("outline no-caps dense").props["data-open"] = entry.name

    def _describe(self, entry: ScenarioEntry) -> None:
        """What the scenario that is open is called, what is said of it, and who made it."""
        words, window = self._window.words, self._window
        spec = window.scenario.draft.scenario.spec
        with ui.dialog(value=True) as dialog, ui.card().classes("desk-card"):
            ui.label(words("desk.describe")).classes("desk-h")
            title = ui.input(words("desk.name"), value=spec.title.of(words.lang))
            note = ui.input(words("desk.note"), value=entry.note.of(words.lang))
            note.props("data-id=describe-note")
            author = ui.input(words("desk.author"), value=entry.author)
            with ui.row().classes("desk-ends"):
                ui.button(words("desk.cancel"), on_click=dialog.close).props("flat no-caps")
                make = ui.button(words("desk.save")).props(
                    "unelevated no-caps data-id=describe-now"
                )

        def tell() -> None:
            draft = window.scenario.draft
            told = {"title": title.value, "note": note.value, "author": author.value}
            if window.attempt(lambda: describe(draft, **told, seen=window.seen)) and window.attempt(
                lambda: draft.save(seen=window.seen)
            ):
                dialog.close()
                window.open(window.scenario.name, "scenarios")

        make.on_click(tell)

    def _pin(self, name: str, on: bool) -> None:
        pinned = [one.name for one in self._entries if one.pinned and one.name != name]
        names = (*pinned, name) if on else tuple(pinned)
        self._window.attempt(lambda: self._window.room.folder.pin(names))
        self.refresh()

    def _ask_new(self) -> None:
        words, window = self._window.words, self._window
        bases = {
            one.name: f"{one.title.of(words.lang)} ({one.name})"
            for one in self._entries
            if not one.problems
        }
        now = window.at.name if window.at else next(iter(bases), None)
        with ui.dialog(value=True) as dialog, ui.card().classes("desk-card"):
            ui.label(words("desk.new")).classes("desk-h")
            base = ui.select(bases, value=now, label=words("desk.from")).props("data-id=new-base")
            title = ui.input(words("desk.name")).props("autofocus data-id=new-title")
            note = ui.input(words("desk.note")).props("data-id=new-note")
            author = ui.input(words("desk.author")).props("data-id=new-author")

            def make() -> None:
                name = str(title.value or "").strip()
                given = {"title": name, "note": note.value or "", "author": author.value or ""}
                made: list[str] = []
                if window.attempt(
                    lambda: made.append(window.room.folder.new(str(base.value), name, **given).name)
                ):
                    dialog.close()
                    window.open(made[0])

            title.on("keydown.enter", make)
            with ui.row().classes("desk-ends"):
                ui.button(words("desk.cancel"), on_click=dialog.close).props("flat no-caps")
                ui.button(words("desk.make"), on_click=make).props(
                    "unelevated no-caps data-id=make"
                )


def _is_told(entry: ScenarioEntry) -> bool:
    """Whether its base says more than its own name does."""
    return bool(entry.base) and not entry.name.startswith(f"{entry.base}@")
