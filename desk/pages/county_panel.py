"""The card of a county: four sentences, its range, 100 more, against a neighbour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from nicegui import ui

from desk.pages.window import Window
from desk.room import OpenScenario
from desk.state.jobs import Explain, GiveMore
from models.errors import AllotError, refuse
from models.solution import Solution
from optimizer.sensitivity.explain import Explanation
from optimizer.sensitivity.more_money import MoreMoney
from optimizer.sensitivity.near_optimal import Range
from reports.document import Document
from reports.documents.explanation import county_sentences, explanation_page
from reports.documents.more_asked import more_parts
from reports.html.html_document import parts_html
from reports.numbers import plain
from reports.svg import Span, span_bars

_MORE = "100"
"""How much more the button asks for, in the programme's money units."""


def show_county(window: Window, county: int) -> None:
    """Open the card of a county, of the answer that stands."""
    at = window.at
    if at is not None and window.attempt(lambda: _refuse_unsolved(at)) and at.answer is not None:
        _CountyDialog(window, county, at.answer).show()


def _refuse_unsolved(at: OpenScenario) -> None:
    if at.answer is None:
        refuse("", "", "solve the scenario first: the card is of an answer")


class _CountyDialog:
    """One card; what it says is worked out in another process, and comes when it is there."""

    def __init__(self, window: Window, county: int, answer: Solution) -> None:
        self._window, self._county, self._answer = window, county, answer
        counties = answer.scenario.programme.counties
        self._codes, self._names = counties.ids, counties.names(window.words.lang)

    def show(self) -> None:
        """Open it."""
        words, name = self._window.words, self._names[self._county]
        others = {at: other for at, other in enumerate(self._names) if at != self._county}
        with (
            ui.dialog(value=True) as dialog,
            ui.card().classes("desk-card wide").props("data-id=card"),
        ):
            with ui.row().classes("desk-card-head"):
                ui.label(name).classes("desk-h")
                close = ui.button(icon="close", on_click=dialog.close)
                close.props(f'flat dense round aria-label="{words("desk.close")}"')
            self._said = ui.element("div").props("data-id=card-said aria-live=polite")
            with ui.row().classes("desk-tools"):
                money = self._answer.scenario.programme.file.money.of(words.lang)
                self._more = ui.button(words("desk.more-money", more=_MORE, money=money))
                self._more.props("outline no-caps dense data-id=more-money").on_click(
                    self._ask_more
                )
                against = ui.select(others, label=words("desk.against"), with_input=True)
                against.props("dense outlined clearable data-id=against").classes("desk-filter")
                against.on_value_change(lambda event: self._ask(event.value))
            self._asked = ui.element("div").classes("report").props("data-id=more-said")
        dialog.on("hide", dialog.delete)
        self._ask(None)

    def _ask(self, against: int | None) -> None:
        other = None if against is None else self._codes[against]
        job = Explain(self._answer, self._codes[self._county], other)
        self._wait(self._said)
        self._begin(job, self._said, self._tell)

    def _ask_more(self) -> None:
        self._wait(self._asked)
        job = GiveMore(self._answer, self._codes[self._county], _MORE)
        self._begin(job, self._asked, self._tell_more)

    def _wait(self, place: ui.element) -> None:
        place.clear()
        with place:
            ui.label(self._window.words("desk.wait")).classes("desk-soft")

    def _begin(self, job: Any, place: ui.element, tell: Callable[[Any], None]) -> None:
        """Ask, and tell in a place what came; nowhere, where the card was closed meanwhile."""

        def then(found: Any) -> None:
            if not place.is_deleted:
                place.clear()
                with place:
                    tell(found)

        def failed(error: AllotError) -> None:
            if not place.is_deleted:
                place.clear()
                with place:
                    self._window.tell(error)

        self._window.room.ask(job, then, failed)

    def _tell(self, said: Explanation) -> None:
        words = self._window.words
        for text in county_sentences(said, words):
            ui.label(text).classes("desk-sentence")
        if said.near is not None:
            ui.html(self._bar(said.near), sanitize=False).classes("report desk-bar")
        with ui.expansion(words("desk.card.more")).classes("desk-source").props("dense"):
            page = explanation_page(said, words, self._answer)
            ui.html(parts_html(page), sanitize=False).classes("report")

    def _bar(self, near: Range) -> str:
        """From the least to the most that the county may have near the best, and where it is."""
        words, name = self._window.words, self._names[self._county]
        low, high = near.low, near.high
        text = words("desk.range", low=plain(round(low)), high=plain(round(high)))
        now = float(sum(self._answer.allocation.amounts[self._county].tolist()))
        span = Span(name, text, low, high, now, near.inner)
        return span_bars(words("desk.range-title"), text, [span]).svg

    def _tell_more(self, found: MoreMoney) -> None:
        made: Markup = parts_html(Document("", tuple(more_parts(found, self._window.words))))
        ui.html(made, sanitize=False)
