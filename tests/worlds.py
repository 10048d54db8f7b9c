"""Small programmes for tests: written to a folder as a user would write them, then loaded."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from models.scenario import Scenario, load

RATES = {"jobs": ["0.5", "0.2"], "firms": ["0.1", "0.05"]}


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_yaml(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def write_world(
    folder: Path,
    scenario: Mapping[str, Any],
    counties: Mapping[str, Mapping[str, Any]] | None = None,
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
    **files: Any,
) -> Path:
    """Write programme and scenario; the path of the scenario file.

    `counties` and `tasks`: id → columns (int and float are number columns, bool boolean ones).
    `tiers`: rows county, task, tier, width, then a rate a metric; without it every cell has the
    tiers 10 and 20 wide with `RATES`. `programme`: keys to change in programme.yaml. `baseline`:
    rows county, task, amount of a file `baseline.csv` that the programme names.
    """
    tiers: Sequence[Sequence[Any]] | None = files.pop("tiers", None)
    programme: Mapping[str, Any] | None = files.pop("programme", None)
    baseline: Sequence[Sequence[Any]] | None = files.pop("baseline", None)
    assert not files, f"unknown parts of a world: {sorted(files)}"
    counties = counties or {"a": {"people": 100}, "b": {"people": 300}}
    tasks = tasks or {"road": {}, "school": {}}
    world = folder / "world"
    world.mkdir(parents=True, exist_ok=True)
    metrics = (programme or {}).get("metrics") or [
        {"id": name, "title": name.title(), "unit": name} for name in RATES
    ]
    if tiers is None:
        tiers = [
            [county, task, tier, width, *(RATES[m["id"]][tier - 1] for m in metrics)]
            for county in counties
            for task in tasks
            for tier, width in ((1, 10), (2, 20))
        ]
    content = {
        "id": "world",
        "title": "World",
        "money": "coins",
        "counties": {"file": "counties.csv", "columns": _kinds(counties)},
        "tasks": {"file": "tasks.yaml", "columns": _kinds(tasks)},
        "metrics": metrics,
        "tiers": "tiers.csv",
        **(programme or {}),
    }
    write_yaml(world / "programme.yaml", content)
    columns = list(next(iter(counties.values())))
    rows = [[code, *(_cell(row[name]) for name in columns)] for code, row in counties.items()]
    write_csv(world / "counties.csv", ["code", *columns], rows)
    listed = [{"id": name, "title": name, "columns": dict(row)} for name, row in tasks.items()]
    write_yaml(world / "tasks.yaml", listed)
    header = ["county", "task", "tier", "width", *(m["id"] for m in metrics)]
    write_csv(world / "tiers.csv", header, tiers)
    if baseline is not None:
        write_csv(world / "baseline.csv", ["county", "task", "amount"], baseline)
    body = {
        "title": "Test",
        "programme": "world",
        "objective": {"weights": {"jobs": 1}, "normalise": "none"},
        **scenario,
    }
    write_yaml(folder / "scenario.yaml", body)
    return folder / "scenario.yaml"


def world(folder: Path, scenario: Mapping[str, Any], **parts: Any) -> Scenario:
    """`write_world`, loaded."""
    return load(write_world(folder, scenario, **parts))


def rule(**fields: Any) -> dict[str, Any]:
    """A rule as a scenario file writes it, with what the form asks for filled in."""
    return {
        "id": "r",
        "title": {"zh": "规则", "en": "Rule"},
        "basis": "assumption",
        "reason": "test",
        "measure": "amount",
        **fields,
    }


def _kinds(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    first = next(iter(rows.values()))
    kinds = {}
    for name, value in first.items():
        if isinstance(value, bool):
            kinds[name] = "boolean"
        elif isinstance(value, int | float):
            kinds[name] = "number"
    return kinds


def _cell(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
