"""A scenario: a programme, its budget, its rules, its objective; read from YAML, checked whole."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.aim_checks import check_aims
from models.allocation import read_allocation
from models.cell_bounds import bounds_of_file, columns_of
from models.errors import InputError, Problems, did_you_mean, refuse, with_keywords
from models.files import File, resolved
from models.finding import repr_line
from models.from_frames import as_text, plain_text
from models.last_year import LastYear, read_last_year
from models.naming import by_code
from models.overrides import Before, ScenarioDocument, apply_overrides, apply_set, read_layers
from models.programme import Programme, inside, read_programme
from models.rule import RESERVED, Rule
from models.scenario_file import BaselineSpec, ScenarioFile
from models.strict_yaml import Strict, either_text, parsed_as_far
from models.table import Note, read_rows
from models.tiers import Tiers, no_tiers
from models.validation import check_rule, check_scenario
from models.workbook.fund_reader import Fund, read_fund
from models.workbook.rule_sheet import apply_rules
from models.workbook.xlsx_file import looks_like_workbook

LIMITS = "limit_forms"
"""Of what is worked out of a scenario, the name of its rules' limits: of nothing else do they make
any part."""
NEAREST = [{"maximise": "amount"}, {"nearest": "baseline"}]
"""What a fund without metrics is after unless it says so: all the money that the rules let be
allotted, and of such tables the nearest to the factor method's."""


@dataclass(frozen=True)
class AimTable:
    """The table that an aim is to be near to, one of the two; money units."""

    by_cell: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)
    """(county, task) → money, of every cell."""
    by_county: Mapping[str, Fraction] = field(default_factory=dict)
    """County → money, of the counties that are known."""


