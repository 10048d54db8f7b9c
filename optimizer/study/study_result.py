"""What a point gives, and the rows and columns of a whole study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from models.errors import InfeasibleError, InputError, NoAnswerError
from models.exact import parse_exact
from models.files import csv_text, guarded
from models.strict_yaml import Text

if TYPE_CHECKING:
    import pandas as pd


Status = Literal[
    "optimal", "feasible", "infeasible", "no answer", "bad input", "failed", "kept", "broken"
]
"""kept, broken: of a table that was read there and not sought."""
Value = str | float | int | bool | None


@dataclass(frozen=True)
class Result:
    """What one point gives; figures are None where no allocation was found."""

    status: Status
    why: str = ""
    """Why there is no allocation."""
    why_zh: str = ""
    """The same in Chinese, where it is known."""
    objective: float | None = None
    """As `solve` gives it at this point, by the yardstick of this point."""
    worth: float | None = None
    """The same outcomes weighed as the unchanged scenario weighs them, so that points compare."""
    bound_solver: float | None = None
    """Of the objective less penalties, by the solver's word, widened by its tolerance."""
    gap: float | None = None
    outcomes: Mapping[str, float] = field(default_factory=dict)
    spent: float | None = None
    moved: float | None = None
    """Money units that stand elsewhere than in the unchanged scenario's own allocation."""
    amounts: tuple[str, ...] = ()
    """Money by cell, exact, as text; of a relaxation only where it is asked for."""

    def as_json(self) -> dict[str, Any]:
        """Fields as JSON can say them; `from_json` reads them back without loss."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Result:
        return Result(**{**content, "amounts": tuple(content["amounts"])})


def without(status: Status, said: Text) -> Result:
    """The result of a point that has no allocation."""
    return Result(status, said.en, said.zh)


def failed(error: Exception) -> Result:
    """The result of a point that has none, and why; the other points go on."""
    if isinstance(error, InfeasibleError):
        return without("infeasible", _in_conflict(error))
    if isinstance(error, InputError):
        problems = [replace(one, file=_of_user(one.file)) for one in error.problems]
        return Result("bad input", "; ".join(map(str, problems)))
    if isinstance(error, NoAnswerError):
        return Result("no answer", str(error))
    return Result("failed", f"{type(error).__name__}: {error}")


def _in_conflict(error: InfeasibleError) -> Text:
    told = "；".join(reason["zh"] for reason in error.reasons)
    zh = "没有安排能同时满足全部约束"
    return Text(zh=f"{zh}：{told}" if told else zh, en=str(error))


def _of_user(file: str) -> str:
    """A point is no file: what `Scenario.replace` calls itself says nothing to a user."""
    return "" if file == "replace()" else file


@dataclass(frozen=True)
class Study:
    """A table of results, with what has to be said of it."""

    kind: str
    """grid, sweep or tornado."""
    scenario: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    unchanged: Mapping[str, Value]
    """What the unchanged scenario gives, by column."""
    notes: tuple[Text, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why there is no allocation, as `why` says it → the same in Chinese, where it is known."""

    def frame(self) -> pd.DataFrame:
        """The rows as a tidy frame; `attrs` holds `notes` (English) and `unchanged`."""
        import pandas as pd

        frame = pd.DataFrame(list(self.rows), columns=list(self.columns))
        frame.attrs = {
            "kind": self.kind,
            "scenario": self.scenario,
            "notes": [note.en for note in self.notes],
            "unchanged": dict(self.unchanged),
        }
        return frame

    def csv(self) -> str:
        """The rows as a CSV text; numbers are written in full, what is not there is empty."""
        return csv_text(self.columns, [[_cell(value) for value in row] for row in self.rows])


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guarded(value) if isinstance(value, str) else repr(value)


def as_value(text: str) -> Value:
    """A point's value for a table: a number where it is one."""
    try:
        number = parse_exact(text)
    except ValueError:
        return text
    return int(number) if number.denominator == 1 else float(number)


def reasons_of(results: Iterable[Result]) -> dict[str, str]:
    """`Study.reasons` of results."""
    return {result.why: result.why_zh for result in results if result.why_zh}


def metric_columns(metrics: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Metric → the column that holds its outcome: its id, unless that is taken."""
    return {name: f"{name}_outcome" if name in taken else name for name in metrics}
