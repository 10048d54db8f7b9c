"""What a person does to the rules of a scenario, as edits of its draft.

Each function gives the version after the edit, takes the version that the window has seen, and
raises `InputError` for what makes no scenario, in the loader's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from desk.state.draft import FILE, ScenarioDraft, Settings
from desk.state.history import ABSENT, History, TreePath
from desk.state.rule_lines import RULES, DeskRule, RuleField, rule_lines
from models.errors import did_you_mean, refuse
from models.exact import exact_text, parse_exact
from models.overrides import changed_source
from models.remedies import Change
from models.rule import NO_IDLE, Confirmation, Rule
from models.scenario import Scenario


def set_number(
    draft: ScenarioDraft,
    line: str,
    path: str,
    text: str,
    *,
    seen: int | None = None,
    source: str = "",
) -> int:
    """Set a number of a line (`rule_lines`) to what a person typed, in the unit of the field.

    A number that is not the one of what the scenario extends has the `source` that is given for
    it, or says that it was changed without one; the clause then no longer states it.
    """
    told, field = _field_of(draft, line, path)
    try:
        number = field.read(text)
    except ValueError as error:
        refuse(draft.name, told.title.zh, str(error))
    return draft.change("rules", "number", _numbers(draft, [(line, path, number)], source), seen)


def switch(draft: ScenarioDraft, line: str, on: bool, *, seen: int | None = None) -> int:
    """Switch a rule on or off, or that no money stands where it yields nothing."""
    _line_of(draft, line)
    at = (FILE, "no_idle") if line == NO_IDLE else (*RULES, line, "enabled")
    before: Mapping[str, Any] = draft.before.document.rules.get(line, {})
    was = draft.before.spec.no_idle if line == NO_IDLE else str(before.get("enabled", "true"))
    same = was in (on, str(on).lower())
    now = ABSENT if same and (line == NO_IDLE or before) else str(on).lower()
    return draft.change("rules", "switch", lambda _: [(at, now)], seen)


def remove_rule(draft: ScenarioDraft, line: str, *, seen: int | None = None) -> int:
    """Take out a rule that was added in this scenario; others are switched off."""
    if not _line_of(draft, line).own:
        refuse(draft.name, line, "is a rule of what the scenario extends: switch it off")
    return draft.change("rules", "remove", lambda _: [((*RULES, line), ABSENT)], seen)


def set_weight(draft: ScenarioDraft, metric: str, text: str, *, seen: int | None = None) -> int:
    """Set what an outcome weighs in the objective."""
    scenario = draft.scenario
    if scenario.spec.objective.aims:
        refuse(draft.name, "objective", "is an ordered list of aims, which has no such weights")
    if metric not in scenario.programme.metrics:
        near = did_you_mean(metric, scenario.programme.metrics)
        refuse(draft.name, "objective", f"unknown metric '{metric}'{near}")
    at = (FILE, "objective", "weights", metric)
    return draft.change("rules", "weight", lambda _: [(at, text.strip())], seen)


def describe(
    draft: ScenarioDraft,
    *,
    title: str | None = None,
    note: str | None = None,
    author: str | None = None,
    seen: int | None = None,
) -> int:
    """Set what the scenario is called, what is said of it and who made it; '' takes it away."""
    told = {"title": title, "note": note, "author": author}
    given = {key: value.strip() for key, value in told.items() if value is not None}
    if given.get("title") == "":
        refuse(draft.name, "title", "a text is due here")
    settings = [((FILE, key), value or ABSENT) for key, value in given.items()]
    return draft.change("rules", "describe", lambda _: settings, seen)


def apply_remedy(
    draft: ScenarioDraft, changes: Sequence[Change], *, seen: int | None = None
) -> int:
    """Make the changes that a diagnosis names, in one edit. Refuses those of tables and lists."""
    numbers: list[tuple[str, str, Fraction]] = []
    plain: list[tuple[TreePath, Any]] = []
    for change in changes:
        if not can_apply(change):
            refuse(draft.name, change.rule, "stands in a table or a list, which the desk keeps")
        if change.field in (NO_IDLE, "step"):
            key, _, value = str(change.setting).partition("=")
            plain.append(((FILE, key), value))
        else:
            assert change.needed is not None
            numbers.append((change.rule, _path_of(draft.scenario, change), change.needed))
    settle = _numbers(draft, numbers, "")
    return draft.change("rules", "remedy", lambda history: [*settle(history), *plain], seen)


def confirm_clause(
    draft: ScenarioDraft, line: str, said: Confirmation, *, seen: int | None = None
) -> int:
    """Write that an officer read the clause of a rule, or that it does not apply to this fund.

    It stands in the scenario under her name; title and reason no longer say that nobody has read
    it. A rule whose clause does not apply is switched off.
    """
    told = _line_of(draft, line)
    if told.grounds is None or told.grounds.clause is None:
        refuse(draft.name, line, "has no clause that could be read")
    at = _grounds_at(draft, line)
    stated = said.model_dump(mode="json", exclude_unset=True)
    settings: list[tuple[TreePath, Any]] = [((*at, "confirmed"), stated)]
    if said.reason or told.grounds.basis != "assumption":  # That has a reason always.
        settings.append(((*at, "reason"), {"zh": said.reason, "en": said.reason}))
    if isinstance(told.grounds, Rule):
        title = told.title.model_dump()
        read = {lang: _NOBODY_READ.sub("", text) for lang, text in title.items()}
        settings += [((*at, "title"), read)] if read != title else []
        settings += [] if said.applies else [((*at, "enabled"), "false")]
    return draft.change("rules", "confirm", lambda _: settings, seen)


_NOBODY_READ = re.compile(r"（未核到原文）|\s*\(not read\)")
"""What a title says of a clause that nobody has read."""


def withdraw_confirmation(draft: ScenarioDraft, line: str, *, seen: int | None = None) -> int:
    """Take back what was stated of a clause in this scenario; a rule stays on or off as it is."""
    _line_of(draft, line)
    settings = [
        ((*_grounds_at(draft, line), key), ABSENT) for key in ("confirmed", "reason", "title")
    ]
    return draft.change("rules", "confirm", lambda _: settings, seen)


def _grounds_at(draft: ScenarioDraft, line: str) -> TreePath:
    """Where the grounds of a line stand in the tree."""
    is_rule = line in draft.scenario.document.rules
    return (*RULES, line) if is_rule else (FILE, "grounds", line)


def can_apply(change: Change) -> bool:
    """Whether the desk can make the change of a diagnosis."""
    over = change.field == "share" and change.needed is not None and change.needed > 1
    return change.setting is not None or over


def _path_of(scenario: Scenario, change: Change) -> str:
    """Where a change's number stands in its rule."""
    if change.rule in ("budget", "lot"):
        return change.rule
    if change.field in ("within", "margin"):
        return change.field
    rule = next(one for one in scenario.spec.rules if one.id == change.rule)
    path = str(change.setting).partition("=")[0].removeprefix(f"rules.{change.rule}.")
    return path if change.setting is not None else f"{rule.sense}.share"