@dataclass(frozen=True)
class Scenario:
    """One resolved and checked scenario, with everything that solving and audit read."""

    name: str
    spec: ScenarioFile
    programme: Programme
    tiers: Tiers
    document: ScenarioDocument
    changes: tuple[str, ...] = ()
    """Overrides and `--set` that were applied, in order."""
    last_year: LastYear | None = None
    aim_tables: Mapping[int, AimTable] = field(default_factory=dict)
    """Place in the list of aims → the table that one is to be near to, but for the baseline."""
    worked: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out of it once and is read again and again, by its name; another scenario
    begins anew."""

    def __repr__(self) -> str:
        switched_off = len(self.spec.rules) - len(self.rules)
        lines = [
            f"Scenario {self.name}: {self.spec.title.en}",
            repr_line("programme", self.programme.summary),
            repr_line("budget", f"{self.budget:,} ({self.programme.file.money.en})"),
            repr_line("rules", f"{len(self.rules)} in force, {switched_off} switched off"),
            *self.repr_calibration(),
            *(repr_line("changed", change) for change in self.changes),
        ]
        return "\n".join(lines)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was read with some good will in the tables of counties, tiers and last year."""
        last_year = self.last_year.notes if self.last_year else ()
        read = (*self.document.notes, *self.programme.counties.notes, *self.tiers.notes)
        return (*read, *last_year)

    def repr_calibration(self) -> list[str]:
        """Lines of a repr: the calibration in use, with what it says of itself."""
        chosen = self.programme.calibration(self.spec.calibration)
        if chosen is None:
            return []
        name = self.spec.calibration or next(iter(self.programme.file.calibrations))
        notes = dict.fromkeys([chosen.note.zh, chosen.note.en] if chosen.note else [])
        return [repr_line("calibration", name), *(repr_line("", note) for note in notes)]

    @classmethod
    def of(cls, programme: Programme, *, name: str = "scenario", **keys: Any) -> Scenario:
        """A scenario without a file: `Scenario.of(programme, budget=900, rules=[{…}])`.

        `keys` are those of a scenario file, as it writes them. `budget` is due. Without
        `objective` every metric weighs the same; titles that are left out are ids. Files that it
        names (`last_year`) are read from the programme's own source.

        Raises `InputError` with every problem: `scenario: rules[0].at_least: …`.
        """
        body = {
            "title": name,
            "objective": _plain_objective(programme),
            **keys,
            "programme": programme.file.id,
            "rules": [_titled(rule) for rule in keys.get("rules", ())],
        }
        document = ScenarioDocument(name, as_text(body))
        return _resolve(name, document, programme, ())

    @property
    def budget(self) -> int:
        """Whole money units for the grid and the places outside it."""
        return int(self.spec.budget)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are enabled."""
        return tuple(rule for rule in self.spec.rules if rule.enabled)

    @property
    def baseline(self) -> BaselineSpec:
        """The baseline to compare with."""
        return self.spec.baseline or self.programme.file.baseline

    @property
    def outside_money(self) -> Fraction:
        """Money units that places outside the grid get."""
        return self.spec.outside_money

    @property
    def inside_money(self) -> Fraction:
        """Money units of the budget that are left for the grid."""
        return self.budget - self.outside_money

    @property
    def outside_names(self) -> dict[str, str]:
        """Code → name of the places outside the grid that get money."""
        return {row.code: row.name for row in self.spec.outside}

    def lots(self) -> tuple[Fraction, ...]:
        """The least money that a cell may hold if any, task by task; 1 without lot."""
        return self.spec.lots(self.programme.tasks)

    @property
    def steps(self) -> NDArray[np.int64]:
        """[county, task] → what the money of the cell is a whole multiple of: 1 without `step`, and
        where it is locked or what is paid in it is none."""
        if "steps" not in self.worked:
            found = np.tile(
                self.spec.steps(self.programme.tasks), (len(self.programme.counties), 1)
            )
            for lock in self.spec.locks:
                at = self.programme.counties.index[lock.county]
                found[at, self.programme.tasks.index[lock.task]] = 1
            for one in self.spec.cells:
                cell = (
                    self.programme.counties.index[one.county],
                    self.programme.tasks.index[one.task],
                )
                if any(
                    end is not None and end % int(found[cell])
                    for end in (one.at_least, one.at_most)
                ):
                    found[cell] = 1
            self.worked["steps"] = found
        steps: NDArray[np.int64] = self.worked["steps"]
        return steps

    @property
    def tiers_in_steps(self) -> Tiers:
        """The tiers as money that comes in steps meets them, which is how they are solved (see
        `Tiers.in_steps`); the tiers themselves without `step`."""
        if "tiers_in_steps" not in self.worked:
            plain = bool((self.steps == 1).all())
            self.worked["tiers_in_steps"] = self.tiers if plain else self.tiers.in_steps(self.steps)
        tiers: Tiers = self.worked["tiers_in_steps"]
        return tiers

    def with_tier_ends(self, about: NDArray[np.int64]) -> Scenario:
        """The scenario whose `tiers_in_steps` end at the multiples next to a table's money, too."""
        changed = dataclasses.replace(self)
        changed.worked["tiers_in_steps"] = self.tiers.in_steps(self.steps, about)
        return changed

    @property
    def cell_lots(self) -> list[Fraction]:
        """The least money of each cell if any, [cell]: `lots`, but where it gives way to money that
        is paid."""
        if "cell_lots" not in self.worked:
            self.worked["cell_lots"] = self._cell_lots()
        lots: list[Fraction] = self.worked["cell_lots"]
        return lots

    def _cell_lots(self) -> list[Fraction]:
        found = list(self.lots()) * len(self.programme.counties)
        counties, tasks = self.programme.counties.index, self.programme.tasks.index
        for one in self.spec.eased:
            if one.rule == "lot":
                at = counties[one.key["county"]] * len(tasks) + tasks[one.key["task"]]
                found[at] = max(found[at] - one.by, Fraction(0))
        return found

    def replace(self, **changes: Any) -> Scenario:
        """The scenario with some keys changed, in the form of an override.

        `scenario.replace(budget=30000, rules={"county-cap": {"at_most": 900}})`

        Raises `InputError` for a change that does not fit, and for another programme, which takes
        a scenario file that names it.
        """
        if "programme" in changes:
            refuse("replace()", "programme", "is settled; load a scenario that names the other")
        document = _copy(self.document)
        before = Before(self.document)
        document.merge(as_text(changes), "replace()", ())
        before.mark_changed(document)
        said = (*self.changes, f"replace {changes}")
        return _resolve(self.name, document, self.programme, said, self)

    def with_rule(self, rule: Rule) -> Scenario:
        """The scenario with `rule` in place of that of the same id, or as its last.

        Quick, as many steps of one number need it: the rest is not read again, nor is the change
        told in `changes`, nor a cap held against locks. Raises `InputError` where the rule does not
        fit the programme, and for a reserved id.
        """
        if rule.id in RESERVED:
            refuse("with_rule()", "id", f"'{rule.id}' is reserved: choose another id")
        known = {old.id: old for old in self.spec.rules}
        written = {**self.document.rules, rule.id: as_text(_written(rule))}
        changed = self._with_rules(tuple({**known, rule.id: rule}.values()), written)
        check_rule(changed.spec, self.programme, changed.document, rule.id).raise_if_any()
        return changed

    def with_budget(self, budget: int | Fraction) -> Scenario:
        """The scenario with another budget, in whole money units above zero."""
        if budget <= 0 or Fraction(budget).denominator != 1:
            refuse("with_budget()", "budget", f"whole money units are due here, not {budget}")
        return self.with_settled(budget=Fraction(budget))

    def with_tiers(self, tiers: Tiers) -> Scenario:
        """The scenario with other tiers of the same cells: what no tier decides is not worked out
        again."""
        changed = dataclasses.replace(self, tiers=tiers)
        names = ["steps"] + (["reference_table"] if self.baseline.kind != "greedy" else [])
        changed.worked.update({n: self.worked[n] for n in names if n in self.worked})
        return changed

    def with_settled(self, **fields: Any) -> Scenario:
        """The scenario with other values of its own fields (`lot`, `locks`, `objective` …).

        They are given as `ScenarioFile` holds them and are not checked again: to take away, or to
        move within what was checked.
        """
        known = ScenarioFile.model_fields.keys() - {"programme", "rules"}
        for name in fields.keys() - known:
            near = did_you_mean(name, known)
            refuse("with_settled()", "", f"unknown field '{name}'{near}")
        spec = self.spec.model_copy(update=fields)
        written = _written(spec)
        document = self.document.changed({name: as_text(written[name]) for name in fields})
        return dataclasses.replace(self, spec=spec, document=document)

    def _with_rules(self, rules: tuple[Rule, ...], written: Mapping[str, Any]) -> Scenario:
        spec = self.spec.model_copy(update={"rules": rules})
        changed = dataclasses.replace(self, spec=spec, document=self.document.changed({}, written))
        kept = {name: found for name, found in self.worked.items() if name != LIMITS}
        changed.worked.update(kept)  # None of it reads a rule.
        return changed


