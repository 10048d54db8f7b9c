"""A model as a PuLP problem and back, with names that PuLP, LP files and MPS files all take."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf, isfinite

import numpy as np
import pulp
from scipy import sparse

from models.errors import refuse
from optimizer.formulation.model import Floats, Model

# Names that PuLP, LP files and MPS files all take: readable, ASCII, unique.


LONGEST = 255
"""The most characters that the LP format allows a name."""
_ROOM = 16
"""Characters kept free for a number that makes a name unique."""
_OTHER = re.compile(r"[^A-Za-z0-9_]+")
_LIKE_A_NUMBER = re.compile(r"[0-9]|[eE]([0-9eE_]|$)")
_WORDS = frozenset(
    [
        "max",
        "maximize",
        "maximise",
        "maximum",
        "min",
        "minimize",
        "minimise",
        "minimum",
        "st",
        "such",
        "subject",
        "to",
        "bounds",
        "bound",
        "free",
        "inf",
        "infinity",
        "general",
        "generals",
        "gen",
        "integer",
        "integers",
        "int",
        "binary",
        "binaries",
        "bin",
        "semi",
        "semis",
        "sos",
        "sos1",
        "sos2",
        "end",
        "obj",
        "objective",
        "rhs",
        "ranges",
        "name",
        "rows",
        "columns",
    ]
)
"""Words with a meaning of their own in an LP or MPS file."""


def legal_names(spelled: Sequence[str], count: int, kind: str) -> list[str]:
    """`count` names in order: `x[510522,parks]` becomes `x_510522_parks`.

    Whatever is no letter, digit or underscore turns into `_`; a name that is there already gets a
    number (`amount_2`), in order, so that the same model always has the same names. Where
    `spelled` runs out, the rest are numbered by `kind`.
    """
    rest = [f"{kind}_{number + 1}" for number in range(len(spelled), count)]
    taken: set[str] = set()
    last: dict[str, int] = {}
    names = []
    for text in [*spelled, *rest]:
        stem = name = _legal(text)
        while name in taken:
            last[stem] = last.get(stem, 1) + 1
            name = f"{stem}_{last[stem]}"
        taken.add(name)
        names.append(name)
    return names


def _legal(text: str) -> str:
    name = _OTHER.sub("_", text).strip("_")[: LONGEST - _ROOM]
    if not name or _LIKE_A_NUMBER.match(name) or name.casefold() in _WORDS:
        return f"n_{name}".rstrip("_")
    return name


# A model as a PuLP problem with names, and a problem that somebody has changed as a model.
#
# PuLP has no rows with two different bounds: such a row becomes two constraints, `…_at_least` and
# `…_at_most`. A row without any bound is left out.


def to_problem(model: Model, name: str = "allot") -> pulp.LpProblem:
    """The model as a named maximisation: objective, constraints, bounds and whole columns.

    Columns and constraints carry the names of `legal_names`. Every column is in the problem: one
    that no row mentions stands in the objective, with a zero if need be.
    """
    return write_problem(model, name)[0]


def write_problem(model: Model, name: str) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """The problem, and its variables in the order of the model's columns."""
    with no_warnings():
        variables = _variables(model)
        problem = pulp.LpProblem(legal_names([name], 1, "")[0], pulp.LpMaximize)
        problem += _objective(model, variables)
        matrix = model.matrix
        starts, at = matrix.indptr.tolist(), matrix.indices.tolist()
        values = matrix.data.tolist()
        for side in sides(model):
            span = slice(starts[side.row], starts[side.row + 1])
            terms = {variables[c]: v for c, v in zip(at[span], values[span], strict=True)}
            expression = pulp.LpAffineExpression(terms)
            constraint = pulp.LpConstraint(expression, side.sense, rhs=side.bound)
            problem.addConstraint(constraint, side.name)
    return problem, variables


@dataclass(frozen=True)
class Side:
    """One constraint: a row, or one side of a row with two different bounds."""

    row: int
    sense: int
    """PuLP's: 1 at least, -1 at most, 0 equal."""
    bound: float
    name: str
    spelled: str
    """The row's name as the rule says it."""


def sides(model: Model) -> list[Side]:
    """The constraints of a model in the order of its rows."""
    spelled = model.row_names()
    found: list[tuple[int, int, float, str]] = []
    pairs = zip(model.row_lower.tolist(), model.row_upper.tolist(), strict=True)
    for row, (low, high) in enumerate(pairs):
        said = spelled[row] if row < len(spelled) else f"row_{row + 1}"
        if low == high:
            found.append((row, pulp.LpConstraintEQ, low, said))
            continue
        both = isfinite(low) and isfinite(high)
        if isfinite(low):
            found.append((row, pulp.LpConstraintGE, low, f"{said}/at_least" if both else said))
        if isfinite(high):
            found.append((row, pulp.LpConstraintLE, high, f"{said}/at_most" if both else said))
    names = legal_names([side[3] for side in found], len(found), "row")
    return [Side(*side[:3], name, side[3]) for side, name in zip(found, names, strict=True)]


