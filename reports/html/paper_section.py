"""The end of the page: the plan's calendar, what is assumed and from where, the record itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.record.manifest import Manifest, ParentRecord, in_fours
from reports.numbers import amount_text
from reports.view import remarks
from reports.view.page_model import PageModel

QUARTERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class CalendarStep:
    """One piece of work and the quarters in which it is due."""

    work: str
    when: str
    quarters: frozenset[int]


@dataclass(frozen=True)
class TaskPlan:
    """One task as the programme's plan has it, with its money."""

    title: str
    money: str
    article: str
    units: str
    """Who leads and who takes part."""
    main_work: str
    steps: tuple[CalendarStep, ...]


def calendar(model: PageModel) -> list[TaskPlan]:
    """The tasks with a schedule in their details; [] for a programme without any."""
    plans = [_plan(model, task) for task in model.tasks]
    return [plan for plan in plans if plan.steps]


def _plan(model: PageModel, task: int) -> TaskPlan:
    listed = model.solution.scenario.programme.task_list[task]
    details = listed.details
    return TaskPlan(
        title=listed.title.of(model.words.lang),
        money=amount_text(model.this.value("amount", model.counties, [task])),
        article=_text(details.get("article")),
        units=_units(model, details),
        main_work=_text(details.get("main_work")),
        steps=tuple(_steps(details.get("schedule"))),
    )


def _units(model: PageModel, details: Mapping[str, Any]) -> str:
    lead, others = _text(details.get("lead")), details.get("responsible")
    said = [model.words("page.lead", name=lead)] if lead else []
    if isinstance(others, list) and others:
        names = model.words("page.names").join(_text(name) for name in others)
        said.append(model.words("page.responsible", names=names))
    return model.words("page.clauses").join(said)


def _steps(schedule: object) -> list[CalendarStep]:
    """The steps of a `schedule: [{when, quarters, work}]`; anything else is left out."""
    steps = []
    for item in schedule if isinstance(schedule, list) else []:
        if isinstance(item, Mapping) and item.get("work"):
            given = item.get("quarters")
            listed = given if isinstance(given, list) else [given]
            due = frozenset(q for q in QUARTERS if str(q) in {str(one) for one in listed})
            steps.append(CalendarStep(_text(item["work"]), _text(item.get("when")), due))
    return steps


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class RecordLine:
    """One thing to know of the record."""

    name: str
    value: str


def record_lines(model: PageModel, manifest: Manifest) -> list[RecordLine]:
    """Who made the record when and with what, and every change that it carries."""
    words = model.words
    packages = {"Python": manifest.made_with.python, **manifest.made_with.packages}
    has_points = model.solution.scenario.spec.objective.has_points
    chosen = remarks.options_said(manifest.options, words, has_points=has_points)
    options = [words("pair", name=name, value=value) for name, value in chosen]
    pairs = (
        ("page.fingerprint", in_fours(manifest.fingerprint)),
        ("page.created", manifest.created),
        ("page.author", manifest.author),
        ("page.reason", manifest.reason),
        ("page.calibration", _calibration(model, manifest.scenario.calibration)),
        ("page.changes", words("list").join(model.solution.scenario.changes)),
        ("page.off", _titles(model, manifest.scenario.switched_off or ())),
        ("page.soft", _titles(model, tuple(manifest.scenario.soft or ()))),
        ("page.parent", _parent(manifest.parent)),
        ("page.options", words("pairs").join(options)),
        ("page.made-with", _pairs(packages)),
    )
    return [RecordLine(words(key), value) for key, value in pairs if value]


def _calibration(model: PageModel, name: str | None) -> str:
    programme = model.solution.scenario.programme
    return programme.calibration_title(name, model.words.lang) if name else ""


def _titles(model: PageModel, names: Sequence[str]) -> str:
    return model.words("list").join(model.view.title(name) for name in names)


def _parent(parent: ParentRecord | None) -> str:
    return f"{parent.folder} {parent.manifest}" if parent else ""


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def hashes(manifest: Manifest) -> list[RecordLine]:
    """File → SHA-256 of everything that the page was made from."""
    return [RecordLine(name, value) for name, value in sorted(manifest.files.items())]


def solver_notes(model: PageModel) -> list[str]:
    """What the solver and the search said of themselves."""
    return remarks.solver_notes(model.solution, model.words)


def signers(model: PageModel) -> list[str]:
    """Who is to sign."""
    own = [one.of(model.words.lang) for one in model.labels.sign_off]
    return own or [model.words(key) for key in ("page.prepared", "page.checked", "page.approved")]
