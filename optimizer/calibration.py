"""Calibration: the kappa of a response formula, fitted at the whole-unit factor baseline."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from models.errors import did_you_mean, refuse
from models.programme import inside
from models.response import Response, fit_kappa, read_response, tiers_by_formula
from models.scenario import Scenario
from models.tiers import Tiers
from optimizer.baselines import baseline

Kappas = dict[str, dict[str, Fraction]]
"""Calibration → metric → κ, metric units per money unit, in steps of 10⁻⁹."""


def fitted_kappas(scenario: Scenario) -> Kappas:
    """The smallest κ at which the factor baseline of the scenario meets what `fit` asks for.

    Reads `fit` of the programme's response file, every calibration in it; the outcomes are those
    of the final tier table and of the baseline in whole money units. Raises InputError where the
    programme has no response file, a metric is unknown, or no κ reaches a total.
    """
    response, columns = _response(scenario), scenario.programme.formula_columns
    amounts = baseline(scenario, kind="factor").amounts
    by_task = {task: amounts[:, t].tolist() for t, task in enumerate(scenario.programme.tasks.ids)}
    known = scenario.programme.metrics
    kappas: Kappas = {}
    for name, fits in response.fit.items():
        kappas[name] = {}
        for metric, fit in fits.items():
            if metric not in known:
                near = did_you_mean(metric, known)
                file = scenario.programme.file.response or ""
                refuse(file, f"fit.{name}.{metric}", f"unknown metric '{metric}'{near}")
            if fit.task is not None and fit.task not in by_task:
                near = did_you_mean(fit.task, by_task)
                file = scenario.programme.file.response or ""
                refuse(file, f"fit.{name}.{metric}.task", f"unknown task '{fit.task}'{near}")
            kappas[name][metric] = fit_kappa(response, columns, by_task, metric, fit)
    return kappas


def calibrated_tiers(
    scenario: Scenario, kappas: Mapping[str, Mapping[str, Fraction]]
) -> dict[str, Tiers]:
    """Calibration → the tiers of all cells under its κ; `write_tiers` makes a file of them."""
    response, programme = _response(scenario), scenario.programme
    columns = programme.formula_columns
    return {
        name: tiers_by_formula(response, columns, programme.tasks.ids, programme.metrics, kappa)
        for name, kappa in kappas.items()
    }


def _response(scenario: Scenario) -> Response:
    """The programme's response formula, with the scenario's changes to its constants."""
    programme = scenario.programme
    if programme.file.response is None:
        refuse("programme.yaml", "response", "is missing, so there is nothing to calibrate")
    return read_response(inside(programme.folder, programme.file.response), scenario.spec.response)
