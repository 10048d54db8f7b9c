"""The form of a new rule: who, what, at least or at most how much, and on whose word."""

from __future__ import annotations

from nicegui import ui

from desk.pages.window import Window
from desk.state.rule_form import RuleForm, add_rule
from models.metadata import Labels, read_labels, value_name
from models.programme import Programme
from models.selection import value_text
from reports.numbers import upper
from reports.view.rule_view import BASIS

_SENSES = {
    "at_least": "desk.form.at-least",
    "at_most": "desk.form.at-most",
    "equal": "desk.form.equal",
}
_FIELDS = {
    "counties": "desk.form.counties",
    "tasks": "desk.form.tasks",
    "measure": "desk.form.measure",
    "per": "desk.form.per",
    "sense": "desk.form.sense",
    "kind": "desk.form.kind",
    "of": "desk.form.of",
    "basis": "desk.form.basis",
}
_MEASURES = {
    "amount": "desk.form.measure.amount",
    "cells": "desk.form.measure.cells",
    "counties": "desk.form.measure.counties",
}
_BASES = {
    "baseline": "desk.form.of.baseline",
    "budget": "desk.form.of.budget",
    "amount": "desk.form.of.amount",
}
_KINDS = {
    "number": "desk.form.number",
    "share": "desk.form.share",
    "times": "desk.form.times",
}


def ask_rule(window: Window) -> None:
    """Open the form; what it makes is a rule of the scenario that is looked at."""
    at = window.at
    if at is not None:
        _RuleDialog(window, at.draft.scenario.programme).show()


class _RuleDialog:
    def __init__(self, window: Window, programme: Programme) -> None:
        self._window, self._programme = window, programme
        self._labels = read_labels(programme)

    def show(self) -> None:
        words, lang = self._window.words, self._window.words.lang
        programme, counties = self._programme, self._programme.counties
        with (
            ui.dialog(value=True).props("persistent") as self._dialog,
            ui.card().classes("desk-card wide"),
        ):
            ui.label(words("desk.add-rule")).classes("desk-h")
            self._title = ui.input(words("desk.form.title")).props("autofocus data-id=rule-title")
            with ui.element("div").classes("desk-form"):
                self._counties = self._many(
                    "counties", dict(zip(counties.ids, counties.names(lang), strict=True))
                )
                self._columns = {
                    column: self._many(column, options, self._labels.column(column, lang))
                    for column, options in group_options(programme, self._labels, lang).items()
                }
                names = programme.task_names(lang)
                self._tasks = self._many(
                    "tasks", dict(zip(programme.tasks.ids, names, strict=True))
                )
                self._measure = self._one("measure", self._measures(), "amount")
                self._per = self._one("per", self._pers(), "")
                self._sense = self._one(
                    "sense", {k: words(v) for k, v in _SENSES.items()}, "at_least"
                )
                self._kind = self._one("kind", {k: words(v) for k, v in _KINDS.items()}, "number")
                self._value = ui.input(words("desk.form.value")).props(
                    "data-id=rule-value inputmode=decimal"
                )
                self._of = self._one("of", self._bases(), "baseline")
                self._of.bind_visibility_from(self._kind, "value", lambda kind: kind != "number")
                basis = {name: words(BASIS[name]) for name in ("practice", "assumption")}
                self._basis = self._one("basis", basis, "assumption")
                self._source = ui.input(words("desk.form.source")).props("data-id=rule-source")
            with ui.row().classes("desk-ends"):
                ui.button(words("desk.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(words("desk.form.add"), on_click=self._add).props(
                    "unelevated no-caps data-id=rule-add"
                )

    def _many(self, key: str, options: dict[str, str], label: str = "") -> ui.select:
        said = label or self._window.words(_FIELDS[key])
        return ui.select(options, label=said, multiple=True, with_input=True, value=[]).props(
            f"data-id=rule-{key} use-chips dense outlined"
        )

    def _one(self, key: str, options: dict[str, str], value: str) -> ui.select:
        said = self._window.words(_FIELDS[key])
        return ui.select(options, label=said, value=value).props(
            f"data-id=rule-{key} dense outlined"
        )

    def _measures(self) -> dict[str, str]:
        words, lang = self._window.words, self._window.words.lang
        metrics = {one.id: one.title.of(lang) for one in self._programme.file.metrics}
        plain = {name: words(key) for name, key in _MEASURES.items()}
        return {"amount": plain.pop("amount"), **metrics, **plain}

    def _pers(self) -> dict[str, str]:
        words, lang = self._window.words, self._window.words.lang
        groups = group_options(self._programme, self._labels, lang)
        each = {
            name: words("desk.form.each", what=self._labels.column(name, lang)) for name in groups
        }
        rest = {"county": words("desk.form.each-county"), "task": words("desk.form.each-task")}
        return {"": words("desk.form.whole"), **rest, **each}

    def _bases(self) -> dict[str, str]:
        words = self._window.words
        return {one: words(key) for one, key in _BASES.items()}

    def _add(self) -> None:
        window = self._window
        assert window.at is not None  # The form stands on a tab of an open scenario.
        draft = window.at.draft
        form = RuleForm(
            title=str(self._title.value or ""),
            source=str(self._source.value or ""),
            basis=self._basis.value,
            counties=tuple(self._counties.value or ()),
            columns={name: tuple(one.value) for name, one in self._columns.items() if one.value},
            tasks=tuple(self._tasks.value or ()),
            measure=str(self._measure.value),
            per=tuple(one for one in (str(self._per.value),) if one),
            sense=self._sense.value,
            kind=self._kind.value,
            value=str(self._value.value or ""),
            of=str(self._of.value),
        )
        if window.attempt(lambda: add_rule(draft, form, seen=window.seen)):
            self._dialog.close()
            window.changed()
            window.strip.after_change()


def group_options(programme: Programme, labels: Labels, lang: str) -> dict[str, dict[str, str]]:
    """County columns that people choose by → value → its name: groupings, then flags."""
    counties = programme.counties
    groupings = [column for column in (labels.subtotal, labels.group_by) if column]
    flags = [name for name in counties.columns if counties.kind(name) == "boolean"]
    found: dict[str, dict[str, str]] = {}
    for column in dict.fromkeys([*groupings, *flags]):
        values = dict.fromkeys(value_text(one) for one in counties.values(column))
        found[column] = {
            value: upper(value_name(programme, labels, (column, value), lang)) for value in values
        }
    return found