@with_keywords()
def load(
    path: str | Path,
    *,
    with_: str | Sequence[str] = (),
    set_: str | Iterable[str] | Mapping[str, Any] = (),
    rules: Path | str | None = None,
) -> Scenario:
    """Read a scenario file (`base-2020.yaml`, or `base-2020.yaml@strict-tilt` for a named one), or
    a workbook that holds a fund (`fund.xlsx`), as `allot template` writes it.

    `with_` names an override to lay over it, or several, `rules` is a workbook of rules and
    weights as `allot template` writes it, `set_` holds `path=value` changes; they are laid over in
    this order.
    Raises `InputError` with every problem found in the scenario and in its programme's files.
    """
    file, _, named = str(path).partition("@")
    document, fund = scenario_document(Path(file))
    before = Before(document)
    laid = [with_] if isinstance(with_, str) else with_
    changes = apply_overrides(document, [*([named] if named else []), *laid])
    if rules is not None:
        changes += apply_rules(document, Path(rules))
    pairs = [set_] if isinstance(set_, str) else set_
    if isinstance(pairs, Mapping):
        pairs = [f"{key}={plain_text(v)}" for key, v in pairs.items()]
    if not isinstance(pairs, Iterable):
        refuse("", "set_", f"changes are due here (budget=500), not {pairs!r}")
    for assignment in pairs:
        apply_set(document, assignment, f"set_ {assignment}")
        changes.append(f"--set {assignment}")
    before.mark_changed(document)
    name = Path(file).stem + (f"@{named}" if named else "")
    return _resolve_in(Path(file), name, document, (fund, tuple(changes)))


