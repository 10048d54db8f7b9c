"""A scenario as layers of YAML: the file, what it extends, overrides, `--set`."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models.errors import did_you_mean, refuse
from models.files import Folder, resolved
from models.rule import BOUND_KEYS
from models.strict_yaml import Steps, copied, has_half_character, place_of, read_yaml
from models.table import Note

# All are merged as plain documents before anything is validated; `Origins` remembers where each
# place of the result was written, so that an error names the file and line of thought of the user.


_DEEPEST_CHAIN = 20


class Origins:
    """Which file and place each part of a merged document comes from."""

    def __init__(self) -> None:
        self._at: dict[Steps, tuple[str, Steps]] = {}
        self._beneath: dict[Steps, dict[Steps, None]] = {}
        """Path → the known paths beneath it, the last that was put at the end."""

    def put(self, path: Steps, file: str, place: Steps) -> None:
        for old in (*self._beneath.pop(path, ()), path):
            self._at.pop(old, None)
            self._beneath.pop(old, None)
            for length in range(len(old)):
                self._beneath.get(old[:length], {}).pop(old, None)
        self._at[path] = (file, place)
        for length in range(len(path)):
            self._beneath.setdefault(path[:length], {})[path] = None

    def find(self, path: Steps) -> tuple[str, str]:
        """(file, place) of the part at `path`, from the nearest part whose origin is known."""
        for length in range(len(path), -1, -1):
            if path[:length] in self._at:
                file, place = self._at[path[:length]]
                return file, place_of(place + path[length:])
        return "", place_of(path)

    def blamed(self, path: Steps) -> tuple[str, str]:
        """(file, place) of what was last laid over a part of `path`, else of `path` itself.

        Parts that do not fit together did so before the last of them was laid over the others.
        """
        beneath = self._beneath.get(path)
        return self.find(next(reversed(beneath)) if beneath else path)


class ScenarioDocument:
    """A merged scenario document; rules are kept by id until `content` lists them again."""

    def __init__(self, file: str, content: Mapping[str, Any]) -> None:
        self.origins = Origins()
        self.body: dict[str, Any] = {}
        self.rules: dict[str, Any] = {}
        self.folder: Folder | None = None
        """Where the scenario file stands, in memory what stands beside one that is a workbook; None
        for one that was never a file."""
        self.notes: tuple[Note, ...] = ()
        """What was read with some good will in a workbook."""
        self.files: tuple[Path, ...] = ()
        """The scenario file and those that it extends."""
        self.origins.put((), file, ())
        self.merge(content, file, ())

    def merge(self, patch: Mapping[str, Any], file: str, place: Steps) -> None:
        """Lay `patch` over the document; `place` is where it stands in `file`."""
        for key, value in patch.items():
            if key == "rules":
                self._merge_rules(value, file, (*place, "rules"))
            else:
                self._put(self.body, (str(key),), value, (file, (*place, key)))

    def _merge_rules(self, value: Any, file: str, place: Steps) -> None:
        if isinstance(value, Mapping):
            for name, patch in value.items():
                self._merge_rule(name, patch, file, (*place, name))
        elif isinstance(value, list):
            for number, rule in enumerate(value):
                if not isinstance(rule, Mapping) or not isinstance(rule.get("id"), str):
                    refuse(file, place_of((*place, number)), "a rule needs an id")
                if rule["id"] in self.rules:
                    refuse(
                        file,
                        place_of((*place, number)),
                        f"there is a rule '{rule['id']}' already; patch it under rules: by id",
                    )
                self.rules[rule["id"]] = copied(dict(rule))
                self.origins.put(("rules", rule["id"]), file, (*place, number))
        elif value is not None:
            refuse(file, place_of(place), "a list of rules, or a mapping by rule id, is due here")

    def _merge_rule(self, name: str, patch: Any, file: str, place: Steps) -> None:
        if not isinstance(patch, Mapping):
            refuse(file, place_of(place), "a mapping is due here")
        if name not in self.rules:
            if "measure" not in patch:
                near = did_you_mean(name, self.rules)
                refuse(file, place_of(place), f"unknown rule '{name}'{near}")
            self.rules[name] = {"id": name}
            self.origins.put(("rules", name), file, place)
        for key, value in patch.items():
            self._put(self.rules[name], ("rules", name, key), value, (file, (*place, key)))

    def _put(self, target: Any, path: Steps, value: Any, at: tuple[str, Steps]) -> None:
        """Set `value` at the last step of `path` in `target`; mappings merge, the rest replaces.

        Nothing (null) laid over a key takes the key away.
        """
        key: Any = path[-1]
        if value is None and isinstance(target, dict) and key in target:
            del target[key]
            self.origins.put(path, *at)
            return
        old = target[key] if isinstance(target, list) else target.get(key)
        if isinstance(value, Mapping) and isinstance(old, dict | list):
            inner = {name: _step_in(old, name) for name in value}
            if None not in inner.values():
                for name, step in inner.items():
                    assert step is not None
                    self._put(old, (*path, step), value[name], (at[0], (*at[1], name)))
                return
        target[key] = copied(dict(value) if isinstance(value, Mapping) else value)
        self.origins.put(path, *at)

    def changed(
        self, body: Mapping[str, Any], rules: Mapping[str, Any] | None = None
    ) -> ScenarioDocument:
        """A document with these keys, and these rules by id, in place of its own."""
        other = copy.copy(self)
        other.body = {**self.body, **body}
        other.rules = dict(self.rules if rules is None else rules)
        return other

    def content(self) -> dict[str, Any]:
        """The document as a scenario file would write it."""
        return {**copied(self.body), "rules": copied(list(self.rules.values()))}

    def origin(self, path: Steps) -> tuple[str, str]:
        """(file, place) of a place of `content()`."""
        return self.origins.find(self._by_id(path))

    def blamed(self, path: Steps) -> tuple[str, str]:
        """(file, place) that a misfit among the parts of a place of `content()` comes from."""
        return self.origins.blamed(self._by_id(path))

    def _by_id(self, path: Steps) -> Steps:
        if len(path) > 1 and path[0] == "rules" and isinstance(path[1], int):
            names = list(self.rules)
            if path[1] < len(names):
                return ("rules", names[path[1]], *path[2:])
        return path


def _step_in(values: dict[str, Any] | list[Any], name: object) -> int | str | None:
    """`name` as a step into `values`: a key, or the position that `[1]` of `--set` names."""
    text = str(name)
    if isinstance(values, dict):
        return text
    return int(text) if text.isdigit() and int(text) < len(values) else None


Opened = Callable[[Path], "ScenarioDocument | None"]
"""What reads a file that is no YAML and extends nothing; None for any other."""


def read_layers(
    path: Path, draft: Mapping[str, Any] | None = None, opened: Opened = lambda path: None
) -> ScenarioDocument:
    """A scenario file laid over what it extends, and that over what it extends …

    `extends: base.yaml@tilt` is a named scenario of that file. `draft`: what the file would hold,
    in place of what it does.
    """
    chain = _chain(path, draft, opened)
    base = chain.pop()
    if isinstance(base, _Layer):
        document = ScenarioDocument(base.file.name, base.content)
        document.folder, document.files = resolved(path).parent, (base.file,)
    else:
        document = base
    for layer in reversed(chain):
        assert isinstance(layer, _Layer)
        if layer.named:
            before = Before(document)
            apply_overrides(document, [layer.named])
            before.mark_changed(document)
        document.merge(layer.content, layer.file.name, ())
        document.files = (layer.file, *document.files)
    return document


class _Layer(NamedTuple):
    file: Path
    content: dict[str, Any]
    named: str
    """The named scenario of what it extends; '' for that itself."""


def _chain(
    path: Path, draft: Mapping[str, Any] | None, opened: Opened
) -> list[_Layer | ScenarioDocument]:
    """A file and all that it extends, the last of them as a document where it is no YAML."""
    chain: list[_Layer | ScenarioDocument] = []
    seen: list[Path] = []
    at = resolved(path)
    root = at.parent
    while True:
        if at in seen or len(seen) >= _DEEPEST_CHAIN:
            names = " → ".join(p.name for p in (*seen, at))
            refuse(path.name, "extends", f"goes round in a loop: {names}")
        seen.append(at)
        is_draft = draft is not None and not chain
        if not is_draft and (document := opened(at)) is not None:
            return [*chain, document]
        layer, above = _layer(at, draft if is_draft else read_yaml(at))
        chain.append(layer)
        if above is None:
            return chain
        at = resolved(at.parent / above)
        if root not in at.parents:
            refuse(path.name, "extends", f"'{above}' leads outside the scenario's folder")


def _layer(file: Path, content: Any) -> tuple[_Layer, str | None]:
    """One file, and the file that it extends."""
    if not isinstance(content, Mapping):
        refuse(file.name, "", "a scenario file is a mapping of keys")
    own = copied(dict(content))
    above = own.pop("extends", None)
    name, _, named = above.partition("@") if isinstance(above, str) else ("", "", "")
    if above is not None and not name:
        refuse(file.name, "extends", "a file name is due here")
    return _Layer(file, own, named), name or None


def apply_overrides(document: ScenarioDocument, names: Sequence[str]) -> list[str]:
    """Lay named overrides over the document; a name of `scenarios` stands for its list.

    Returns the names of the overrides applied, in order.
    """
    overrides = _mapping_at(document, "overrides")
    scenarios = _mapping_at(document, "scenarios")
    applied: list[str] = []
    for name in names:
        if name not in scenarios and name not in overrides:
            known = [*scenarios, *overrides]
            refuse("", name, f"no scenario or override has this name{did_you_mean(name, known)}")
        listed = scenarios.get(name, [name])
        if not isinstance(listed, list):
            refuse(*document.origin(("scenarios", name)), "a list of overrides is due here")
        for item in listed:
            if item not in overrides:
                file, place = document.origin(("scenarios", name))
                refuse(file, place, f"unknown override '{item}'{did_you_mean(item, overrides)}")
            _apply(document, item, overrides[item])
            applied.append(item)
    return applied


def _apply(document: ScenarioDocument, name: str, patch: Any) -> None:
    file, place = document.origin(("overrides", name))
    if not isinstance(patch, Mapping):
        refuse(file, place, "a mapping is due here")
    title = patch.get("title")
    rest = {key: value for key, value in patch.items() if key != "title"}
    document.merge(rest, file, ("overrides", name))
    if title is not None:
        base = document.body.get("title")
        joined = {lang: f"{_in(base, lang)} · {_in(title, lang)}" for lang in ("zh", "en")}
        document.merge({"title": joined}, file, ("overrides", name))


def _in(title: object, lang: str) -> object:
    """A title in one language; a plain text serves for both."""
    return title.get(lang, "") if isinstance(title, Mapping) else title or ""


def _mapping_at(document: ScenarioDocument, key: str) -> dict[str, Any]:
    value = document.body.get(key) or {}
    if not isinstance(value, dict):
        refuse(*document.origin((key,)), "a mapping of names is due here")
    return value


def apply_set(document: ScenarioDocument, assignment: str, label: str) -> None:
    """Lay one `PATH=VALUE` over the document: `rules.ID.at_least.share=0.34`.

    `label` is what problems call the place where it was written.
    """
    path, equals, text = assignment.partition("=")
    if has_half_character(assignment):
        refuse(ascii(label), "", "holds half a character (a lone surrogate)")
    steps = [step for step in re.split(r"\.(?![0-9])|\[|\]", path.strip()) if step]
    steps = _join_rule_id(document, steps)
    if not equals or not steps:
        refuse(label, "", "write PATH=VALUE")
    value: Any = text.strip()
    if value in ("", "null", "~"):
        value = None
    if len(steps) > 1 and steps[0] == "rules" and steps[1] not in document.rules:
        near = did_you_mean(steps[1], document.rules)
        refuse(label, "", f"unknown rule '{steps[1]}'{near}")
    if (
        isinstance(document.body.get("objective"), list)
        and len(steps) > 1
        and steps[0] == "objective"
    ):
        _refuse_no_place(label, steps[1])
    for step in reversed(steps):
        value = {step: value}
    document.merge(value, label, ())


def _refuse_no_place(label: str, step: str) -> None:
    """Of a list of aims one is named by its place; anything else would take the list away."""
    if not step.isdigit():
        refuse(label, "", "the objective is a list of aims: name one by its place, objective[0]")


def _join_rule_id(document: ScenarioDocument, steps: list[str]) -> list[str]:
    """Ids may hold dots: join the steps after `rules` that together name a rule."""
    if steps[:1] != ["rules"]:
        return steps
    for length in range(len(steps), 1, -1):
        name = ".".join(steps[1:length])
        if name in document.rules:
            return ["rules", name, *steps[length:]]
    return steps


# A number that was changed keeps no source that speaks of another one.
#
# Where a layer over the scenario's own file (an override, a workbook of rules, `--set`, `replace`)
# changes the number of a rule, the budget or the lot, and says nothing of where the new number
# comes from, the old source would be quoted for it. So it is said to be changed, and the clause,
# which states another number, is no longer said to state this one.


_SAID = ("basis", "clause", "number_from", "reason")
_NOW = {
    "zh": "本次测算所改，未另注来源",
    "en": "changed for this run, without a source of its own",
}
_BEFORE = {"zh": "；改动前的来源：{source}", "en": "; the source before: {source}"}


class Before:
    """The numbers of a document and what was said of them, before something is laid over it."""

    def __init__(self, document: ScenarioDocument) -> None:
        self._rules = copied(document.rules)
        self._settled = {key: copied(document.body.get(key)) for key in ("budget", "lot")}
        self._grounds = copied(document.body.get("grounds")) or {}

    def mark_changed(self, document: ScenarioDocument) -> None:
        """Say of every number that has changed since that it was changed."""
        for name, rule in document.rules.items():
            old = self._rules.get(name)
            if (
                isinstance(rule, dict)
                and isinstance(old, Mapping)
                and _differs(old, rule, BOUND_KEYS)
            ):
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
        new["number_from"] = changed_source(old)
    clause = new.get("clause")
    if isinstance(clause, dict) and clause == old.get("clause") and "states_number" in clause:
        new["clause"] = {**clause, "states_number": "false"}


def changed_source(old: Mapping[str, Any]) -> dict[str, str]:
    """What stands as the source of a number that was changed without one; `old`: the rule before,
    as its document writes it."""
    return {lang: _text(old.get("number_from"), lang) for lang in ("zh", "en")}


def _text(source: object, lang: str) -> str:
    said = source.get(lang) if isinstance(source, Mapping) else source
    before = _BEFORE[lang].format(source=said) if said else ""
    return f"{_NOW[lang]}{before}"
