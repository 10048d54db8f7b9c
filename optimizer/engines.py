"""Which solver answers to a name, and what is said of it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from optimizer.solvers.effort import Engine


def pick_engine(name: str) -> tuple[Engine, tuple[str, ...]]:
    """The solver of that name, and what a report should say of the choice.

    `highs` is HiGHS through its own arrays; without highspy, and for every other name, the model
    goes through PuLP. Raises `InputError` for a name that PuLP does not know or cannot run.
    """
    if name == "highs":
        try:
            from optimizer.solvers.highs import solve_model
        except ImportError:
            from optimizer.solvers.pulp_model import pulp_engine

            return pulp_engine("cbc"), ("highspy is not installed: solved by CBC through PuLP",)
        return solve_model, ()
    from optimizer.solvers.pulp_model import pulp_engine

    return pulp_engine(name), ()


def engine_version(name: str) -> str:
    """The version of the package that solved."""
    for package in ("highspy", "pulp") if name == "highs" else ("pulp",):
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return ""
