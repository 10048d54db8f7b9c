"""Options that the verbs share, by decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from commands.session import NotNegative, RecordTarget, Session, told
from models.errors import refuse
from reports.catalogue import Words, language_of_locale

if TYPE_CHECKING:
    from models.scenario import Scenario
    from models.solution import Solution


# What the verbs share on the command line: their options by decorator, and their errors.


Read = Callable[[], "Scenario"]
Verb = TypeVar("Verb", bound=Callable[..., Any])


def helped(key: str) -> str:
    """The help text of `key`, in the language of the locale."""
    return Words(language_of_locale())(key)


class Verbs(click.Group):
    """The verbs; whatever goes wrong in one becomes a message on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except (Exception, KeyboardInterrupt) as error:
            ctx.exit(told(error, Words(ctx.obj or language_of_locale())))


NOT_NEGATIVE = NotNegative()


def shared(verb: Verb) -> Verb:
    """`--lang`, `--json`, `-q` as `given`."""

    @click.option("--lang", type=click.Choice(["zh", "en"]), help=helped("help.lang"))
    @click.option("--json", "as_json", is_flag=True, help=helped("help.json"))
    @click.option("-q", "--quiet", is_flag=True, help=helped("help.quiet"))
    @functools.wraps(verb)
    def run(*args: Any, lang: str | None, as_json: bool, quiet: bool, **rest: Any) -> Any:
        chosen = lang or language_of_locale()
        click.get_current_context().find_root().obj = chosen
        return verb(*args, given=Session(chosen, as_json, quiet), **rest)

    return run  # type: ignore[return-value]


def layering(verb: Verb) -> Verb:
    """`--with`, `--rules` and `--set` as `layers`: keywords of `models.scenario.load`."""
    book = click.Path(path_type=Path)

    @click.option("--set", "set_", multiple=True, metavar="PATH=VALUE", help=helped("help.set"))
    @click.option("--with", "with_", multiple=True, metavar="NAME", help=helped("help.with"))
    @click.option("--rules", type=book, metavar="FILE.xlsx", help=helped("help.rules"))
    @functools.wraps(verb)
    def run(*args: Any, **rest: Any) -> Any:
        layers = {key: rest.pop(key) for key in ("set_", "with_", "rules")}
        return verb(*args, layers=layers, **rest)

    return run  # type: ignore[return-value]


def reading(verb: Verb) -> Verb:
    """The scenario with `--with`, `--rules` and `--set`, as `read`: a function that loads it."""

    @click.argument("scenario")
    @layering
    @functools.wraps(verb)
    def run(*args: Any, scenario: str, layers: dict[str, Any], **rest: Any) -> Any:
        def read() -> Scenario:
            from models.scenario import load

            return load(scenario, **layers)

        return verb(*args, read=read, **rest)

    return run  # type: ignore[return-value]


def solving(verb: Verb) -> Verb:
    """The options of the solver, as `effort`: keywords of `optimizer.solve.Options`."""
    units = click.Choice(["whole", "exact", "continuous"])

    @click.option("--solver", default="highs", show_default=True, help=helped("help.solver"))
    @click.option("--gap", type=NOT_NEGATIVE, default=1e-4, help=helped("help.gap"))
    @click.option("--time-limit", type=NOT_NEGATIVE, metavar="S", help=helped("help.time-limit"))
    @click.option("--units", type=units, default="whole", help=helped("help.units"))
    @functools.wraps(verb)
    def run(*args: Any, **options: Any) -> Any:
        effort = {key: options.pop(key) for key in ("solver", "gap", "time_limit", "units")}
        return verb(*args, effort=effort, **options)

    return run  # type: ignore[return-value]


def recording(verb: Verb) -> Verb:
    """Where a record goes and what it says of its author, as `keep`."""
    folder = click.Path(path_type=Path)

    @click.option("-o", "--output", type=folder, metavar="DIR", help=helped("help.record"))
    @click.option("--force", is_flag=True, help=helped("help.force"))
    @click.option("--author", default="", help=helped("help.author"))
    @click.option("--reason", default="", help=helped("help.reason"))
    @functools.wraps(verb)
    def run(*args: Any, **options: Any) -> Any:
        keys = ("output", "force", "author", "reason")
        return verb(*args, keep=RecordTarget(*(options.pop(key) for key in keys)), **options)

    return run  # type: ignore[return-value]


def studying(verb: Verb) -> Verb:
    """How a study computes its points: the fields of `optimizer.study.How`, among the rest."""
    for option in (
        click.option("--time-limit", type=NOT_NEGATIVE, metavar="S", help=helped("help.each")),
        click.option("--gap", type=NOT_NEGATIVE, help=helped("help.gap")),
        click.option("--solver", help=helped("help.solver")),
        click.option("--yes", is_flag=True, help=helped("help.yes")),
        click.option("--dask", metavar="ADDRESS", help=helped("help.dask")),
        click.option("--workers", type=click.IntRange(min=1), help=helped("help.workers")),
        click.option("--relax", is_flag=True, help=helped("help.relax")),
    ):
        verb = option(verb)
    return verb


VARY: dict[str, Any] = {"multiple": True, "required": True, "metavar": "PATH=VALUES"}
"""Settings of `--vary`, beside its help."""


def storing(verb: Verb) -> Verb:
    """The folder that keeps a study, as `store`."""
    folder = click.Path(path_type=Path)
    names = ("-o", "--output", "store")
    return click.option(*names, type=folder, metavar="DIR", help=helped("help.study"))(verb)


def pricing(verb: Verb) -> Verb:
    """What `prices` is to work out, among the rest."""
    for option in (
        click.option(
            "--time-limit", type=NOT_NEGATIVE, metavar="S", help=helped("help.time-limit")
        ),
        click.option("--gap", type=NOT_NEGATIVE, help=helped("help.price-gap")),
        click.option("--rule", multiple=True, metavar="ID", help=helped("help.price-rule")),
        click.option("--exact", is_flag=True, help=helped("help.exact")),
        click.option("--weights", is_flag=True, help=helped("help.weights")),
    ):
        verb = option(verb)
    return verb


def comparing(verb: Verb) -> Verb:
    """What `compare` is asked for beside its columns, among the rest."""
    folder = click.Path(path_type=Path)
    for option in (
        click.option("--force", is_flag=True, help=helped("help.compare-force")),
        click.option(
            *("-o", "--output"), type=folder, metavar="DIR", help=helped("help.compare-folder")
        ),
        click.option("--county", multiple=True, metavar="NAME", help=helped("help.compare-county")),
        click.option("--cost-of-rules", is_flag=True, help=helped("help.cost-of-rules")),
        click.option("--reference", metavar="COLUMN", help=helped("help.reference")),
    ):
        verb = option(verb)
    return verb


# What the verbs that ask why are asked about: a scenario, or the solution that a record keeps.


@dataclass(frozen=True)
class Asked:
    """A scenario, with its solution where a record was named."""

    scenario: Scenario
    solution: Solution | None


ReadEither = Callable[[], Asked]


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
    from optimizer.records import read_solution

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
