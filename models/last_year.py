"""What places got the year before: a comparison, never a rule by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from models.errors import Problems, did_you_mean
from models.exact import parse_not_negative
from models.files import File
from models.programme import Programme
from models.table import need_columns, read_rows


@dataclass(frozen=True)
class LastYear:
    """Money units of the year before."""

    by_county: Mapping[str, Fraction]
    """County code → money, over its tasks; counties that the file leaves out are not known."""
    outside: tuple[tuple[str, str, Fraction], ...]
    """(code, name, money) of places outside the grid, such as a prefecture's own firms."""

    @property
    def total(self) -> Fraction:
        """All the money, inside and outside the grid."""
        return sum(
            [*self.by_county.values(), *(money for _, _, money in self.outside)], Fraction(0)
        )


def read_last_year(path: File, programme: Programme) -> LastYear:
    """Read a CSV file of county, amount and optionally task and name.

    Rows of one county add up, so a file by county and task serves as well. A code that is no
    county of the programme needs a name: it is then a place outside the grid. Unknown codes and
    tasks, duplicates and amounts that are no number of zero or more are refused, all at once.
    """
    header, rows = read_rows(path)
    need_columns(path, header, ["county", "amount"])
    problems = Problems()
    by_county: dict[str, Fraction] = {}
    outside: list[tuple[str, str, Fraction]] = []
    seen: set[tuple[str, str]] = set()
    for place, cells in rows:
        row = dict(zip(header, cells, strict=True))
        county, task = row["county"], row.get("task", "")
        if (county, task) in seen:
            problems.add(path.name, place, f"{county} {task} stands here more than once".strip())
        seen.add((county, task))
        if task and task not in programme.tasks.index:
            near = did_you_mean(task, programme.tasks.ids)
            problems.add(path.name, place, f"unknown task '{task}'{near}")
        try:
            amount = parse_not_negative(row["amount"])
        except ValueError as error:
            problems.add(path.name, f"{place}: amount", str(error))
            continue
        if county in programme.counties.index:
            by_county[county] = by_county.get(county, Fraction(0)) + amount
        elif name := row.get("name", ""):
            outside.append((county, name, amount))
        else:
            near = did_you_mean(county, programme.counties.ids)
            problems.add(
                path.name,
                place,
                f"unknown county '{county}'{near}; outside the grid it needs a name",
            )
    problems.raise_if_any()
    return LastYear(by_county, tuple(outside))
