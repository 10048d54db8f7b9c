"""The files that a scenario was read from, as they would stand in a folder of their own, layers and
named scenarios included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from models.files import File, MemoryFile, MemoryFolder
from models.last_year import last_year_csv
from models.programme import inside
from models.record.scenario_files import FOLDER, LAST_YEAR, SCENARIO, SHOWN, yaml_bytes
from models.scenario import Scenario
from models.strict_yaml import read_text, read_yaml
from models.workbook.fund_reader import PAID

VARIANTS = ("overrides", "scenarios")
"""Keys of a scenario file that name other scenarios."""


def written_body(scenario: Scenario) -> dict[str, Any]:
    """The keys of the scenario beside its rules, by which the same named scenarios are found.

    Once an override is laid over it, it is settled: the others would no longer say the same.
    """
    gone = VARIANTS if scenario.changes else ()
    return {key: value for key, value in scenario.document.body.items() if key not in gone}


def source_files(scenario: Scenario) -> dict[str, bytes]:
    """Path → content of a scenario file and of the programme's folder beside it.

    Raises `InputError` where one of them cannot be read.
    """
    programme, body = scenario.programme, {**written_body(scenario), "programme": FOLDER}
    files = {name: file.read_bytes() for name, file in files_beside(scenario).items()}
    if scenario.last_year is not None:
        body["last_year"] = LAST_YEAR
        files[LAST_YEAR] = last_year_csv(scenario.last_year).encode()
    rules = list(scenario.document.rules.values())
    found = {SCENARIO: yaml_bytes({**body, "rules": rules}), **files}
    own = programme.file
    listed = [own.counties.file, own.tasks.file, own.tiers, *shown_files(scenario)]
    listed += [one.tiers for one in own.calibrations.values()]
    for name in ["programme.yaml", *dict.fromkeys(filter(None, listed))]:
        file = inside(programme.folder, name)
        if file.is_file():
            # What was made of cells is written as people write it.
            made = isinstance(file, MemoryFile) and name in ("programme.yaml", own.tasks.file)
            content = yaml_bytes(read_yaml(file)) if made else file.read_bytes()
            found[f"{FOLDER}/{name}"] = content
    return found


def shown_files(scenario: Scenario) -> list[str]:
    """Names of the programme's files that are neither its places, tasks nor tiers."""
    file, own = scenario.programme.file, scenario.spec.baseline
    names = [file.response, file.baseline.file, own.file if own else None, *SHOWN]
    found = dict.fromkeys(filter(None, [*names, *_named_files(scenario, ("baseline",))]))
    return [name for name in found if inside(scenario.programme.folder, name).is_file()]


def files_beside(scenario: Scenario) -> dict[str, File]:
    """Name → file, of those beside the scenario that it or a named one of it reads, but for last
    year's money in use."""
    folder = scenario.document.folder
    if folder is None:
        return {}
    near = [aim.nearest.file for aim in scenario.spec.objective.aims if aim.nearest is not None]
    names = dict.fromkeys(filter(None, [*near, *_named_files(scenario, ("last_year", "cells"))]))
    found = {name: inside(folder, name) for name in names}
    return {name: file for name, file in found.items() if file.is_file()}


def _named_files(scenario: Scenario, keys: tuple[str, ...]) -> Iterator[str]:
    """Files that overrides name under some keys, as `{file: name}` or as a bare name."""
    for patch in (written_body(scenario).get("overrides") or {}).values():
        for key in keys if isinstance(patch, dict) else ():
            value = patch.get(key)
            name = value.get("file") if isinstance(value, dict) else value
            if isinstance(name, str) and name:
                yield name


# What a workbook of a fund holds word by word.


def paid_file(scenario: Scenario) -> MemoryFile | None:
    """The sheet of paid money of the workbook that the scenario was read from, if it has one."""
    folder = scenario.document.folder
    file = folder / PAID if isinstance(folder, MemoryFolder) else None
    return file if file is not None and file.is_file() else None


def full_texts(scenario: Scenario) -> dict[str, str]:
    """Name → full text of what a fund has beside its sheets: the scenario's own keys, and the files
    of its programme that are no table of the workbook."""
    listed = isinstance(scenario.document.body.get("objective"), list)
    body = {key: value for key, value in written_body(scenario).items() if key not in VARIANTS}
    body |= {"objective": None} if listed else {}
    if paid_file(scenario) is not None:
        body.pop("cells", None)  # Its sheet has it.
    folder = scenario.programme.folder
    found = {
        SCENARIO: yaml_bytes(body).decode(),
        "programme.yaml": yaml_bytes(read_yaml(folder / "programme.yaml")).decode(),
    }
    found |= {name: read_text(inside(folder, name)) for name in shown_files(scenario)}
    return found | {f"beside/{n}": read_text(file) for n, file in files_beside(scenario).items()}
