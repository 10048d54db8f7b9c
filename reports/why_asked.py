"""What the verbs that ask why are asked about: a scenario, or the solution that a record keeps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from models.errors import refuse
from reports.options import NOT_NEGATIVE, helped

if TYPE_CHECKING:
    from models.scenario import Scenario
    from models.solution import Solution

Verb = TypeVar("Verb", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asked:
    """A scenario, with its solution where a record was named."""

    scenario: Scenario
    solution: Solution | None


Read = Callable[[], Asked]


def reading_either(verb: Verb) -> Verb:
    """A scenario with `--with`, `--rules` and `--set`, or a record, as `read`."""
    book = click.Path(path_type=Path)

    @click.argument("scenario")
    @click.option("--set", "set_", multiple=True, metavar="PATH=VALUE", help=helped("help.set"))
    @click.option("--with", "with_", multiple=True, metavar="NAME", help=helped("help.with"))
    @click.option("--rules", type=book, metavar="FILE.xlsx", help=helped("help.rules"))
    @functools.wraps(verb)
    def run(*args: Any, scenario: str, **rest: Any) -> Any:
        layers = {key: rest.pop(key) for key in ("set_", "with_", "rules")}
        return verb(*args, read=lambda: _read(scenario, layers), **rest)

    return run  # type: ignore[return-value]


def _read(name: str, layers: dict[str, Any]) -> Asked:
    if not Path(name).is_dir():
        from models.scenario import load

        return Asked(load(name, **layers), None)
    for option, key in (("--set", "set_"), ("--with", "with_"), ("--rules", "rules")):
        if layers[key]:
            refuse(option, "", "does not go with a record, which is settled; name a scenario")
    from optimizer.recorded import read_solution

    solution, _ = read_solution(Path(name))
    return Asked(solution.scenario, solution)


class Share(click.ParamType):  # type: ignore[type-arg]
    """A share from 0 to below 1: `0.5%` or `0.005`."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        from models.exact import parse_exact

        text = str(value).strip()
        try:
            number = parse_exact(text.rstrip("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{value!r} is no share; write 0.5% or 0.005", param, ctx)
        if not 0 <= number < 1:
            self.fail(f"{value} is not a share from 0 to below 100%", param, ctx)
        return float(Fraction(number))


def ranging(verb: Verb) -> Verb:
    """The options of `ranges`."""
    for option in (
        click.option(
            *("-o", "--output"),
            type=click.Path(path_type=Path),
            metavar="DIR",
            help=helped("help.witness-folder"),
        ),
        click.option(
            "--time-limit", type=NOT_NEGATIVE, metavar="S", help=helped("help.time-limit")
        ),
        click.option("--witness", multiple=True, metavar="NAME", help=helped("help.witness")),
        click.option("--within", type=Share(), default=0.005, help=helped("help.within")),
    ):
        verb = option(verb)
    return verb


def explaining(verb: Verb) -> Verb:
    """The options of `explain`."""
    table = click.Path(path_type=Path)
    for option in (
        click.option("--table", type=table, metavar="FILE", help=helped("help.table")),
        click.option("--against", metavar="COUNTY", help=helped("help.against")),
    ):
        verb = option(verb)
    return verb
