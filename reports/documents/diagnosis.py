"""The page of `allot diagnose`, and its JSON document."""

from __future__ import annotations

from typing import Any

from models.metadata import group_name, read_labels
from models.remedies import Change, Check, change_text, check_text
from optimizer.infeasibility.diagnose import Diagnosis, Member
from reports.catalogue import Words
from reports.document import Document, Paragraph, Part, item
from reports.view.remarks import about
from reports.view.rule_view import RuleView

_CAUSES = {
    "relaxation": "diagnose.relaxation",
    "funding": "diagnose.funding",
    "units": "diagnose.units",
}


_NAMED = 6


def diagnosis_view(diagnosis: Diagnosis) -> dict[str, Any]:
    """`diagnose --json`."""
    scenario = diagnosis.scenario
    labels = read_labels(scenario.programme)

    def change(one: Change) -> dict[str, Any]:
        text = change_text(scenario, one, labels)
        places = [
            {
                "key": dict(place.key),
                "now": place.now,
                "needed": place.needed,
                "column": place.column,
                "cell_now": place.cell_now,
                "cell_needed": place.cell_needed,
            }
            for place in one.places
        ]
        told = {"rule": one.rule, "field": one.field, "now": one.now, "needed": one.needed}
        ends = {"set": one.setting, "least": one.is_least, "places": places}
        return {**told, **ends, "text": {"zh": text.zh, "en": text.en}}

    def check(one: Check) -> dict[str, Any]:
        text = check_text(scenario, one, labels)
        told = {"kind": one.kind, "rule": one.rule, "other": one.other, "key": dict(one.key)}
        sums = {"need": one.need, "allow": one.allow}
        return {**told, **sums, "text": {"zh": text.zh, "en": text.en}}

    return {
        "scenario": scenario.name,
        "feasible": diagnosis.is_feasible,
        "cause": diagnosis.cause,
        "sums": [check(one) for one in diagnosis.checks],
        "alone": [change(one) for one in diagnosis.alone],
        "no_help": list(diagnosis.no_help),
        "together": [change(one) for one in diagnosis.combined],
        "conflict": [{"rule": one.rule, "key": dict(one.key)} for one in diagnosis.conflict],
    }


def diagnosis_page(diagnosis: Diagnosis, words: Words, weighted: bool = False) -> Document:
    """What `allot diagnose` shows; `weighted`: weights were given for the combination."""
    scenario = diagnosis.scenario
    if diagnosis.is_feasible:
        fine = Paragraph(words("diagnose.fine", scenario=scenario.name))
        return Document("", (fine,), about=about(scenario, words))
    texts = _DiagnosisTexts(diagnosis, words)
    cause = _CAUSES[diagnosis.cause or "relaxation"]
    parts = [
        Paragraph(words(cause)),
        *texts.sums(),
        *texts.alone(),
        *texts.combined("diagnose.weighted" if weighted else "diagnose.combined"),
        *texts.conflict(),
    ]
    title = words("diagnose.title", scenario=scenario.name)
    return Document(title, tuple(parts), about=about(scenario, words))


class _DiagnosisTexts:
    def __init__(self, diagnosis: Diagnosis, words: Words) -> None:
        self._diagnosis, self._words = diagnosis, words
        self._view = RuleView(diagnosis.scenario, read_labels(diagnosis.scenario.programme), words)

    def sums(self) -> list[Part]:
        texts = [
            check_text(self._diagnosis.scenario, check, self._view.labels).of(self._words.lang)
            for check in self._diagnosis.checks
        ]
        return self._list("diagnose.sums", texts)

    def alone(self) -> list[Part]:
        words, found = self._words, self._diagnosis
        parts = self._list("diagnose.alone", [self._change(change) for change in found.alone])
        if not found.alone:
            parts = [Paragraph(words("diagnose.none-alone"), "heading")]
        titles = words("list").join(self._view.title(name) for name in found.no_help)
        if titles and found.alone:
            parts.append(Paragraph(words("diagnose.vain", titles=titles), indent=4, start=2))
        return parts

    def combined(self, title: str) -> list[Part]:
        changes = self._diagnosis.combined
        if len(changes) == 1 and changes[0] in self._diagnosis.alone:
            return []
        return self._list(title, [self._change(change) for change in changes])

    def conflict(self) -> list[Part]:
        members: dict[str, list[Member]] = {}
        for one in self._diagnosis.conflict:
            members.setdefault(one.rule, []).append(one)
        return self._list("diagnose.conflict", [self._members(*pair) for pair in members.items()])

    def _members(self, rule: str, members: list[Member]) -> str:
        """The limits of one rule in the conflict: the first few by name, and how many they are."""
        programme, words = self._diagnosis.scenario.programme, self._words
        names = [
            group_name(programme, self._view.labels, one.key, words.lang) or words("diagnose.whole")
            for one in members[:_NAMED]
        ]
        place = words("list").join(names)
        if len(members) > _NAMED:
            place = words("diagnose.of-many", places=place, count=len(members))
        return words("diagnose.member", title=self._view.title(rule), place=place)

    def _change(self, change: Change) -> str:
        words = self._words
        text = change_text(self._diagnosis.scenario, change, self._view.labels).of(words.lang)
        if not change.is_least:
            text = words("diagnose.found", text=text)
        if change.setting is None:
            return text
        return words("diagnose.set", text=text, setting=change.setting)

    def _list(self, title: str, texts: list[str]) -> list[Part]:
        if not texts:
            return []
        return [Paragraph(self._words(title), "heading"), *map(item, texts)]
