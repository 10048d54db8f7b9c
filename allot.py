"""Spread a public fund over places and tasks, exactly, with every rule checked.

    import allot

    scenario = allot.load("scenarios/base-2020.yaml")
    solution = allot.solve(scenario, gap=1e-3)
    allot.write_record(solution, "out/base-2020")

The verbs of the command line are functions here. Counties and tasks go by their codes or names,
options are keywords; money is in the programme's own unit, outcomes in those of their metrics.
`InputError` lists all that is wrong with an input at once, with file, place and the nearest name;
`InfeasibleError` says it is proved that no allocation keeps the rules, `NoAnswerError` that the
solver found none in its limits. Each name is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models import frames
    from models.allocation import Allocation, read_allocation
    from models.errors import InfeasibleError, InputError, NoAnswerError
    from models.metadata import read_labels
    from models.programme import Programme
    from models.scenario import Scenario, load
    from models.solution import Solution
    from models.starter import write_starter
    from optimizer.audit import audit
    from optimizer.baselines import baseline
    from optimizer.compare import compare
    from optimizer.decision import repair, solve
    from optimizer.infeasibility.diagnose import diagnose
    from optimizer.mending import mend
    from optimizer.pulp_export import to_pulp
    from optimizer.pulp_import import from_pulp
    from optimizer.reallocation import MidYear, reallocate
    from optimizer.records import read_record
    from optimizer.sensitivity.drop_rule import costs
    from optimizer.sensitivity.explain import explain
    from optimizer.sensitivity.more_money import more_money
    from optimizer.sensitivity.near_optimal import ranges, witness
    from optimizer.sensitivity.prices import prices
    from optimizer.sensitivity.stability import stability_curve
    from optimizer.study.assumption_table import assumptions
    from optimizer.study.batch import Changes, Factors, solve_many
    from optimizer.study.contestable import contestable
    from optimizer.study.drivers import drivers
    from optimizer.study.front import front
    from optimizer.study.grid import grid
    from optimizer.study.information import information
    from optimizer.study.kept_study import Design, open_study
    from optimizer.study.past_fit import backtest, calibrate
    from optimizer.study.robust import robust
    from optimizer.study.screening import screen
    from optimizer.study.sweep import sweep
    from optimizer.study.tornado import tornado
    from optimizer.study.uncertainty import uncertainty
    from reports import notebook_charts as charts
    from reports.drawn_again import verify
    from reports.excel.fund_book import write_fund
    from reports.record_writer import write_record
    from reports.word import papers
else:
    _HOMES = {
        "models.allocation": ("Allocation", "read_allocation"),
        "models.errors": ("InfeasibleError", "InputError", "NoAnswerError"),
        "models.frames": ("frames",),
        "models.metadata": ("read_labels",),
        "models.programme": ("Programme",),
        "models.scenario": ("Scenario", "load"),
        "models.solution": ("Solution",),
        "models.starter": ("write_starter",),
        "optimizer.audit": ("audit",),
        "optimizer.baselines": ("baseline",),
        "optimizer.compare": ("compare",),
        "optimizer.decision": ("repair", "solve"),
        "optimizer.infeasibility.diagnose": ("diagnose",),
        "optimizer.mending": ("mend",),
        "optimizer.pulp_export": ("to_pulp",),
        "optimizer.pulp_import": ("from_pulp",),
        "optimizer.reallocation": ("MidYear", "reallocate"),
        "optimizer.records": ("read_record",),
        "optimizer.sensitivity.drop_rule": ("costs",),
        "optimizer.sensitivity.explain": ("explain",),
        "optimizer.sensitivity.more_money": ("more_money",),
        "optimizer.sensitivity.near_optimal": ("ranges", "witness"),
        "optimizer.sensitivity.prices": ("prices",),
        "optimizer.sensitivity.stability": ("stability_curve",),
        "optimizer.study.batch": ("Changes", "Factors", "solve_many"),
        "optimizer.study.assumption_table": ("assumptions",),
        "optimizer.study.contestable": ("contestable",),
        "optimizer.study.drivers": ("drivers",),
        "optimizer.study.front": ("front",),
        "optimizer.study.grid": ("grid",),
        "optimizer.study.kept_study": ("Design", "open_study"),
        "optimizer.study.sweep": ("sweep",),
        "optimizer.study.tornado": ("tornado",),
        "optimizer.study.past_fit": ("backtest", "calibrate"),
        "optimizer.study.robust": ("robust",),
        "optimizer.study.screening": ("screen",),
        "optimizer.study.information": ("information",),
        "optimizer.study.uncertainty": ("uncertainty",),
        "reports.notebook_charts": ("charts",),
        "reports.drawn_again": ("verify",),
        "reports.excel.fund_book": ("write_fund",),
        "reports.record_writer": ("write_record",),
        "reports.word": ("papers",),
    }
    _HOME = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):
        if name not in _HOME:
            message = f"module 'allot' has no attribute '{name}'"
            raise AttributeError(message, name=name, obj=import_module(__name__))
        home = import_module(_HOME[name])
        globals()[name] = getattr(home, name, home)  # `charts` and `frames` are modules
        return globals()[name]

    def __dir__():
        return sorted(__all__)


__all__ = ["Allocation", "Programme", "Scenario", "Solution"]
__all__ += ["InfeasibleError", "InputError", "NoAnswerError"]
__all__ += ["load", "baseline", "solve", "audit", "repair", "mend", "compare", "grid", "sweep"]
__all__ += ["tornado", "prices", "costs", "ranges", "witness", "explain", "diagnose", "front"]
__all__ += ["MidYear", "reallocate", "to_pulp", "from_pulp"]
__all__ += ["read_record", "write_record", "papers", "verify", "read_allocation", "read_labels"]
__all__ += [
    "more_money",
    "stability_curve",
    "write_starter",
    "write_fund",
    "frames",
    "charts",
    "solve_many",
    "Changes",
    "Factors",
    "assumptions",
    "uncertainty",
    "drivers",
    "contestable",
    "open_study",
    "Design",
    "calibrate",
    "backtest",
    "robust",
    "screen",
    "information",
]

if __name__ == "__main__":
    from cli import main

    main()