def load_draft(path: Path, content: Mapping[str, Any]) -> Scenario:
    """What `load(path)` would give if the file held `content`: it need not be there, nor be
    written. Scalars may be of any kind. Raises `InputError` as `load`."""
    document, fund = scenario_document(path, as_text(content))
    return _resolve_in(path, path.stem, document, (fund, ()))


def scenario_document(
    path: Path, draft: Mapping[str, Any] | None = None
) -> tuple[ScenarioDocument, Fund | None]:
    """A scenario file with all that it extends, unchecked; the workbook that it is or extends.

    `draft`: what the file would hold. Raises `InputError` where one of the files cannot be read.
    """
    funds: list[Fund] = []

    def opened(file: Path) -> ScenarioDocument | None:
        if not looks_like_workbook(file):
            return None
        funds.append(read_fund(file))
        return funds[-1].document

    document = read_layers(path, draft, opened)
    return document, funds[-1] if funds else None


def _resolve_in(
    path: Path,
    name: str,
    document: ScenarioDocument,
    read: tuple[Fund | None, tuple[str, ...]],
) -> Scenario:
    """With the programme of the workbook, or of the folder that the document names."""
    fund, changes = read
    if fund is None:
        return _resolve(name, document, _programme_of(path, document), changes)
    try:
        return _resolve(name, document, fund.programme, changes)
    except InputError as error:
        raise fund.told(error) from None


def _written(model: Strict) -> dict[str, Any]:
    """A part of a scenario as a scenario file has it."""
    return model.model_dump(mode="json", exclude_unset=True)


def _plain_objective(programme: Programme) -> Any:
    """What is pushed where nothing is said: every metric alike, or nearness without any."""
    return {"weights": dict.fromkeys(programme.metrics, 1)} if programme.metrics else NEAREST


def _titled(rule: Any) -> Any:
    """A rule whose title stands in both languages; its id where it has none."""
    if not isinstance(rule, Mapping):
        return rule
    return {**rule, "title": either_text(rule.get("title", rule.get("id")))}


def _copy(document: ScenarioDocument) -> ScenarioDocument:
    return copy.deepcopy(document)


def _programme_of(path: Path, document: ScenarioDocument) -> Programme:
    """The programme that the document names; the problems of both are raised together."""
    problems = Problems()
    name = document.body.get("programme")
    if isinstance(name, str):
        try:
            return read_programme(inside(resolved(path).parent, name))
        except InputError as error:
            problems.extend(error.problems)
    _parse(document, problems)
    problems.raise_if_any()
    raise AssertionError("a document without a programme does not parse")


def _parse(document: ScenarioDocument, problems: Problems) -> ScenarioFile | None:
    parsed, found = parsed_as_far(ScenarioFile, document.content())
    for steps, message in found:
        problems.add(*document.blamed(steps), message)
    return parsed


def _resolve(
    name: str,
    document: ScenarioDocument,
    programme: Programme,
    changes: tuple[str, ...],
    before: Scenario | None = None,
) -> Scenario:
    """`before`: the scenario that was changed; what the change leaves alone is not read again."""
    problems = Problems()
    _complete_baseline(document, programme)
    if not programme.metrics and not document.body.get("objective"):
        document.merge({"objective": NEAREST}, document.origin(())[0], ())
    _read_cell_bounds(document, programme)
    problems.extend(by_code(document, programme).found)
    spec = _parse(document, problems)
    if spec is None:
        problems.raise_if_any()
    assert spec is not None
    same = before is not None and _reads_same_tiers(before.spec, spec)
    tiers = before.tiers if before and same else _tiers(document, programme, spec, problems)
    last_year = _last_year(document, programme, spec, problems)
    tables = _aim_tables(document, (programme, spec, last_year), problems)
    scenario = Scenario(name, spec, programme, tiers, document, changes, last_year, tables)
    if before is None or not _is_same_but_for_tiers(before.spec, spec):
        problems.extend(check_scenario(spec, programme, document).found)
        problems.extend(check_aims(spec, programme, document).found)
    problems.raise_if_any()
    return scenario


def _reads_same_tiers(one: ScenarioFile, other: ScenarioFile) -> bool:
    return (one.calibration, one.response) == (other.calibration, other.response)


