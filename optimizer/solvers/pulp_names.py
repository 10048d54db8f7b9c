"""Names that PuLP, LP files and MPS files all take: readable, ASCII, unique."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
