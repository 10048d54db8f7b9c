"""Wording of official papers that only a programme can give: `papers.yaml`, optional.

What it leaves out the papers leave to be filled in by hand; nothing in it is computed with.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from models.errors import Problems, did_you_mean
from models.programme import Programme, inside
from models.strict import NO_TEXT, EitherText, Strict, parse_model, read_yaml

FILE = "papers.yaml"


class Indicator(Strict):
    """One line of the table of targets."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    first: EitherText
    """First level: 产出指标."""
    second: EitherText
    """Second level: 数量指标."""
    title: EitherText
    rule: str | None = None
    """The rule whose limit is the target and whose value is read; one without groups."""
    metric: str | None = None
    """A metric, with the target that the programme gives it."""
    cost_of: str | None = None
    """A metric: money for one unit of it."""
    due: EitherText = NO_TEXT
    """The target in words, where neither a rule nor a metric gives it."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Indicator:
        if [self.rule, self.metric, self.cost_of].count(None) < 2:
            raise ValueError("an indicator has one of rule, metric, cost_of, or none")
        return self


class Papers(Strict):
    """The content of `papers.yaml`."""

    department: EitherText = NO_TEXT
    period: EitherText = NO_TEXT
    goal: EitherText = NO_TEXT
    """What the year is to bring, in the plan's words."""
    money_from: EitherText = NO_TEXT
    """Whose money it is: 省级资金."""
    indicators: tuple[Indicator, ...] = ()


def read_papers(programme: Programme) -> Papers:
    """The papers' wording, empty where the file is absent.

    Raises `InputError` with every unknown field and every metric that the programme does not have.
    """
    path = inside(programme.folder, FILE)
    if not path.exists():
        return Papers()
    papers = parse_model(Papers, read_yaml(path) or {}, FILE)
    problems = Problems()
    for number, indicator in enumerate(papers.indicators):
        for key, name in (("metric", indicator.metric), ("cost_of", indicator.cost_of)):
            if name is not None and name not in programme.metrics:
                near = did_you_mean(name, programme.metrics)
                problems.add(FILE, f"indicators[{number}].{key}", f"unknown metric '{name}'{near}")
    problems.raise_if_any()
    return papers
