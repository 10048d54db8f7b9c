"""Options that several verbs share, as decorators, and the types of their values."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from commands.output_folder import PageFolder, RecordTarget
from commands.session import Session
from models.errors import refuse
from models.files import resolved
from reports.catalogue import Words, language_of_locale

if TYPE_CHECKING:
    from models.scenario import Scenario
    from models.solution import Solution

Verb = TypeVar("Verb", bound=Callable[..., Any])
Option = Callable[[Any], Any]


def help_text(key: str) -> str:
    """The help text of `key`, in the language of the locale."""
    return Words(language_of_locale())(key)


def stacked(*options: Option) -> Callable[[Verb], Verb]:
    """The options, in the order in which `--help` lists them."""

    def decorate(verb: Verb) -> Verb:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return decorate


def packed(name: str, make: Callable[..., Any], *options: Option) -> Callable[[Verb], Verb]:
    """The options, whose values reach the verb as one: `make` of them, as its keyword `name`."""

    def decorate(verb: Verb) -> Verb:
        keys: list[str] = []

        @functools.wraps(verb)
        def run(*args: Any, **given: Any) -> Any:
            made = make(**{key: given.pop(key) for key in keys})
            return verb(*args, **given, **{name: made})

        before = len(getattr(run, "__click_params__", ()))
        stacked(*options)(run)
        keys += [option.name for option in run.__click_params__[before:]]  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return decorate


class PlainNumber(click.ParamType):  # type: ignore[type-arg]
    """A finite number, zero or more, written with the digits 0 to 9.

    `below`: it must be below this; `positive`: and above zero.
    """

    name = "number"

    def __init__(self, below: float = math.inf, positive: bool = False) -> None:
        self.below, self.positive = below, positive

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not str(value).isascii() or not (math.isfinite(number) and number >= 0):
            self.fail(f"{value} is not a number of zero or more", param, ctx)
        if number >= self.below or (self.positive and number == 0):
            due = f"from 0 to below {self.below:g}" if self.below < math.inf else "above 0"
            self.fail(f"{value} is not a number {due}", param, ctx)
        return number


PATH = click.Path(path_type=Path)
GAP, SECONDS = PlainNumber(below=1), PlainNumber(positive=True)


def record_argument(verb: Verb) -> Verb:
    """The folder of a record, as `record`."""
    return click.argument("record", type=PATH)(verb)


def gap_option(key: str = "help.gap", **more: Any) -> Option:
    """`--gap`; `key` is its help."""
    return click.option("--gap", type=GAP, help=help_text(key), **more)


def time_limit_option(key: str = "help.time-limit") -> Option:
    """`--time-limit`; `key` is its help."""
    return click.option("--time-limit", type=SECONDS, metavar="S", help=help_text(key))


def folder_option(key: str, *names: str, **more: Any) -> Option:
    """`-o DIR`; `key` is its help."""
    told = help_text(key)
    return click.option("-o", "--output", *names, type=PATH, metavar="DIR", help=told, **more)


def file_option(key: str, **more: Any) -> Option:
    """`-o` of one file; `key` is its help."""
    return click.option("-o", "--output", type=PATH, help=help_text(key), **more)


def _session(lang: str | None, as_json: bool, quiet: bool) -> Session:
    return Session(lang or language_of_locale(), as_json, quiet)


shared = packed(
    "session",
    _session,
    click.option("--lang", type=click.Choice(["zh", "en"]), help=help_text("help.lang")),
    click.option("--json", "as_json", is_flag=True, help=help_text("help.json")),
    click.option("-q", "--quiet", is_flag=True, help=help_text("help.quiet")),
)
"""`--lang`, `--json`, `-q` as `session`, a `Session`."""


@dataclass(frozen=True)
class ScenarioOrRecord:
    """A scenario, with its solution where a record was named."""

    scenario: Scenario
    solution: Solution | None


@dataclass(frozen=True)
class ScenarioArgument:
    """What a verb is asked about, as it stands on the command line; read only when asked for."""

    scenario: str
    set_: tuple[str, ...]
    with_: tuple[str, ...]
    rules: Path | None

    @property
    def typed(self) -> str:
        """The scenario and its changes, to be typed again."""
        given = [("--with", one) for one in self.with_]
        given += [("--rules", str(self.rules))] if self.rules else []
        given += [("--set", one) for one in self.set_]
        return " ".join([self.scenario, *(word for pair in given for word in pair)])

    @property
    def is_record(self) -> bool:
        """Whether a folder is named in place of a scenario."""
        return Path(self.scenario).is_dir()

    def and_set(self, *settings: str) -> ScenarioArgument:
        """With further `--set`."""
        return replace(self, set_=(*self.set_, *settings))

    def of(self, scenario: str) -> ScenarioArgument:
        """The same changes of another scenario."""
        return replace(self, scenario=scenario)

    def and_with(self, name: str) -> ScenarioArgument:
        """With a further `--with`."""
        return replace(self, with_=(*self.with_, name))

    def load(self, session: Session) -> Scenario:
        """The scenario, with the changes of `--with`, `--rules` and `--set`; tells how it read
        tables."""
        from models.scenario import load

        scenario = load(self.scenario, set_=self.set_, with_=self.with_, rules=self.rules)
        session.tell_notes(scenario.notes)
        return scenario

    def refuse_own(self, output: Path | None, scenario: Scenario) -> None:
        """Refuse to write over a file that the scenario is read from."""
        if output is None or not output.exists():
            return
        place, folder = resolved(output), scenario.programme.folder
        own = [*scenario.document.files, *([resolved(self.rules)] if self.rules else [])]
        if scenario.spec.last_year and isinstance(scenario.document.folder, Path):
            own.append(resolved(scenario.document.folder / scenario.spec.last_year))
        if place in own or (isinstance(folder, Path) and resolved(folder) in place.parents):
            refuse(str(output), "", "is read for this very scenario; name another file")

    def load_scenario_or_record(self, session: Session) -> ScenarioOrRecord:
        """The scenario, or what the record keeps whose folder is named in its place."""
        if not self.is_record:
            return ScenarioOrRecord(self.load(session), None)
        changes = {"--set": self.set_, "--with": self.with_, "--rules": self.rules}
        for option, value in changes.items():
            if value:
                refuse(option, "", "does not go with a record, which is settled; name a scenario")
        from optimizer.records import read_solution

        solution, _ = read_solution(Path(self.scenario))
        return ScenarioOrRecord(solution.scenario, solution)


_LAYERS = (
    click.option("--set", "set_", multiple=True, metavar="PATH=VALUE", help=help_text("help.set")),
    click.option("--with", "with_", multiple=True, metavar="NAME", help=help_text("help.with")),
    click.option("--rules", type=PATH, metavar="FILE.xlsx", help=help_text("help.rules")),
)

layering = packed("layers", dict, *_LAYERS)
"""`--with`, `--rules` and `--set` as `layers`: keywords of `models.scenario.load`."""

reading = packed("source", ScenarioArgument, click.argument("scenario"), *_LAYERS)
"""The scenario with `--with`, `--rules` and `--set`, as `source`."""

reading_if_named = packed(
    "source", ScenarioArgument, click.argument("scenario", default=""), *_LAYERS
)
"""As `reading`, of a verb that has an example of its own where no scenario is named."""

solving = packed(
    "effort",
    dict,
    click.option("--solver", default="highs", help=help_text("help.solver")),
    gap_option(default=1e-4),
    time_limit_option(),
    click.option(
        "--units",
        type=click.Choice(["whole", "exact", "continuous"]),
        default="whole",
        help=help_text("help.units"),
    ),
    click.option(
        "--strategy",
        type=click.Choice(["auto", "decomposed", "monolithic"]),
        default="auto",
        help=help_text("help.strategy"),
    ),
)
"""The options of the solver, as `effort`: fields of `optimizer.solve.Options`."""

recording = packed(
    "keep",
    RecordTarget,
    folder_option("help.record"),
    click.option("--force", is_flag=True, help=help_text("help.force")),
    click.option("--author", default="", help=help_text("help.author")),
    click.option("--reason", default="", help=help_text("help.reason")),
)
"""Where a record goes and what it says of its author, as `keep`."""


def paging(key: str = "help.page-folder") -> Callable[[Verb], Verb]:
    """The folder that keeps the page of a verb, as `pages`; `key` is the help."""
    return packed("pages", PageFolder, folder_option(key))