def column_names(model: Model) -> list[str]:
    """The legal names of the model's columns."""
    return legal_names(model.column_names(), len(model.cost), "column")


@dataclass(frozen=True)
class Back:
    """A problem read back: the columns of the model that it came from first, then further ones."""

    model: Model
    """Without `limits`: a problem may have lost or changed their rows."""
    values: Floats
    """Of the columns; not a number where the problem has none."""
    row_names: tuple[str, ...]


def read_problem(problem: pulp.LpProblem, origin: Model) -> Back:
    """The problem, with whatever was added or changed in it, as a model like `origin`.

    Columns are found by their names. Raises `InputError` where the money columns of `origin` are
    not all there, a name stands twice, or the problem has special ordered sets.
    """
    names = column_names(origin)
    with no_warnings():
        variables = problem.variables()
        rows = dict(problem.constraints.items())
    _refuse_strange(problem, variables)
    by_name = {variable.name: variable for variable in variables}
    lost = [names[c] for c in origin.grid.amount.tolist() if names[c] not in by_name]
    if lost:
        refuse(problem.name, lost[0], "is not in the problem: it is of another scenario")
    ours = set(names)
    ordered = [by_name.get(name) for name in names]
    ordered += [variable for variable in variables if variable.name not in ours]
    place = {v.name: column for column, v in enumerate(ordered) if v is not None}
    sign = 1.0 if problem.sense == pulp.LpMaximize else -1.0
    cost = np.zeros(len(ordered))
    for variable, factor in (problem.objective or {}).items():
        cost[place[variable.name]] = sign * factor
    bounds = [(-inf, inf) if v is None else _bounds(v) for v in ordered]
    whole = np.array([v is not None and v.cat == pulp.LpInteger for v in ordered], dtype=bool)
    low, high = (np.array([pair[i] for pair in bounds]) for i in range(2))
    row_bounds = [_row_bounds(row) for row in rows.values()]
    model = replace(
        origin,
        cost=cost,
        lower=low,
        upper=high,
        integer=whole,
        matrix=_matrix(rows, place, len(ordered)),
        row_lower=np.array([pair[0] for pair in row_bounds]),
        row_upper=np.array([pair[1] for pair in row_bounds]),
        limits=(),
    )
    values = [np.nan if v is None or v.varValue is None else v.varValue for v in ordered]
    return Back(model, np.array(values, dtype=float), tuple(rows))


def _variables(model: Model) -> list[pulp.LpVariable]:
    columns = zip(
        column_names(model),
        model.lower.tolist(),
        model.upper.tolist(),
        model.integer.tolist(),
        strict=True,
    )
    return [
        pulp.LpVariable(
            name,
            low if isfinite(low) else None,
            high if isfinite(high) else None,
            pulp.LpInteger if whole else pulp.LpContinuous,
        )
        for name, low, high, whole in columns
    ]


def _objective(model: Model, variables: Sequence[pulp.LpVariable]) -> pulp.LpAffineExpression:
    mentioned = np.zeros(len(model.cost), dtype=bool)
    mentioned[model.matrix.indices] = True
    stands = (model.cost != 0) | ~mentioned
    if not stands.any():
        stands[0] = True
    cost = model.cost.tolist()
    return pulp.LpAffineExpression({variables[c]: cost[c] for c in np.flatnonzero(stands).tolist()})


def _refuse_strange(problem: pulp.LpProblem, variables: Sequence[pulp.LpVariable]) -> None:
    if problem.sos1 or problem.sos2:
        refuse(problem.name, "sos", "special ordered sets cannot be brought to whole units")
    seen: set[str] = set()
    for variable in variables:
        if variable.name in seen:
            refuse(problem.name, variable.name, "two variables have this name")
        seen.add(variable.name)


def _bounds(variable: pulp.LpVariable) -> tuple[float, float]:
    low, high = variable.lowBound, variable.upBound
    return (-inf if low is None else float(low), inf if high is None else float(high))


def _row_bounds(row: pulp.LpConstraint) -> tuple[float, float]:
    low, high = row.getLb(), row.getUb()
    return (-inf if low is None else float(low), inf if high is None else float(high))


def _matrix(
    rows: Mapping[str, pulp.LpConstraint], place: Mapping[str, int], columns: int
) -> sparse.csr_matrix:
    entries = [
        (number, place[variable.name], float(factor))
        for number, row in enumerate(rows.values())
        for variable, factor in row.items()
    ]
    row, column, value = (np.array([entry[i] for entry in entries]) for i in range(3))
    return sparse.coo_matrix((value, (row, column)), shape=(len(rows), columns)).tocsr()


@contextmanager
def no_warnings() -> Iterator[None]:
    """PuLP 3.3 warns of what 4.0 will rename; the version is pinned below 4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