def _is_same_but_for_tiers(one: ScenarioFile, other: ScenarioFile) -> bool:
    read = {"calibration": other.calibration, "response": other.response}
    return one.model_copy(update=read) == other


def _complete_baseline(document: ScenarioDocument, programme: Programme) -> None:
    """A baseline without a kind changes the programme's own."""
    given = document.body.get("baseline")
    if isinstance(given, dict) and "kind" not in given:
        own = programme.file.baseline.model_dump(mode="json", exclude_unset=True)
        document.body["baseline"] = {**own, **given}


def _read_cell_bounds(document: ScenarioDocument, programme: Programme) -> None:
    """Bounds of cells that stand in a file are listed in its place."""
    given = document.body.get("cells")
    if isinstance(given, dict) and isinstance(given.get("file"), str):
        columns = columns_of(given, document.origin(("cells",))[0])
        path = inside(document.folder or programme.folder, given["file"])
        document.body["cells"] = list(bounds_of_file(path, programme, columns))


def _tiers(
    document: ScenarioDocument, programme: Programme, spec: ScenarioFile, problems: Problems
) -> Tiers:
    """The tiers of the calibration in use, and that those to be read beside it can be had."""
    known = programme.file.calibrations
    nothing = no_tiers(programme.shape)
    if spec.calibration is not None and spec.calibration not in known:
        near = did_you_mean(spec.calibration, known)
        message = f"unknown calibration '{spec.calibration}'{near}"
        problems.add(*document.origin(("calibration",)), message)
        return nothing
    try:
        chosen = programme.calibration(spec.calibration)
        if chosen and chosen.beside:
            file = inside(programme.folder, known[chosen.beside].tiers)
            if not file.is_file():
                problems.add(file.name, "", "cannot be read (no such file)")
                return nothing
        return programme.tiers(spec.calibration, spec.response)
    except InputError as error:
        problems.extend(error.problems)
    return nothing


def _last_year(
    document: ScenarioDocument, programme: Programme, spec: ScenarioFile, problems: Problems
) -> LastYear | None:
    if spec.last_year is None:
        return None
    try:
        folder = document.folder or programme.folder
        return read_last_year(inside(folder, spec.last_year), programme)
    except InputError as error:
        problems.extend(error.problems)
    return None


def _aim_tables(
    document: ScenarioDocument,
    read: tuple[Programme, ScenarioFile, LastYear | None],
    problems: Problems,
) -> dict[int, AimTable]:
    """The tables that aims are to be near to, those of files and of last year."""
    programme, spec, last_year = read
    tables: dict[int, AimTable] = {}
    for number, aim in enumerate(spec.objective.aims):
        near, path = aim.nearest, ("objective", number)
        if near is None or near.known == "baseline":
            continue
        if near.known == "last_year":
            if spec.last_year is None:
                problems.add(*document.origin((*path, "nearest")), "the scenario has no last_year")
            tables[number] = _last_year_table(last_year, programme, aim.by == "cell")
        else:
            try:
                file = inside(document.folder or programme.folder, near.file or "")
                tables[number] = _read_aim_table(file, programme)
            except InputError as error:
                problems.extend(error.problems)
                continue
        if aim.by == "cell" and not tables[number].by_cell:
            message = "the table is known by county only; say by: county"
            problems.add(*document.origin((*path, "by")), message)
    return tables


def _last_year_table(last_year: LastYear | None, programme: Programme, cells: bool) -> AimTable:
    """By county; by cell where that is asked for, and the file says it of every county."""
    if last_year is None:
        return AimTable()
    counties, held = programme.counties.ids, last_year.by_cell
    if not (cells and held) or last_year.of(counties) is None:
        return AimTable(by_county=last_year.by_county)
    every = [(county, task) for county in counties for task in programme.tasks.ids]
    return AimTable(by_cell={cell: held.get(cell, Fraction(0)) for cell in every})


def _read_aim_table(file: File, programme: Programme) -> AimTable:
    if "task" not in read_rows(file)[0]:
        return AimTable(by_county=read_last_year(file, programme).by_county)
    return AimTable(by_cell=read_allocation(file, programme).by_cell(programme))
