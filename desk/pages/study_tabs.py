"""比较 and 不确定性: work that takes a while, and whose page stands in a frame."""

from __future__ import annotations

import secrets
from typing import Any

from nicegui import ui

from desk.pages.window import TABS, Window
from desk.room import OpenScenario
from desk.state.jobs import Compare, Draw
from models.errors import refuse
from models.scenario import Scenario
from models.solution import Solution
from reports.documents.uncertainty_page import uncertainty_page
from reports.html.comparison_page import compare_html
from reports.html.html_document import document_html


class FrameTab:
    """A button that begins, and the page that comes of it."""

    key = ""
    """Of the tab, and of the work that it begins."""
    begin, about = "", ""
    """What the button says, and what stands beside it."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def draw(self) -> None:
        """The button, and where the page will stand."""
        words = self._window.words
        with ui.row().classes("desk-tools"):
            self._begin = ui.button(words(self.begin), on_click=self._start)
            self._begin.props(f"unelevated no-caps data-id=begin-{self.key}")
            ui.label(words(self.about)).classes("desk-soft")
        self._frame = ui.element("div").classes("desk-frame")

    def refresh(self) -> None:
        """The page stays as it was made, until it is asked for anew."""

    def _start(self) -> None:
        window, at = self._window, self._window.at
        if at is None:
            return
        if window.attempt(lambda: window.room.start(at, self.key, self._job(), self._show)):
            self._begin.props("loading")
            window.changed()

    def _job(self) -> Any:
        raise NotImplementedError

    def _page(self, found: Any) -> bytes:
        raise NotImplementedError

    def _show(self, found: Any) -> None:
        if self._frame.is_deleted:
            return
        self._begin.props(remove="loading")
        key = secrets.token_urlsafe(12)
        self._window.room.pages[key] = self._page(found)
        self._frame.clear()
        with self._frame:
            title = self._window.words(TABS[self.key])
            ui.element("iframe").props(
                f'src="/made/{key}" title="{title}" data-id=frame-{self.key}'
            )


class CompareTab(FrameTab):
    """The pinned scenarios side by side."""

    key = "compare"
    begin, about = "desk.compare.begin", "desk.compare.about"

    def _job(self) -> Compare:
        room = self._window.room
        pinned = room.folder.pinned
        if len(pinned) < 2:
            refuse("", "", "pin two scenarios or more on the first tab to see them side by side")
        return Compare(tuple(_column(room.standing(name)) for name in pinned))

    def _page(self, found: Any) -> bytes:
        return compare_html(found, self._window.words.lang)


class UncertaintyTab(FrameTab):
    """The answer that stands under drawn assumptions."""

    key = "uncertainty"
    begin, about = "desk.uncertainty.begin", "desk.uncertainty.about"

    def _job(self) -> Draw:
        at = self._window.at
        if at is None or at.answer is None:
            refuse("", "", "solve the scenario first: it is the answer that is drawn about")
        return Draw(at.answer)

    def _page(self, found: Any) -> bytes:
        return document_html(uncertainty_page(found, self._window.words), self._window.words)


def _column(at: OpenScenario) -> Scenario | Solution:
    """The answer of a scenario where it stands, else the scenario, which is solved then."""
    fresh = at.answer is not None and at.solved is at.draft.scenario
    return at.answer if fresh and at.answer is not None else at.draft.scenario
