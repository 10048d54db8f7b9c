"""规则: every rule as its sentence, with its source, its switch and its numbers."""

from __future__ import annotations

from nicegui import ui

from desk.pages.rule_dialog import ask_rule
from desk.pages.window import Window
from desk.room import OpenScenario
from desk.state import rule_edits
from desk.state.rule_lines import DeskRule, RuleField, rule_lines
from models.exact import exact_text
from models.metadata import read_labels
from models.scenario import Scenario
from reports.documents.price_list import PriceWords
from reports.numbers import plain
from reports.view.rule_view import BASIS, RuleView


class RuleTab:
    """The rules of one scenario; a line is drawn again where it changed, and only there."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._shown: dict[str, DeskRule] = {}
        self._boxes: dict[str, ui.element] = {}
        self._weighed: list[tuple[str, str, str]] | None = None

    def draw(self) -> None:
        """Budget and weights, then a card for each rule."""
        words = self._window.words
        with ui.row().classes("desk-tools"):
            ui.button(words("desk.add-rule"), on_click=lambda: ask_rule(self._window)).props(
                "outline no-caps data-id=add-rule"
            )
            ui.button(icon="undo", on_click=lambda: self._step("undo")).props(
                f'flat dense data-id=undo-rule aria-label="{words("desk.undo")}"'
            )
            ui.button(icon="redo", on_click=lambda: self._step("redo")).props(
                f'flat dense aria-label="{words("desk.redo")}"'
            )
            ui.button(words("desk.save"), on_click=self._save).props(
                "outline no-caps data-id=save-rules"
            )
        self._weights = ui.element("div").classes("desk-weights")
        self._list = ui.element("div").classes("desk-rules")
        self.refresh()

    def refresh(self) -> None:
        """Draw again what changed."""
        at = self._window.at
        if at is None:
            return
        self._draw_weights()
        lines = rule_lines(at.draft)
        if [one.id for one in lines] != [*self._shown]:
            self._list.clear()
            with self._list:
                self._boxes = {one.id: ui.element("article").classes("desk-rule") for one in lines}
            self._shown = {}
        for line in lines:
            if self._shown.get(line.id) != line:
                box = self._boxes[line.id]
                box.clear()
                with box:
                    self._line(line)
        self._shown = {one.id: one for one in lines}

    def _line(self, line: DeskRule) -> None:
        box = self._boxes[line.id]
        box.props(f'data-rule="{line.id}"')
        box.classes(add="off" if not line.enabled else "", remove="off" if line.enabled else "")
        box.classes(add="changed" if line.changed else "", remove="" if line.changed else "changed")
        with ui.element("div").classes("desk-rule-text"):
            self._said(line)
        with ui.element("div").classes("desk-rule-numbers"):
            for field in line.fields:
                self._number(line, field)
            if price := self._prices().get(line.id):
                ui.label(price).classes("desk-price")

    def _said(self, line: DeskRule) -> None:
        """Its switch, title and marks, its sentence, and where it is from."""
        words, lang = self._window.words, self._window.words.lang
        with ui.element("div").classes("desk-rule-head"):
            if line.can_switch:
                ui.switch(
                    value=line.enabled, on_change=lambda e: self._switch(line, bool(e.value))
                ).props(f'dense aria-label="{line.title.of(lang)}"')
            ui.label(line.title.of(lang)).classes("desk-rule-title")
            if line.grounds is not None:
                ui.label(words(BASIS[line.grounds.basis])).classes("desk-chip")
            if line.mark.of(lang) and line.grounds and line.grounds.clause:
                ui.label(line.mark.of(lang)).classes("desk-chip warn")
            if line.changed:
                ui.label(words("desk.changed")).classes("desk-chip this")
        ui.label(line.sentence.of(lang)).classes("desk-sentence")
        self._source(line)

    def _source(self, line: DeskRule) -> None:
        words, lang = self._window.words, self._window.words.lang
        clause = line.grounds.clause if line.grounds else None
        source = [f"{clause.document} {clause.article}".strip()] if clause else []
        source += [text for text in (line.source.of(lang), line.reason.of(lang)) if text]
        if source:
            with ui.expansion(words("desk.source")).classes("desk-source").props("dense"):
                for text in source:
                    ui.label(text)

    def _number(self, line: DeskRule, field: RuleField) -> None:
        lang = self._window.words.lang
        shown = field.text
        key = f"{line.id}:{field.path}"
        with ui.element("div").classes("desk-number"):
            entry = (
                ui.input(value=shown)
                .props(
                    f'dense outlined data-number="{key}" inputmode=decimal '
                    f'aria-label="{line.title.of(lang)}"'
                )
                .classes("desk-entry-number")
            )
            entry.on("change", lambda: self._set(line, field, entry.value))
            said = self._window.words("desk.margin") if field.path == "margin" else ""
            ui.label(f"{field.unit.of(lang)}{said}").classes("desk-soft desk-unit")
            if field.low < field.high:
                low, high, step = (float(x) for x in (field.low, field.high, field.step))
                slider = ui.slider(min=low, max=high, step=step, value=float(field.value))
                slider.props(f'data-slider="{key}" aria-label="{line.title.of(lang)}"')
                slider.classes("desk-slider")
                slider.on("change", lambda e: self._set(line, field, e.args), args=[None])
                ui.label(f"{plain(field.low)}–{plain(field.high)}").classes("desk-soft")

    def _prices(self) -> dict[str, str]:
        """Rule → what a step of its number is worth, in the answer that stands."""
        at, words = self._window.at, self._window.words
        if at is None or at.answer is None:
            return {}
        scenario = at.answer.scenario
        texts = PriceWords(RuleView(scenario, read_labels(scenario.programme), words))
        return {one.rule: texts.sentence(one) for one in at.answer.prices if one.points}

    def _set(self, line: DeskRule, field: RuleField, text: object) -> None:
        at, seen = self._standing, self._window.seen
        done = self._window.attempt(
            lambda: rule_edits.set_number(at.draft, line.id, field.path, str(text), seen=seen)
        )
        self._after(done, line.id)

    def _switch(self, line: DeskRule, on: bool) -> None:
        at, seen = self._standing, self._window.seen
        done = self._window.attempt(lambda: rule_edits.switch(at.draft, line.id, on, seen=seen))
        self._after(done, line.id)

    def _after(self, done: bool, line: str = "") -> None:
        """Show what stands now: after a refusal the old number again."""
        if not done:
            self._shown.pop(line, None)
            self.refresh()
            return
        self._window.changed()
        self._window.strip.after_change()

    def _step(self, way: str) -> None:
        at, seen = self._standing, self._window.seen
        move = at.draft.undo if way == "undo" else at.draft.redo
        self._after(self._window.attempt(lambda: move("rules", seen)))

    def _save(self) -> None:
        at = self._standing
        if self._window.attempt(lambda: at.draft.save(seen=self._window.seen)):
            self._window.say("desk.saved", name=at.name)

    def _draw_weights(self) -> None:
        at, words = self._standing, self._window.words
        weights = _weights(at.draft.scenario, words.lang)
        if weights == self._weighed:
            return
        self._weighed = weights
        self._weights.clear()
        with self._weights:
            ui.label(words("desk.weights")).classes("desk-rule-title")
            for metric, title, weight in weights:
                entry = ui.input(title, value=weight).props(
                    f'dense outlined data-weight="{metric}" inputmode=decimal'
                )
                entry.classes("desk-entry-number")
                entry.on("change", lambda _, m=metric, e=entry: self._weigh(m, e.value))

    def _weigh(self, metric: str, text: object) -> None:
        at, seen = self._standing, self._window.seen
        done = self._window.attempt(
            lambda: rule_edits.set_weight(at.draft, metric, str(text), seen=seen)
        )
        self._weighed = None
        self._after(done)

    @property
    def _standing(self) -> OpenScenario:
        assert self._window.at is not None  # The tab is shown of an open scenario only.
        return self._window.at


def _weights(scenario: Scenario, lang: str) -> list[tuple[str, str, str]]:
    """(metric, its title, what it weighs); none where the objective is a list of aims."""
    given = scenario.spec.objective.weights
    titles = {one.id: one.title.of(lang) for one in scenario.programme.file.metrics}
    return [(name, titles[name], exact_text(weight)) for name, weight in given.items()]
