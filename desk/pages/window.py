"""One window: its head, the line that says how the scenario stands, and the tabs below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

from nicegui import ui

from desk.pages.texts import error_lines, figures, standing_text
from desk.room import Desk, OpenScenario
from models.errors import AllotError
from reports.catalogue import LANGUAGES, Words
from reports.view.remarks import progress

_TICK = 0.15
"""Seconds between two looks at what other windows and processes did."""


TABS = {
    "scenarios": "desk.tab.scenarios",
    "rules": "desk.tab.rules",
    "answer": "desk.tab.answer",
    "table": "desk.tab.table",
    "compare": "desk.tab.compare",
    "uncertainty": "desk.tab.uncertainty",
    "papers": "desk.tab.papers",
}
"""Tab → what it is called; in their order."""
_WORK = {
    "solve": "desk.work.solve",
    "prove": "desk.work.prove",
    "mend": "desk.work.mend",
    "fill": "desk.work.fill",
    "diagnose": "desk.work.diagnose",
    "compare": "desk.work.compare",
    "uncertainty": "desk.work.uncertainty",
    "keep": "desk.work.keep",
    "papers": "desk.work.papers",
}
_LANGUAGES = {"zh": "中文", "en": "English"}
"""Each by its own name."""
_LONG = 80
"""Letters that are read while a message stands."""


class Tab(Protocol):
    """One tab of a window; drawn when it is first looked at."""

    def draw(self) -> None:
        """Put its elements where the window stands now."""

    def refresh(self) -> None:
        """Show what has changed."""


class Window:
    """What one browser window looks at."""

    def __init__(self, room: Desk, words: Words, asked: tuple[str, str]) -> None:
        """`asked`: name of the scenario, and the tab, as the address has them."""
        self.room, self.words = room, words
        self._client = ui.context.client
        self.at: OpenScenario | None = None
        self.seen = 0
        self.tab = asked[1]
        self._shown = (-1, -1)
        self._tabs: dict[str, Tab] = {}
        self._drawn: dict[str, ui.element] = {}
        self._stale: set[str] = set()
        self._begin(asked[0])

    def _begin(self, name: str) -> None:
        try:
            self.at = self.room.standing(name) if name else None
        except AllotError as error:
            self._first_error: AllotError | None = error
        else:
            self._first_error = None
        self.seen = self.at.draft.version if self.at else 0

    @property
    def scenario(self) -> OpenScenario:
        """The scenario that is looked at; there is one wherever a tab of it is shown."""
        assert self.at is not None
        return self.at

    def draw(self, tabs: dict[str, Tab]) -> None:
        """The whole window; `tabs` by their names, in their order."""
        self._tabs = tabs
        if self.tab not in tabs or self.at is None:
            self.tab = next(iter(tabs))
        self._head()
        self.strip = Strip(self)
        with ui.element("main").classes("desk-main"):
            for name in tabs:
                self._drawn[name] = (
                    ui.element("section").classes("desk-tab").props(f"data-id=tab-{name}")
                )
                self._drawn[name].visible = False
        self._stale = set(tabs)
        self.show(self.tab)
        ui.timer(_TICK, self._tick)
        if self._first_error is not None:
            self.tell(self._first_error)

    def _head(self) -> None:
        words = self.words
        with ui.element("header").classes("desk-head"):
            ui.label(words("desk.title")).classes("desk-name")
            if self.at is not None:
                title = self.at.draft.scenario.spec.title.of(words.lang)
                ui.label(title).classes("desk-scenario")
            other = next(lang for lang in LANGUAGES if lang != words.lang)
            with ui.element("nav").classes("desk-links"):
                invite = ui.button(words("desk.invite"), on_click=self._invite)
                invite.props("flat dense no-caps")
                self._language = ui.link(_LANGUAGES[other], f"/{other}")
        self._bar = ui.tabs(on_change=lambda e: self.show(str(e.value))).classes("desk-tabs")
        self._bar.props("dense no-caps inline-label outside-arrows mobile-arrows align=left")
        with self._bar:
            for name in self._tabs:
                ui.tab(name, words(TABS[name])).props(f"data-id=to-{name}")

    def _invite(self) -> None:
        """An address for another browser of this machine, to be copied."""
        if self.room.invite is None:
            return
        with ui.dialog(value=True), ui.card().classes("desk-card"):
            ui.label(self.words("desk.invite.about"))
            ui.input(value=self.room.invite()).props("readonly outlined dense data-id=invite")

    def show(self, name: str) -> None:
        """Bring a tab to the front."""
        if self.at is None:
            name = next(iter(self._tabs))
        self.tab = name
        self._bar.value = name
        for one, section in self._drawn.items():
            section.visible = one == name
        if name in self._stale:
            self._stale.discard(name)
            section = self._drawn[name]
            if not section.default_slot.children:
                with section:
                    self._tabs[name].draw()
            else:
                self._tabs[name].refresh()
        self._address()

    def _address(self) -> None:
        """The address says what is looked at, so that a reload shows it again."""
        where = _where(self.at.name, self.tab) if self.at else ""
        ui.navigate.history.replace(f"/{self.words.lang}{where}")
        other = next(lang for lang in LANGUAGES if lang != self.words.lang)
        self._language.props["href"] = f"/{other}{where}"

    def open(self, name: str, tab: str = "rules") -> None:
        """Look at another scenario."""
        if self.attempt(lambda: self.room.standing(name)):
            ui.navigate.to(f"/{self.words.lang}{_where(name, tab)}")

    def attempt(self, act: Callable[[], Any]) -> bool:
        """Do something that may be refused, which is then said in words; whether it was done."""
        try:
            act()
        except (AllotError, OSError) as error:
            self.tell(error)
            return False
        if self.at is not None:
            self.seen = self.at.draft.version
        return True

    def tell(self, error: BaseException) -> None:
        """Say what went wrong; long texts stay until they are closed."""
        text = "\n".join(error_lines(error, self.words))
        self._notify(text, "negative", 0 if len(text) > _LONG else 8000)

    def say(self, key: str, **values: object) -> None:
        """A short message."""
        self._notify(self.words(key, **values), "positive", 4000)

    def _notify(self, text: str, kind: Literal["positive", "negative"], milliseconds: int) -> None:
        """Also from work that was begun here and ends when the window is closed already."""
        if self._client.is_deleted:
            return
        with self._client:
            ui.notify(
                text,
                type=kind,
                timeout=milliseconds,
                multi_line="\n" in text,
                close_button=self.words("desk.close") if kind == "negative" else False,
            )

    def touch(self, key: str = "", **values: object) -> None:
        """Show all of it again, with a word on what came."""
        self._shown = (-2, -2)
        self._stale = set(self._tabs)
        if key:
            self.say(key, **values)

    def changed(self) -> None:
        """Show at once what this window itself changed."""
        self._tick(own=True)

    def _tick(self, own: bool = False) -> None:
        if self.at is None:
            return
        self.strip.refresh()
        now = (self.at.serial, self.at.draft.version)
        if now == self._shown:
            return
        first, self._shown = self._shown == (-1, -1), now
        if not own and not first and self.at.draft.version not in (self.seen, self.at.put):
            self._tell_others()
        self.seen = self.at.draft.version
        self._stale = set(self._tabs) - {self.tab}
        if not first:
            self._tabs[self.tab].refresh()

    def _tell_others(self) -> None:
        """Another window changed the scenario that is looked at."""
        self.say("desk.changed-elsewhere")


def _where(name: str, tab: str) -> str:
    """What an address says of the scenario and the tab that are looked at."""
    return "?" + urlencode({"s": name, "tab": tab})


class Strip:
    """How the scenario stands, in a line, with what starts and stops the work on it."""

    def __init__(self, window: Window) -> None:
        self._window = window
        words = window.words
        with ui.element("div").classes("desk-strip") as strip:
            self._solve = ui.button(words("desk.solve"), on_click=lambda: self._begin()).props(
                "unelevated no-caps data-id=solve"
            )
            self._prove = ui.button(words("desk.prove"), on_click=lambda: self._begin(False))
            self._prove.props("outline no-caps data-id=prove").tooltip(words("desk.prove.about"))
            self._stop = ui.button(words("desk.stop"), on_click=self._end).props(
                "outline no-caps data-id=stop"
            )
            self._auto = ui.switch(words("desk.auto")).props("dense data-id=auto")
            self._status = ui.label().classes("desk-status").props("data-id=status role=status")
            self._figures = ui.html(sanitize=False).classes("desk-figures")
        strip.visible = window.at is not None
        self._last: tuple[object, ...] = ()
        self.refresh()

    def _begin(self, soon: bool = True) -> None:
        at = self._window.at
        if at is not None and self._window.attempt(lambda: self._window.room.solve(at, soon)):
            self.refresh()

    def _end(self) -> None:
        if self._window.at is not None:
            self._window.room.stop(self._window.at)

    def after_change(self) -> None:
        """A rule was changed: solve again where that is asked for."""
        if self._auto.value:
            self._begin()

    def refresh(self) -> None:
        """Show how it stands now."""
        at, words = self._window.at, self._window.words
        if at is None:
            return
        self._stop.visible = bool(at.work)
        step = at.running.progress() if at.running is not None else None
        if at.work:
            said = words(_WORK[at.work])
            self._status.text = progress(step, words) if step and step.stage else said
        else:
            self._status.text = standing_text(at, words)
        now = (at.serial, at.draft.version)
        if now != self._last:
            self._last = now
            self._figures.content = figures(at, words)
