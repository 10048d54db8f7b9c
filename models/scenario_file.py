"""The content of a scenario file, key by key, as it is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, field_validator, model_validator

from models.aim import Objective
from models.exact import NotNegative, exact_text
from models.rule import Grounds, Rule, Where
from models.strict_yaml import NO_TEXT, EitherText, Flag, Name, Strict, name_fault
from models.table import Table

BaselineKind = Literal["factor", "equal", "per-resident", "greedy", "table"]


class Cost(Strict):
    """A cost index: 1 + step × column."""

    column: str
    step: NotNegative


class FactorTerm(Strict):
    """One factor: counties share `weight` of the money in proportion to the product of columns."""

    weight: NotNegative
    columns: tuple[str, ...] = ()
    """County number columns that are multiplied; none means equal shares."""
    cost: Cost | None = None
    """Multiplied too, where given."""


class BaselineSpec(Strict):
    """A baseline. `factor` uses `factors` (weights add up to 1) or one finished `weight_column`."""

    kind: BaselineKind
    factors: tuple[FactorTerm, ...] = ()
    weight_column: str | None = None
    residents: str | None = None
    """For `per-resident`: the county column of heads."""
    tasks: dict[str, NotNegative] = {}
    """Shares of the tasks, adding up to 1; equal shares where empty."""
    floor: NotNegative | None = None
    cap: NotNegative | None = None
    """Least and most money of a county."""
    redistribute: Flag = True
    """Money set free or needed by floor and cap is taken from or given to the other counties."""
    within: str | None = None
    """A county column: each of its groups shares a pot of its own."""
    pots: dict[str, NotNegative] = {}
    """For `within`: share of the money by group, adding up to 1; by the weights where empty."""
    file: str | None = None
    """For `table`: a CSV file of county, task, amount in the programme's folder."""

    @model_validator(mode="after")
    def _is_well_formed(self) -> BaselineSpec:
        if self.kind == "factor" and bool(self.factors) == bool(self.weight_column):
            raise ValueError("a factor baseline needs factors or weight_column, one of them")
        if self.kind == "per-resident" and not self.residents:
            raise ValueError("a per-resident baseline needs residents: the column of heads")
        if self.kind == "table" and not self.file:
            raise ValueError("a table baseline needs file")
        for name, shares in (
            ("factors", [term.weight for term in self.factors]),
            ("tasks", list(self.tasks.values())),
            ("pots", list(self.pots.values())),
        ):
            if shares and sum(shares) != 1:
                raise ValueError(f"{name}: the weights add up to {exact_text(sum(shares))}, not 1")
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError("floor is above cap")
        if self.pots and not self.within:
            raise ValueError("pots goes with within")
        return self


class Lot(Strict):
    """The least money of a funded cell, or the step that its money comes in: a number, or a column
    of the tasks."""

    number: NotNegative | None = None
    column: str | None = None


def _lot(value: object) -> object:
    return value if value is None or isinstance(value, Mapping | Lot) else {"number": value}


def _by_finding(value: object) -> object:
    """Keys as ids of findings; a key of the scenario (`no_idle`) serves as well."""
    if not isinstance(value, Mapping):
        return value
    return {
        name.replace("_", "-") if isinstance(name, str) else name: value[name] for name in value
    }


def _named_file(value: object) -> object:
    """The name in `{file: name}`."""
    return value["file"] if isinstance(value, Mapping) and set(value) == {"file"} else value


class Lock(Strict):
    """A cell whose money is settled."""

    county: str
    task: str
    amount: NotNegative
    reason: EitherText = NO_TEXT


class CellBound(Strict):
    """Least and most money of one cell: what is paid already, what it may hold at the most."""

    county: str
    task: str
    at_least: NotNegative | None = None
    at_most: NotNegative | None = None


class Eased(Strict):
    """A limit that gives way because of money that is paid already."""

    rule: str
    """Id of the rule, or `lot`."""
    key: dict[str, str] = {}
    """Its group: column → value; none for a rule without `per`."""
    by: NotNegative
    """In the rule's own unit."""
    reason: EitherText = NO_TEXT


