"""A rule as a form asks for it: for whom, what, how much, and where that comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from desk.state.draft import ScenarioDraft, Settings
from desk.state.rule_lines import RULES
from models.errors import Problems, refuse
from models.exact import exact_text, parse_exact, without_separators
from models.naming import Naming
from models.programme import Programme
from models.rule import BASELINE, Sense

Kind = Literal["number", "share", "times"]


@dataclass(frozen=True)
class RuleForm:
    """What a person fills in; counties and tasks by code or name."""

    title: str
    source: str
    """Why it is asked for, or where its number is from."""
    sense: Sense
    value: str
    """The number as typed: 500, 40%, 1.5."""
    kind: Kind = "number"
    """A plain number, a share (typed in percent) or a multiple of what `of` names."""
    of: str = "amount"
    """`amount`, `budget` or `baseline`, for a share or a multiple."""
    measure: str = "amount"
    """`amount`, `cells` (tasks with money), `counties` or a metric."""
    basis: Literal["practice", "assumption"] = "assumption"
    counties: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """County column (area, flag) → values."""
    tasks: tuple[str, ...] = ()
    per: tuple[str, ...] = ()
    """One limit in all, or one for each group: `county`, `task`, `prefecture` …"""


def add_rule(draft: ScenarioDraft, form: RuleForm, *, seen: int | None = None) -> str:
    """Add a rule to a scenario; its id.

    Raises `InputError` for names that are unknown or those of several, and, in the loader's words,
    for what is no rule.
    """
    rule = _rule_of(draft.scenario.programme, form)
    name = ""

    def settle(_: object) -> Settings:
        nonlocal name
        # Asked for once what another desk wrote is taken in: two may add a rule at a time.
        known = {rule.id for rule in draft.scenario.spec.rules}
        name = next(one for n in range(1, len(known) + 2) if (one := f"desk-{n}") not in known)
        return [((*RULES, name), rule)]

    draft.change("rules", "add", settle, seen)
    return name


def _rule_of(programme: Programme, form: RuleForm) -> dict[str, Any]:
    """The rule of a form, as a scenario file writes it but for its id."""
    title, source = form.title.strip(), form.source.strip()
    if not title:
        refuse("", "title", "a text is due here")
    where = _where(programme, form)
    told = {"zh": source, "en": source}
    return {
        "title": {"zh": title, "en": title},
        "basis": form.basis,
        **({"number_from": told} if form.basis == "practice" and source else {}),
        **({"reason": told} if source else {}),
        "measure": form.measure,
        **({"where": where} if where else {}),
        **({"per": list(form.per)} if form.per else {}),
        form.sense: _bound(form, where),
    }


def _where(programme: Programme, form: RuleForm) -> dict[str, list[str]]:
    naming, problems = Naming.of(programme), Problems()
    where = {name: list(values) for name, values in form.columns.items() if values}
    for what, names in (("county", form.counties), ("task", form.tasks)):
        for name in names:
            try:
                where.setdefault(what, []).append(naming.known_code(what, name))
            except ValueError as error:
                problems.add("", what, str(error))
    problems.raise_if_any()
    return where


def _bound(form: RuleForm, where: Mapping[str, list[str]]) -> Any:
    number = _number(form)
    if form.kind == "number":
        return number
    part: dict[str, Any] = {form.kind: number, "of": form.of}
    if form.of == BASELINE:
        # What the baseline gives in the same place: by its groups, or in all of it.
        part |= {key: value for key, value in (("where", where), ("per", list(form.per))) if value}
    return part


def _number(form: RuleForm) -> str:
    text = form.value.strip()
    plain = text.removesuffix("%").removesuffix("％").strip()
    try:
        number = parse_exact(without_separators(plain))
    except ValueError as error:
        refuse("", "value", str(error))
    as_share = form.kind == "share" or (form.kind == "times" and plain != text)
    return exact_text(number / 100 if as_share else number)
