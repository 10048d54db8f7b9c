"""Models written down as a table of numbers, without a scenario."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from scipy import sparse

from optimizer.formulation.model import Builder, Columns, Model


def table(rows: list[list[float]], bounds: list[tuple[float, float]], **changes: Any) -> Model:
    """A model of columns 0 ≤ v ≤ 10 with a cost of 1 each."""
    count = len(rows[0])
    columns = np.arange(count)
    builder = Builder()
    builder.add_columns(count, 10.0, lambda: [f"v[{i}]" for i in range(count)])
    low, high = zip(*bounds, strict=True)
    builder.add_rows((low, high), [], len(rows), lambda: [f"r/{i}" for i in range(len(rows))])
    none = np.zeros(0, dtype=np.int64)
    builder.add_rows((-inf, inf), [(none, none, none)], 0, list)
    model = builder.finish(Columns((1, count), columns, None, none, none, none), ())
    return replace(model, **{"matrix": sparse.csr_matrix(rows), "cost": np.ones(count), **changes})