class Ineligible(Strict):
    """Cells that may not get money."""

    where: Where
    reason: EitherText


def _one_name(value: str) -> str:
    if fault := name_fault(value):
        raise ValueError(fault)
    return value


PlainName = Annotated[str, AfterValidator(_one_name)]
"""A name of one line, the same in both languages."""


class Outside(Strict):
    """Money to a place outside the grid (市本级): counted in the budget and in totals only."""

    code: PlainName
    name: PlainName
    amount: NotNegative
    reason: EitherText = NO_TEXT


class ScenarioFile(Strict):
    """The content of a resolved scenario: no `extends` and no override left to apply."""

    title: Name
    note: EitherText = NO_TEXT
    """What whoever made it says of it."""
    author: str = ""
    programme: str
    calibration: str | None = None
    response: dict[str, Any] = {}
    """Changes to constants of the programme's `response.yaml`, in its own structure."""
    budget: NotNegative
    lot: Annotated[Lot | None, BeforeValidator(_lot)] = None
    step: Annotated[Lot | None, BeforeValidator(_lot)] = None
    """What the money of a cell is a whole multiple of, the same for all or by a column of the
    tasks; locked cells hold what they are locked at."""
    no_idle: Flag = False
    """No money where it yields nothing: none in a cell beyond its last tier. It says nothing of a
    fund without any response, and of more money than that which is locked in a cell."""
    objective: Objective
    grounds: Annotated[dict[str, Grounds], BeforeValidator(_by_finding)] = {}
    """Where the reserved findings (budget, lot, step, locks, eligibility, no-idle) come from."""
    locks: tuple[Lock, ...] = ()
    cells: tuple[CellBound, ...] = ()
    """Bounds of single cells; a file of them, `{file:, at_least: COLUMN, at_most: COLUMN}`, is read
    when the scenario is loaded."""
    eased: tuple[Eased, ...] = ()
    ineligible: tuple[Ineligible, ...] = ()
    outside: tuple[Outside, ...] = ()
    last_year: Annotated[str | None, BeforeValidator(_named_file)] = None
    """A file of county, amount and optionally task; `{file: name}` serves as well."""
    baseline: BaselineSpec | None = None
    """In place of the programme's own baseline."""
    reference_budget: NotNegative | None = None
    """The budget at which the baseline is made that bounds `of: baseline` refer to; by default the
    budget, with which they then move."""
    rules: tuple[Rule, ...] = ()
    overrides: dict[str, Any] = {}
    scenarios: dict[str, Any] = {}

    @property
    def outside_money(self) -> Fraction:
        """Money units that places outside the grid get."""
        return sum((row.amount for row in self.outside), Fraction(0))

    def lots(self, tasks: Table) -> tuple[Fraction, ...]:
        """The least money that a cell may hold if any, task by task; 1 without lot."""
        if self.lot is None:
            return (Fraction(1),) * len(tasks)
        if self.lot.column is not None:
            return tuple(max(Fraction(1), value) for value in tasks.numbers(self.lot.column))
        return (max(Fraction(1), self.lot.number or Fraction(1)),) * len(tasks)

    def steps(self, tasks: Table) -> tuple[int, ...]:
        """What the money of a cell is a multiple of, task by task; 1 without step."""
        if self.step is None:
            return (1,) * len(tasks)
        if self.step.column is not None:
            return tuple(int(value) for value in tasks.numbers(self.step.column))
        return (int(self.step.number or 1),) * len(tasks)

    @field_validator("budget", "reference_budget")
    @classmethod
    def _is_whole(cls, value: Fraction | None) -> Fraction | None:
        if value is None:
            return None
        if value.denominator != 1 or value <= 0:
            raise ValueError("the budget must be a whole number of money units above zero")
        if value >= 10**12:
            told = "take a larger unit (万元, millions) for budget, rules and tiers"
            raise ValueError(f"the budget is above 10^12 money units; {told}")
        return value
