"""约束: every rule as its sentence, with its source, its switch and its numbers."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from desk.pages.rule_box import Edit, RuleBox
from desk.pages.rule_dialog import ask_rule
from desk.pages.window import Window
from desk.state import rule_edits
from desk.state.rule_lines import rule_lines
from models.exact import exact_text
from models.metadata import read_labels
from models.scenario import Scenario
from reports.documents.price_list import PriceWords
from reports.view.rule_view import RuleView


class RuleTab:
    """The rules of one scenario, and what they weigh."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._boxes: dict[str, RuleBox] = {}
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
        if self._window.scenario.draft.torn:
            ui.label(words("desk.torn")).classes("desk-sentence")
        self._weights = ui.element("div").classes("desk-weights")
        self._list = ui.element("div").classes("desk-rules")
        self.refresh()

    def refresh(self) -> None:
        """Bring up to date what is shown; drawn anew where rules came or went."""
        self._draw_weights()
        lines, prices = rule_lines(self._window.scenario.draft), self._prices()
        if [one.id for one in lines] != [*self._boxes]:
            self._list.clear()
            with self._list:
                self._boxes = {one.id: RuleBox(self._window, self._edit) for one in lines}
        for line in lines:
            self._boxes[line.id].show(line, prices.get(line.id, ""))

    def _prices(self) -> dict[str, str]:
        """Rule → what a step of its number is worth, in the answer that stands."""
        at, words = self._window.scenario, self._window.words
        if at.answer is None:
            return {}
        scenario = at.answer.scenario
        texts = PriceWords(RuleView(scenario, read_labels(scenario.programme), words))
        return {one.rule: texts.sentence(one) for one in at.answer.prices if one.points}

    def _edit(self, change: Edit) -> None:
        """Make a change and show what stands then: after a refusal the old numbers again."""
        if self._window.attempt(lambda: change(self._window.seen)):
            self._window.changed()
            self._window.strip.after_change()
            return
        for box in self._boxes.values():
            box.refuse()
        self.refresh()

    def _step(self, way: str) -> None:
        draft = self._window.scenario.draft
        move = draft.undo if way == "undo" else draft.redo
        self._edit(lambda seen: move("rules", seen))

    def _save(self) -> None:
        draft = self._window.scenario.draft
        if draft.own and draft.changed_outside:
            self._ask_which()
            return
        self._saved(lambda: draft.save(seen=self._window.seen))

    def _ask_which(self) -> None:
        """Another program wrote the file: whose content is to stand is the user's to say."""
        words, draft = self._window.words, self._window.scenario.draft
        with ui.dialog(value=True) as dialog, ui.card().classes("desk-card"):
            ui.label(words("desk.outside")).classes("desk-sentence")
            with ui.row().classes("desk-ends"):
                ui.button(words("desk.cancel"), on_click=dialog.close).props("flat no-caps")
                take = ui.button(words("desk.outside.take")).props("outline no-caps")
                over = ui.button(words("desk.outside.over")).props("unelevated no-caps")

        def settle(act: Callable[[], object]) -> None:
            dialog.close()
            self._saved(act)

        take.on_click(lambda: settle(draft.take_file))
        over.on_click(lambda: settle(lambda: draft.save(over=True)))

    def _saved(self, act: Callable[[], object]) -> None:
        if self._window.attempt(act):
            self._window.changed()
            self._window.say("desk.saved", name=self._window.scenario.name)

    def _draw_weights(self) -> None:
        at, words = self._window.scenario, self._window.words
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
        draft = self._window.scenario.draft
        self._weighed = None
        self._edit(lambda seen: rule_edits.set_weight(draft, metric, str(text), seen=seen))


def _weights(scenario: Scenario, lang: str) -> list[tuple[str, str, str]]:
    """(metric, its title, what it weighs); none where the objective is a list of aims."""
    given = scenario.spec.objective.weights
    titles = {one.id: one.title.of(lang) for one in scenario.programme.file.metrics}
    return [(name, titles[name], exact_text(weight)) for name, weight in given.items()]
