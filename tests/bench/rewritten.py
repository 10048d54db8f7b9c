"""A scenario written out as files, and in them what no change of a scenario reaches: some counties
alone, some tasks alone, another unit of money."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from models.exact import exact_text, parse_exact
from models.files import MemoryFile, write_whole
from models.record.scenario_files import FOLDER, SCENARIO, SHOWN, resolved_files, yaml_bytes
from models.rule import SENSES, Rule
from models.scenario import Scenario, load
from models.selection import rows_where
from models.strict_yaml import read_yaml
from optimizer.baselines import baseline

Files = dict[str, bytes]
_TIERS = ("tiers.csv", "tiers-beside.csv")
_FEW = 40
"""Characters of a number in a file, at the most."""


def written(scenario: Scenario, folder: Path) -> Path:
    """The scenario as files that stand alone in a new folder; the path of the scenario file."""
    write_whole(folder, resolved_files(scenario))
    return folder / SCENARIO


def with_tasks(scenario: Scenario, kept: Collection[str], folder: Path) -> Scenario:
    """The fund with some of its tasks; the factor method spreads its money over those."""
    return _loaded(_cut(scenario, scenario.programme.counties.ids, kept), folder)


def with_counties(scenario: Scenario, kept: Collection[str], folder: Path) -> Scenario:
    """The fund of some counties: with what the factor method gives them, and as much of each number
    that a rule states for all counties together. Rules that favour all of them alike are gone."""
    counties = scenario.programme.counties
    files = _cut(scenario, kept, scenario.programme.tasks.ids)
    rows = [at for at, code in enumerate(counties.ids) if code in kept]
    amounts = baseline(scenario).amounts
    share = Fraction(amounts[rows].sum()) / Fraction(amounts.sum())
    favours = {rule.id for rule in scenario.spec.rules if _favours_all(scenario, rule, set(rows))}
    content = _yaml(files, SCENARIO)
    content["budget"] = str(floor(share * scenario.budget))
    content["rules"] = [
        _for_less(rule, share) for rule in content["rules"] if rule["id"] not in favours
    ]
    return _loaded(files | {SCENARIO: yaml_bytes(content)}, folder)


def in_money(
    scenario: Scenario, times: Fraction, names: Mapping[str, str], folder: Path
) -> Scenario:
    """The same fund in another unit of money, `times` of which are one of its own.

    Rewritten is what the shipped base and its overrides hold, and locks of cells. Raises
    `InputError` where budget or tiers are no whole numbers in that unit.
    """
    files = _plain_files(scenario)
    content, programme = _yaml(files, SCENARIO), _yaml(files, f"{FOLDER}/programme.yaml")
    for place in (content, *content.get("locks", ())):
        for key in {"budget", "lot", "amount"} & place.keys():
            place[key] = _times(place[key], times)
    for rule in content["rules"]:
        _rule_in(rule, times)
    programme["money"] = dict(names)
    files |= {SCENARIO: yaml_bytes(content), f"{FOLDER}/programme.yaml": yaml_bytes(programme)}

    def tier(row: dict[str, str]) -> dict[str, str]:
        rates = {name: _times(row[name], 1 / times) for name in scenario.programme.metrics}
        return {**row, "width": _times(row["width"], times), **rates}

    for name in _TIERS:
        _each_row(files, name, tier)
    return _loaded(files, folder)


def _cut(scenario: Scenario, counties: Collection[str], tasks: Collection[str]) -> Files:
    """The files with some counties and tasks, without the rules that no cell is left to."""
    files = _plain_files(scenario)
    content, programme = _yaml(files, SCENARIO), _yaml(files, f"{FOLDER}/programme.yaml")
    sides = (scenario.programme.counties, counties), (scenario.programme.tasks, tasks)
    left = {
        rule.id
        for rule in scenario.spec.rules
        if all(any(t.ids[at] in kept for at in rows_where(t, rule.where)) for t, kept in sides)
    }
    content["rules"] = [rule for rule in content["rules"] if rule["id"] in left]
    shares = {name: parse_exact(programme["baseline"]["tasks"][name]) for name in tasks}
    programme["baseline"]["tasks"] = {
        name: exact_text(share / sum(shares.values())) for name, share in shares.items()
    }
    works = [task for task in _yaml(files, f"{FOLDER}/tasks.yaml") if task["id"] in tasks]
    _each_row(files, "counties.csv", lambda row: row if row["code"] in counties else None)
    for name in _TIERS:
        _each_row(
            files,
            name,
            lambda row: row if row["county"] in counties and row["task"] in tasks else None,
        )
    return files | {
        SCENARIO: yaml_bytes(content),
        f"{FOLDER}/programme.yaml": yaml_bytes(programme),
        f"{FOLDER}/tasks.yaml": yaml_bytes(works),
    }


def _favours_all(scenario: Scenario, rule: Rule, kept: set[int]) -> bool:
    """Whether a rule sets some counties against all money, and all that are kept are of them."""
    chosen = set(rows_where(scenario.programme.counties, rule.where))
    of_amount = any(part.of == "amount" for part in rule.bound)
    return of_amount and bool(rule.where) and kept <= chosen


def _for_less(rule: dict[str, Any], share: Fraction) -> dict[str, Any]:
    """A rule on all counties together, its plain number as large as the share of them."""
    for sense, whole in (("at_least", floor), ("at_most", ceil)):
        if isinstance(rule.get(sense), str) and not rule.get("per"):
            rule[sense] = str(whole(share * parse_exact(rule[sense])))
    return rule


def _rule_in(rule: dict[str, Any], times: Fraction) -> None:
    """Write a rule in another unit of money; one of outcomes or counts stays as it is."""
    if rule["measure"] == "amount":
        for sense in rule.keys() & set(SENSES):
            rule[sense] = _bound_in(rule[sense], times)


def _bound_in(bound: Any, times: Fraction) -> Any:
    """A bound of money in another unit: plain numbers; shares of money stay as they are."""
    if isinstance(bound, Mapping):
        if bound.get("of") not in ("amount", "budget", "baseline"):
            raise ValueError(f"a bound that is not rewritten: {bound}")
        return bound
    return _times(bound, times)


def _times(text: str, by: Fraction) -> str:
    found = exact_text(parse_exact(text) * by)
    if len(found) > _FEW:
        raise ValueError(f"{found} is a number of many digits")
    return found


def _plain_files(scenario: Scenario) -> Files:
    """The files of a scenario without those that are only shown, and without the formula that its
    tiers came from."""
    files = resolved_files(scenario)
    for name in (*SHOWN, "response.yaml"):
        files.pop(f"{FOLDER}/{name}", None)
    programme = _yaml(files, f"{FOLDER}/programme.yaml")
    programme.pop("response", None)
    return files | {f"{FOLDER}/programme.yaml": yaml_bytes(programme)}


def _yaml(files: Files, name: str) -> Any:
    """A document, its scalars as text."""
    return read_yaml(MemoryFile(name, files[name]))


def _each_row(
    files: Files, name: str, change: Callable[[dict[str, str]], dict[str, str] | None]
) -> None:
    """Change the rows of a table of the programme, where it has that table."""
    path = f"{FOLDER}/{name}"
    if path not in files:
        return
    read = csv.DictReader(io.StringIO(files[path].decode("utf-8-sig")))
    rows = [changed for row in read if (changed := change(row)) is not None]
    into = io.StringIO()
    writer = csv.DictWriter(into, list(read.fieldnames or ()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files[path] = into.getvalue().encode()


def _loaded(files: Files, folder: Path) -> Scenario:
    write_whole(folder, files)
    return load(folder / SCENARIO)
