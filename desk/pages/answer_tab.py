"""测算结果: how good the answer is, what changed since the last, what would have to give way."""

from __future__ import annotations

from nicegui import run, ui

from desk.pages.texts import error_lines
from desk.pages.window import Window
from desk.room import OpenScenario
from desk.state import rule_edits
from models.metadata import read_labels
from models.remedies import Change, change_text
from models.solution import Solution
from optimizer.infeasibility.diagnose import Diagnosis
from reports.catalogue import Words
from reports.document import Document
from reports.documents.diagnosis import diagnosis_page
from reports.documents.solution_page import solution_page
from reports.html.html_document import parts_html
from reports.view.mover_table import moved_since
from reports.view.page_model import page_model


class AnswerTab:
    """The last answer of the scenario, or the diagnosis of one that has none."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._drawn: object = None

    def draw(self) -> None:
        """The place of both."""
        self._box = ui.element("div").classes("desk-answer")
        self.refresh()

    def refresh(self) -> None:
        """Draw what stands now, unless it is drawn already."""
        at = self._window.at
        if at is None:
            return
        now = (id(at.answer), id(at.before), id(at.diagnosis), id(at.error))
        if now == self._drawn:
            return
        self._drawn = now
        self._box.clear()
        with self._box:
            if at.error is not None:
                self._failed(at, at.error)
            elif at.answer is None:
                ui.label(self._window.words("desk.unsolved-long")).classes("desk-soft")
            else:
                self._answered(at.answer, at.before)

    def _failed(self, at: OpenScenario, error: BaseException) -> None:
        words = self._window.words
        for text in error_lines(error, words):
            ui.label(text).classes("desk-alarm").props("role=alert")
        if at.diagnosis is None:
            return
        self._remedies(at, at.diagnosis)
        page = diagnosis_page(at.diagnosis, words)
        with ui.expansion(words("desk.why-impossible")).classes("desk-source").props("dense"):
            ui.html(parts_html(page), sanitize=False).classes("report")

    def _remedies(self, at: OpenScenario, found: Diagnosis) -> None:
        """A button for each change that is enough alone, and one for those that are together."""
        words = self._window.words
        ways: list[tuple[Change, ...]] = [(one,) for one in found.alone]
        if found.combined and found.combined not in ways:
            ways.append(found.combined)
        labels = read_labels(found.scenario.programme)
        with ui.element("div").classes("desk-remedies"):
            if ways:
                ui.label(words("desk.remedies")).classes("desk-h")
            for number, way in enumerate(ways):
                texts = [change_text(found.scenario, one, labels).of(words.lang) for one in way]
                with ui.element("div").classes("desk-remedy"):
                    button = ui.button(words("desk.apply"))
                    button.props(f"unelevated no-caps dense data-remedy={number}")
                    button.on_click(lambda _, way=way: self._apply(at, way))
                    button.set_enabled(all(map(rule_edits.can_apply, way)))
                    ui.label(words("list").join(texts))

    def _apply(self, at: OpenScenario, way: tuple[Change, ...]) -> None:
        window = self._window
        if window.attempt(lambda: rule_edits.apply_remedy(at.draft, way, seen=window.seen)):
            window.changed()
            window.attempt(lambda: window.room.solve(at))

    def _answered(self, answer: Solution, before: Solution | None) -> None:
        words = self._window.words
        page = solution_page(answer, words)
        since = ui.html(sanitize=False).classes("report").props("data-id=since")
        ui.html(parts_html(page), sanitize=False).classes("report").props("data-id=answer")
        if before is not None:
            ui.timer(0, lambda: self._since(since, answer, before), once=True)

    async def _since(self, place: ui.html, answer: Solution, before: Solution) -> None:
        """Who gains and who loses against the last answer, each with its reason; it takes a while,
        so the answer is shown first."""
        made = await run.io_bound(_since_html, answer, before, self._window.words)
        if not place.is_deleted:
            place.content = made


def _since_html(answer: Solution, before: Solution, words: Words) -> str:
    grid = moved_since(page_model(answer, words.lang), words("desk.last-answer"), before.allocation)
    return parts_html(Document("", (grid,) if grid.lines else ()))
