"""What can go wrong for a user, each with the exit code of the CLI contract."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, signature
from typing import Any, NoReturn, TypeVar, cast


@dataclass(frozen=True)
class InputProblem:
    """One thing wrong with an input: which file, where in it, what."""

    file: str
    path: str
    message: str

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.path) if part)
        return f"{place}: {self.message}" if place else self.message


_SHOWN = 20
"""So many problems are spelled out in the message; `problems` holds all of them."""


class AllotError(Exception):
    """Base of all errors that a user can meet; `exit_code` is the CLI's."""

    exit_code = 2


class InputError(AllotError):
    """The input cannot be used; `problems` lists everything found wrong with it at once."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        if more := len(self.problems[_SHOWN:]):
            shown.append(f"... and {more:,} more")
        super().__init__("\n".join(shown))

    def __reduce__(self) -> tuple[type[InputError], tuple[object, ...]]:
        return InputError, (self.problems,)  # From one process to another.


class InfeasibleError(AllotError):
    """No allocation can keep the rules: proved, not timed out. The text names what cannot be met
    together, where that is known at once; `allot.diagnose` says what to change to what."""

    exit_code = 3

    def __init__(self, message: str, reasons: Sequence[dict[str, str]] = ()) -> None:
        """`reasons`: what cannot be met together, each in zh and en."""
        self.reasons = tuple(reasons)
        super().__init__(message)

    def __reduce__(self) -> tuple[type[InfeasibleError], tuple[object, ...]]:
        return InfeasibleError, (str(self), self.reasons)


class NoAnswer(StrEnum):
    """Why a solver gave none, as far as a user can meet it; the value is the message."""

    STOPPED = "the solver stopped at its limit without an allocation"
    NOT_WHOLE = "no whole-unit allocation was found within the limits"
    UNBOUNDED = "the solver reports an unbounded model; check weights and tiers"
    NONE_NEAR = "no allocation near the table was found that keeps the rules"


class NoAnswerError(AllotError):
    """The solver stopped without an allocation and without a proof that there is none."""

    exit_code = 4

    def __init__(self, said: NoAnswer | str) -> None:
        self.reason = said if isinstance(said, NoAnswer) else None
        super().__init__(str(said))

    def __reduce__(self) -> tuple[type[NoAnswerError], tuple[object, ...]]:
        return NoAnswerError, (self.reason or str(self),)


class Problems:
    """Collects problems, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self._found: dict[InputProblem, None] = {}

    def add(self, file: str, path: str, message: str) -> None:
        self._found.setdefault(InputProblem(file, path, message))

    def extend(self, problems: Iterable[InputProblem]) -> None:
        for problem in problems:
            self.add(problem.file, problem.path, problem.message)

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def found(self) -> tuple[InputProblem, ...]:
        """All problems so far, in the order in which they were found."""
        return tuple(self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise InputError(self.found)


def refuse(file: str, path: str, message: str) -> NoReturn:
    """Raise an `InputError` with one problem."""
    raise InputError([InputProblem(file, path, message)])


Call = TypeVar("Call", bound=Callable[..., Any])


def with_keywords(*more: str) -> Callable[[Call], Call]:
    """For a public function: a keyword that it does not have is a `TypeError` with the nearest,
    and so is another thing where it is due a scenario, a solution, a file.

    `more`: the keywords that it takes beside those that it names.
    """

    def decorate(call: Call) -> Call:
        named = [*signature(call).parameters.values()]
        known = [one.name for one in named if one.kind in (one.KEYWORD_ONLY, _EITHER)] + [*more]

        @wraps(call)
        def checked(*given: Any, **keywords: Any) -> Any:
            for name in keywords.keys() - set(known):
                listed = f"it takes {', '.join(known)}"
                near = did_you_mean(name, known)
                raise TypeError(f"{call.__name__}() has no keyword '{name}'{near}; {listed}")
            values = {**dict(zip((one.name for one in named), given, strict=False)), **keywords}
            for one in named:
                if one.name in values:
                    _check_due(call.__name__, one, values[one.name], one is named[0])
            return call(*given, **keywords)

        return cast("Call", checked)

    return decorate


_EITHER = Parameter.POSITIONAL_OR_KEYWORD
_WAYS = {
    "Scenario": 'a Scenario (allot.load("scenario.yaml"))',
    "Solution": "a Solution (allot.solve(scenario))",
    "Ranges": "Ranges (allot.ranges(solution))",
    "Options": "Options, or its fields as keywords (gap=0.1)",
    "Path": "the path of a file or folder",
}
_NAMES = {"FilePath": "Path", "PurePath": "Path", "NoneType": "None"}


def _check_due(call: str, due: Parameter, given: object, first: bool) -> None:
    """Classes are known by their names here: nothing that they are made of is imported yet."""
    kinds = {_NAMES.get(kind, kind): None for kind in str(due.annotation).split(" | ")}
    ways = [_WAYS[kind] for kind in kinds if kind in _WAYS]
    if not ways or not kinds.keys() <= _WAYS.keys() | {"str", "None"}:
        return
    if not {_NAMES.get(one.__name__, one.__name__) for one in type(given).__mro__} & kinds.keys():
        named = "" if first else f" as {due.name}="
        raise TypeError(f"{call}() is due {' or '.join(ways)}{named}, not {type(given).__name__}")


_LONGEST_NAME = 200
"""Characters; to compare longer ones takes seconds, and nobody mistypes them."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing when no name is near."""
    near = nearest(name, names)
    return "" if near is None else f" (did you mean '{near}'?)"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant; None where no name is near."""
    if len(name) > _LONGEST_NAME:
        return None
    known = [text for text in map(str, names) if len(text) <= _LONGEST_NAME]
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    if near:
        return folded[near[0]]
    return next((other for other in known if name and name in other), None)
