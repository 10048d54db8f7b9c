"""A number that was changed keeps no source that speaks of another one.

Where a layer over the scenario's own file (an override, a workbook of rules, `--set`, `replace`)
changes the number of a rule, the budget or the lot, and says nothing of where the new number comes
from, the old source would be quoted for it. So it is said to be changed, and the clause, which
states another number, is no longer said to state this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.overrides import Document

_BOUND = ("at_least", "at_most", "equal", "within")
_SAID = ("basis", "clause", "number_from", "reason")
_NOW = {
    "zh": "本次测算所改，未另注来源",
    "en": "changed for this run, without a source of its own",
}
_BEFORE = {"zh": "；改动前的来源：{source}", "en": "; the source before: {source}"}


class Before:
    """The numbers of a document and what was said of them, before something is laid over it.

    `document` must not be changed afterwards: what is laid over is laid over a copy.
    """

    def __init__(self, document: Document) -> None:
        self._rules = document.rules
        self._settled = {key: document.body.get(key) for key in ("budget", "lot")}
        self._grounds = document.body.get("grounds") or {}

    def mark_changed(self, document: Document) -> None:
        """Say of every number that has changed since that it was changed."""
        for name, rule in document.rules.items():
            old = self._rules.get(name)
            if isinstance(rule, dict) and isinstance(old, Mapping) and _differs(old, rule, _BOUND):
                _mark(old, rule)
        grounds = document.body.get("grounds")
        for key, number in self._settled.items():
            now, old = document.body.get(key), self._grounds.get(key)
            said = grounds.get(key) if isinstance(grounds, dict) else None
            if now != number and isinstance(said, dict) and isinstance(old, Mapping):
                _mark(old, said)


def _differs(old: Mapping[str, Any], new: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    return any(old.get(key) != new.get(key) for key in keys)


def _mark(old: Mapping[str, Any], new: dict[str, Any]) -> None:
    if not _differs(old, new, _SAID):
        new["number_from"] = {lang: _text(old.get("number_from"), lang) for lang in ("zh", "en")}
    clause = new.get("clause")
    if isinstance(clause, dict) and clause == old.get("clause") and "states_number" in clause:
        new["clause"] = {**clause, "states_number": "false"}


def _text(source: object, lang: str) -> str:
    said = source.get(lang) if isinstance(source, Mapping) else source
    before = _BEFORE[lang].format(source=said) if said else ""
    return f"{_NOW[lang]}{before}"
