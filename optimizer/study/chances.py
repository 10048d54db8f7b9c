"""Rules that are to be kept in a share of samples: as rows with a mark a sample, and exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import numpy as np
from scipy import sparse

from models.allocation import Allocation
from models.errors import Problems, did_you_mean
from models.rule import Rule
from models.scenario import Scenario
from optimizer.audit.limits import limit_forms
from optimizer.formulation.model import Floats, Model
from optimizer.study.break_even import RateLimit
from optimizer.study.samples import Samples


@dataclass(frozen=True, eq=False)
class ChanceRule:
    """A rule, all limits of which are to be kept in one sample as often as asked."""

    rule: Rule
    at_least: Fraction
    limits: tuple[RateLimit, ...]

    def due(self, samples: int) -> int:
        """In how many of so many samples."""
        return ceil(self.at_least * samples)

    def kept(self, samples: Samples, allocation: Allocation) -> list[bool]:
        """[sample] whether it is kept, exactly."""
        return [min(rooms) >= 0 for rooms in samples.rooms(self.limits, allocation)]


def chance_rules(scenario: Scenario, asked: Mapping[str, Fraction]) -> tuple[ChanceRule, ...]:
    """The rules by id that are to be kept by chance, with their limits.

    `scenario` in code order. Raises `InputError` for a rule that is none, that counts no outcome,
    that gives way, or whose bound is more than numbers and outcomes.
    """
    problems, rules = Problems(), {rule.id: rule for rule in scenario.rules}
    forms = list(limit_forms(scenario, apart=True))
    found = []
    for name, share in asked.items():
        place = f"rules.{name}.chance"
        if name not in rules:
            problems.add("", place, f"there is no such rule{did_you_mean(name, rules)}")
            continue
        limits = []
        for form in (one for one in forms if one.rule == name):
            for room in form.written.rooms:
                if {of.measure for of in room.terms} <= set(scenario.programme.metrics):
                    limits.append(RateLimit(name, form.key, room.constant, room.terms, form.soft))
                else:
                    problems.add("", place, "goes with outcomes against numbers or outcomes")
        if rules[name].soft is not None:
            problems.add("", place, "chance does not go with soft, which may give way anyway")
        found.append(ChanceRule(rules[name], share, tuple(limits)))
    problems.raise_if_any()
    return tuple(found)


@dataclass(frozen=True, eq=False)
class ChanceRows:
    """The limits of one chance rule in every sample, as rows over the tiers of a model: kept where
    row · tiers + fixed ≥ 0."""

    rule: ChanceRule
    rows: Floats
    """[sample × limit, tier column], none of them larger than 1."""
    fixed: Floats
    """[sample × limit]"""
    samples: int

    @classmethod
    def of(cls, model: Model, samples: Samples, rule: ChanceRule) -> ChanceRows:
        """The rows over the tiers of a model."""
        scenario = samples.problem.scenario
        metrics, tasks = scenario.programme.metrics, len(scenario.programme.tasks)
        grid, plain = model.grid, (scenario.steps == 1).all()
        cell = divmod(grid.tier_cell, tasks)
        found = []
        for tiers in samples.tiers:
            rates = (tiers if plain else tiers.in_steps(scenario.steps)).rates
            for limit in rule.limits:
                row = np.zeros(len(grid.tier))
                for of, factor in limit.terms.items():
                    inside = np.zeros(scenario.programme.shape)
                    inside[np.ix_(of.counties, of.tasks)] = float(factor)
                    rate = rates[metrics.index(of.measure)]
                    row += rate[(*cell, grid.tier_number)] * inside[cell]
                found.append(row)
        table = np.array(found)
        size = np.abs(table).max(axis=1, initial=0.0)
        size = np.where(size > 0, size, 1.0)
        fixed = np.array([float(limit.fixed) for limit in rule.limits] * len(samples))
        return cls(rule, table / size[:, None], fixed / size, len(samples))

    def room(self, model: Model, values: Floats) -> Floats:
        """[sample] what is left to its tightest limit, in the size of the row."""
        left = self.rows @ values[model.grid.tier] + self.fixed
        return np.asarray(left.reshape(self.samples, -1).min(axis=1), dtype=np.float64)

    def held(self, model: Model, chosen: Floats, slip: float) -> Model:
        """The model in which the rule is kept in some samples, [sample] marks above a half."""
        at = np.repeat(chosen > 0.5, len(self.rule.limits))
        if not at.any():
            return model
        due = -self.fixed[at] + slip * np.abs(self.fixed[at])
        return _with_rows(model, _placed(self.rows[at], model), due, np.full(int(at.sum()), np.inf))

    def marked(self, model: Model, slip: float, *, due: bool = True) -> Model:
        """The model with a whole column a sample, the last ones: 1 only where the rule is kept in
        it; and as many of them as are `due`."""
        columns, count = len(model.cost), len(self.fixed)
        money = float(model.upper[model.grid.amount].sum())
        least = np.minimum(self.rows.min(axis=1, initial=0.0), 0.0) * money
        fixed = self.fixed - slip * np.abs(self.fixed)
        free = np.maximum(-fixed - least, 0.0)
        limits = len(self.rule.limits)
        of = columns + np.arange(count) // limits
        each = np.arange(count)
        wide = replace(
            model,
            cost=np.append(model.cost, np.zeros(self.samples)),
            lower=np.append(model.lower, np.zeros(self.samples)),
            upper=np.append(model.upper, np.ones(self.samples)),
            integer=np.append(model.integer, np.ones(self.samples, dtype=bool)),
            matrix=sparse.hstack(
                [model.matrix, sparse.csr_matrix((model.matrix.shape[0], self.samples))],
                format="csr",
            ),
        )
        marks = sparse.coo_matrix((-free, (each, of)), shape=(count, columns + self.samples))
        block = sparse.csr_matrix(_placed(self.rows, wide) + marks.tocsr())
        made = _with_rows(wide, block, -fixed - free, np.full(count, np.inf))
        if not due:
            return made
        total = np.zeros(columns + self.samples)
        total[columns:] = 1.0
        enough = np.array([float(self.rule.due(self.samples))])
        return _with_rows(made, sparse.csr_matrix(total[None, :]), enough, np.array([np.inf]))


def _placed(rows: Floats, model: Model) -> sparse.csr_matrix:
    """Rows over the tiers as rows over all columns."""
    inner = sparse.csr_matrix(rows)
    shape = (len(rows), len(model.cost))
    return sparse.csr_matrix((inner.data, model.grid.tier[inner.indices], inner.indptr), shape)


def _with_rows(model: Model, rows: sparse.csr_matrix, lower: Floats, upper: Floats) -> Model:
    return replace(
        model,
        matrix=sparse.vstack([model.matrix, rows], format="csr"),
        row_lower=np.append(model.row_lower, lower),
        row_upper=np.append(model.row_upper, upper),
    )
