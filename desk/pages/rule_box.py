"""One rule on the page: drawn once, and brought up to date in place, so that focus stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from nicegui import ui

from desk.pages.window import Window
from desk.state import rule_edits
from desk.state.rule_lines import DeskRule, RuleField
from models.exact import exact_text
from models.rule import Confirmation
from models.strict_yaml import parse_model
from reports.numbers import plain
from reports.view.rule_view import BASIS

Edit = Callable[[int], object]
"""What changes the scenario; it is handed the version that was seen."""


@dataclass
class _Number:
    """The elements of one number of a rule."""

    field: RuleField
    entry: ui.input
    slider: ui.slider | None


class RuleBox:
    """The elements of one rule; `edit` makes a change, and what it comes to is shown after it."""

    def __init__(self, window: Window, edit: Callable[[Edit], None]) -> None:
        self._window, self._edit = window, edit
        self._lang = window.words.lang
        self._box = ui.element("article").classes("desk-rule")
        self._line: DeskRule | None = None

    def show(self, line: DeskRule, price: str) -> None:
        """Bring it up to date; drawn anew only where there is something else to draw."""
        if self._line is None or _form(self._line) != _form(line):
            self._box.clear()
            self._box.props(f'data-rule="{line.id}"')
            with self._box:
                self._draw(line)
        self._line = line
        for name, on in (("off", not line.enabled), ("changed", line.changed)):
            self._box.classes(add=name if on else "", remove="" if on else name)
        self._changed.visible = line.changed
        self._title.text = line.title.of(self._lang)
        self._sentence.text = line.sentence.of(self._lang)
        self._price.text = price
        self._price.visible = bool(price)
        if self._switch is not None:
            self._switch.value = line.enabled
        for number, field in zip(self._numbers, line.fields, strict=True):
            number.field = field
            number.entry.value = field.text
            if number.slider is not None:
                number.slider.value = float(field.value)

    def refuse(self) -> None:
        """Show again what stands, in place of what was typed."""
        for number in self._numbers:
            number.entry.value = ""
            number.entry.value = number.field.text

    def _draw(self, line: DeskRule) -> None:
        with ui.element("div").classes("desk-rule-text"):
            self._head(line)
            self._sentence = ui.label().classes("desk-sentence")
            self._source(line)
        with ui.element("div").classes("desk-rule-numbers"):
            self._numbers = [self._number(line, field) for field in line.fields]
            self._price = ui.label().classes("desk-price")

    def _head(self, line: DeskRule) -> None:
        """Its switch, title and marks."""
        words = self._window.words
        self._switch = None
        with ui.element("div").classes("desk-rule-head"):
            if line.can_switch:
                self._switch = ui.switch(value=line.enabled).props("dense")
                self._switch.props["aria-label"] = line.title.of(self._lang)
                self._switch.on("update:model-value", lambda: self._flip(line.id))
            self._title = ui.label().classes("desk-rule-title")
            if line.grounds is not None:
                ui.label(words(BASIS[line.grounds.basis])).classes("desk-chip")
            if line.mark.of(self._lang) and line.grounds and line.grounds.clause:
                ui.label(line.mark.of(self._lang)).classes("desk-chip warn")
            self._changed = ui.label(words("desk.changed")).classes("desk-chip this")

    def _source(self, line: DeskRule) -> None:
        """Where it is from, and what may be stated of that; a rule of one's own may go again."""
        words, lang = self._window.words, self._lang
        clause = line.grounds.clause if line.grounds else None
        source = [f"{clause.document} {clause.article}".strip()] if clause else []
        source += [text for text in (line.source.of(lang), line.reason.of(lang)) if text]
        if not source and not line.own:
            return
        with ui.expansion(words("desk.source")).classes("desk-source").props("dense"):
            for text in source:
                ui.label(text)
            if clause is not None and line.mark.of(lang):
                button = ui.button(words("desk.confirm"), on_click=lambda: self._confirm(line))
                button.props(f'outline no-caps dense data-confirm="{line.id}"')
            if line.grounds is not None and line.grounds.confirmed is not None:
                button = ui.button(words("desk.withdraw"), on_click=lambda: self._withdraw(line.id))
                button.props("outline no-caps dense")
            if line.own:
                button = ui.button(words("desk.remove-rule"))
                button.props("outline no-caps dense").on_click(lambda: self._remove(line.id))

    def _number(self, line: DeskRule, field: RuleField) -> _Number:
        said, key = line.title.of(self._lang), f"{line.id}:{field.path}"
        with ui.element("div").classes("desk-number"):
            entry = ui.input(value=field.text).classes("desk-entry-number")
            entry.props(f'dense outlined data-number="{key}" inputmode=decimal')
            entry.props["aria-label"] = said
            margin = self._window.words("desk.margin") if field.path == "margin" else ""
            ui.label(f"{field.unit.of(self._lang)}{margin}").classes("desk-soft desk-unit")
            slider = None
            if field.low < field.high:
                low, high, step = (float(x) for x in (field.low, field.high, field.step))
                slider = ui.slider(min=low, max=high, step=step, value=float(field.value))
                slider.props(f'data-slider="{key}"').classes("desk-slider")
                slider.props["aria-label"] = said
                ui.label(f"{plain(field.low)}–{plain(field.high)}").classes("desk-soft")
        number = _Number(field, entry, slider)
        entry.on("change", lambda: self._set(line.id, number, str(entry.value)))
        if slider is not None:
            slider.on("change", lambda: self._set(line.id, number, _at_step(number, slider.value)))
        return number

    def _set(self, line: str, number: _Number, text: str) -> None:
        draft, path = self._window.scenario.draft, number.field.path
        self._edit(lambda seen: rule_edits.set_number(draft, line, path, text, seen=seen))

    def _flip(self, line: str) -> None:
        draft, on = self._window.scenario.draft, bool(self._switch and self._switch.value)
        self._edit(lambda seen: rule_edits.switch(draft, line, on, seen=seen))

    def _withdraw(self, line: str) -> None:
        draft = self._window.scenario.draft
        self._edit(lambda seen: rule_edits.withdraw_confirmation(draft, line, seen=seen))

    def _remove(self, line: str) -> None:
        draft = self._window.scenario.draft
        self._edit(lambda seen: rule_edits.remove_rule(draft, line, seen=seen))

    def _confirm(self, line: DeskRule) -> None:
        """An officer states what stands in the clause, or that it does not apply, by her name."""
        words = self._window.words
        with ui.dialog(value=True) as dialog, ui.card().classes("desk-card"):
            ui.label(words("desk.confirm.title", title=line.title.of(self._lang))).classes("desk-h")
            ui.label(words("desk.confirm.about")).classes("desk-soft")
            by = ui.input(words("desk.confirm.by")).props("autofocus data-id=confirm-by")
            day = ui.input(words("desk.confirm.on"), value=date.today().isoformat())
            day.props("type=date stack-label")
            applies = ui.switch(words("desk.confirm.applies"), value=True)
            text = ui.textarea(words("desk.confirm.text")).props("autogrow data-id=confirm-text")
            value = ui.input(words("desk.confirm.number")).props("inputmode=decimal")
            for one in (text, value):
                one.bind_visibility_from(applies, "value")
            reason = ui.input(words("desk.confirm.reason"))
            reason.bind_visibility_from(applies, "value", lambda on: not on)
            with ui.row().classes("desk-ends"):
                ui.button(words("desk.cancel"), on_click=dialog.close).props("flat no-caps")
                make = ui.button(words("desk.confirm.now"))
                make.props("unelevated no-caps data-id=confirm-now")

        def state() -> None:
            given = {"by": by.value, "on": day.value, "applies": applies.value}
            said = {"text": text.value, "number": value.value} if applies.value else {}
            told = {**given, **said, **({} if applies.value else {"reason": reason.value})}
            draft = self._window.scenario.draft

            def confirm(seen: int) -> None:
                filled = {key: one for key, one in told.items() if one not in (None, "")}
                stated = parse_model(Confirmation, {"by": "", "on": "", **filled}, draft.name)
                rule_edits.confirm_clause(draft, line.id, stated, seen=seen)
                dialog.close()

            self._edit(confirm)

        make.on_click(state)


def _form(line: DeskRule) -> tuple[object, ...]:
    """What decides which elements a rule has."""
    fields = tuple((one.path, one.unit, one.low, one.high, one.step) for one in line.fields)
    return line.can_switch, line.own, line.grounds, line.mark, fields


def _at_step(number: _Number, value: float) -> str:
    """Where a slider stands, on its step: what a float adds to it is none of a person's."""
    field = number.field
    steps = round((Fraction(value) - field.low) / field.step)
    return exact_text(field.low + steps * field.step)
