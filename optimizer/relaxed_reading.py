"""What blocks come to in a solution of the model, as floats; the audit's own reading is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.exact import MICRO
from models.scenario import Scenario
from optimizer.audit.limits import Form
from optimizer.audit.measure import Measured
from optimizer.formulation.model import Floats, Model


def reader(scenario: Scenario, model: Model, values: Floats) -> Callable[[Measured], float]:
    """What blocks come to in a solution of the model, cells funded in part as far as they are."""
    shape, grid = scenario.programme.shape, model.grid
    money = values[grid.amount].reshape(shape)
    funded = (values[grid.funded] if grid.funded is not None else (money.ravel() > 0)).astype(float)
    tables = {"amount": money, "cells": funded.reshape(shape)}
    for at, name in enumerate(scenario.programme.metrics):
        worth = yield_costs(scenario, model, at) * values
        cells = np.bincount(grid.tier_cell, worth[grid.tier], minlength=money.size)
        tables[name] = cells.reshape(shape)

    def read(measured: Measured) -> float:
        places = np.ix_(measured.counties, measured.tasks)
        if measured.measure == "counties":
            return float(tables["cells"][places].max(axis=1, initial=0.0).sum())
        return float(tables[measured.measure][places].sum())

    return read


def comes_to(form: Form, read: Callable[[Measured], float]) -> float:
    """The form as a float."""
    return float(form.constant) + sum(float(c) * read(m) for m, c in form.terms.items())


def yield_costs(scenario: Scenario, model: Model, metric: int) -> Floats:
    """A metric as costs of the model's columns: units per money unit of each tier."""
    rates = scenario.tiers.rate[metric].reshape(-1, scenario.tiers.rate.shape[-1]) / MICRO
    cost = np.zeros(len(model.cost))
    cost[model.grid.tier] = rates[model.grid.tier_cell, model.grid.tier_number]
    return cost