# Numbers, with what is then said of them.


def _numbers(
    draft: ScenarioDraft, changes: Sequence[tuple[str, str, Fraction]], source: str
) -> Callable[[History], Settings]:
    """What sets numbers, each (line, place in the rule, number as the rule holds it)."""
    before = draft.before

    def settle(history: History) -> Settings:
        for line, path, number in changes:
            yield from _number(before, (line, path, number), source)

    return settle


def _number(
    before: Scenario, change: tuple[str, str, Fraction], source: str
) -> Iterator[tuple[TreePath, Any]]:
    line, path, number = change
    at: TreePath
    text: Any = exact_text(number)
    if line in ("budget", "lot", "step"):
        told = before.spec.grounds.get(line)
        old = {} if told is None else told.model_dump(mode="json", exclude_unset=True)
        written = before.document.body.get(line)
        at, grounds = (FILE, line), (FILE, "grounds", line)
    else:
        old = dict(before.document.rules.get(line, {}))
        written = _at(old, _steps(path))
        at, grounds = (*RULES, line, *_steps(path)), (*RULES, line)
    same = _is(written, number)
    if path == "margin" and not number:
        text, same = (None, "margin" not in old) if old else (ABSENT, False)
    if path.endswith(".share") and number > 1:
        yield at, None
        at = (*at[:-1], "times")
    yield at, ABSENT if same else text
    if path == "margin" or path.startswith("soft"):
        return  # Ours, and no number of the clause.
    yield from _said(old, grounds, (same, source))
    if line not in ("budget", "lot", "step"):
        yield from _titled(old, grounds, (written, text))


def _said(
    old: Mapping[str, Any], grounds: TreePath, told: tuple[bool, str]
) -> Iterator[tuple[TreePath, Any]]:
    """What is said of the source of a number; nothing of its own for that of before."""
    same, source = told
    if not old:  # A rule of this scenario alone.
        if source:
            yield (*grounds, "number_from"), {"zh": source, "en": source}
        return
    said = {"zh": source, "en": source} if source else changed_source(old)
    yield (*grounds, "number_from"), ABSENT if same else said
    if str(_at(old, ("clause", "states_number"))).lower() == "true":
        yield (*grounds, "clause", "states_number"), ABSENT if same else "false"


def _titled(
    old: Mapping[str, Any], at: TreePath, numbers: tuple[Any, Any]
) -> Iterator[tuple[TreePath, Any]]:
    """A title that says the number says the new one: 不高于因素法数的160%."""
    was, now = (_percent(number) for number in numbers)
    title = old.get("title")
    if was is None or now is None or not isinstance(title, Mapping):
        return
    told = {lang: re.sub(rf"(?<![\d.]){re.escape(was)}", now, str(title[lang])) for lang in title}
    if told != title or was == now:
        yield (*at, "title"), ABSENT if was == now else told


def _percent(number: Any) -> str | None:
    if not isinstance(number, str) or not re.fullmatch(r"[\d./]+", number):
        return None
    return f"{exact_text(Fraction(number) * 100)}%"


def _at(content: Any, steps: Sequence[str]) -> Any:
    """What stands in a place of a document; None where nothing does."""
    for step in steps:
        if isinstance(content, list) and step.isdigit() and int(step) < len(content):
            content = content[int(step)]
        else:
            content = content.get(step) if isinstance(content, Mapping) else None
    return content


def _is(written: Any, number: Fraction) -> bool:
    """Whether a document writes this number there."""
    try:
        return parse_exact(written) == number
    except ValueError:
        return False


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in re.split(r"[.\[\]]", path) if step)


# Lines by name.


def _line_of(draft: ScenarioDraft, line: str) -> DeskRule:
    known = {one.id: one for one in rule_lines(draft)}
    if line not in known:
        refuse(draft.name, "", f"unknown rule '{line}'{did_you_mean(line, known)}")
    return known[line]


def _field_of(draft: ScenarioDraft, line: str, path: str) -> tuple[DeskRule, RuleField]:
    told = _line_of(draft, line)
    fields = {one.path: one for one in told.fields}
    if path not in fields:
        refuse(draft.name, line, f"has no number '{path}'{did_you_mean(path, fields)}")
    return told, fields[path]
