"""The factors of a baseline by formula: what each is called, its weight, its value by county."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod

from models.exact import exact_text
from models.scenario_file import BaselineSpec, FactorTerm
from reports.view.rule_view import RuleView

_ONE, _NONE = Fraction(1), Fraction(0)


@dataclass(frozen=True)
class FactorColumn:
    """One factor: what it is called, its weight, and its value in each county."""

    title: str
    weight: Fraction
    values: tuple[Fraction, ...]
    columns: tuple[str, ...]

    @cached_property
    def total(self) -> Fraction:
        return sum(self.values, _NONE)


def factor_spec(view: RuleView) -> BaselineSpec | None:
    """The factor method of the scenario, else of its programme; None where neither has one."""
    scenario = view.scenario
    for spec in (scenario.baseline, scenario.programme.file.baseline):
        if spec.kind in ("factor", "equal", "per-resident"):
            return spec
    return None


def factors_of(view: RuleView, spec: BaselineSpec) -> list[FactorColumn]:
    """The factors of a baseline; equal and per-resident ones are of one factor."""
    terms = spec.factors
    if spec.weight_column or spec.kind == "per-resident":
        terms = (FactorTerm(weight=_ONE, columns=(str(spec.weight_column or spec.residents),)),)
    elif not terms:
        terms = (FactorTerm(weight=_ONE),)
    return [_factor(view, term) for term in terms]


def _factor(view: RuleView, term: FactorTerm) -> FactorColumn:
    counties, words = view.scenario.programme.counties, view.words
    columns = [counties.numbers(name) for name in term.columns]
    values = [prod((column[c] for column in columns), start=_ONE) for c in range(len(counties))]
    names = [view.labels.column(name, words.lang) for name in term.columns]
    used = list(term.columns)
    if term.cost is not None:
        index = counties.numbers(term.cost.column)
        values = [v * (1 + term.cost.step * i) for v, i in zip(values, index, strict=True)]
        column = view.labels.column(term.cost.column, words.lang)
        names.append(words("factor.cost", step=exact_text(term.cost.step), column=column))
        used.append(term.cost.column)
    title = " × ".join(names) or words("factor.equal")
    return FactorColumn(title, term.weight, tuple(values), tuple(used))
