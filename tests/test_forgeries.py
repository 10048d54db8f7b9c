"""Forgeries are made, not listed: what every file, column and key of a record would take to lie.

Each is changed, removed or added to in turn, with the hashes redone. What still verifies is a fixed
short list of what is only told, and inputs, which `--against` names. A record with its page and
workbook lets nothing pass: they carry its fingerprint.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import InputError
from models.exact import exact_text, parse_exact
from models.files import csv_text
from models.record import record_files, write_files
from models.record.scenario_files import FOLDER, yaml_bytes
from models.scenario import Scenario, load
from models.solution import Solution
from models.tiers import write_tiers
from optimizer.decision import solve
from optimizer.verify import verify
from reports.drawn_again import verify as verify_drawn
from reports.record_writer import reports_of
from tests.forging import draw_again, put, tell, told
from tests.worlds import rule, write_csv, write_world, write_yaml

TOLD = {
    *("author", "reason", "created"),
    *("scenario.name", "scenario.changes"),
    *("made_with.python", "made_with.platform", "made_with.packages"),
    *("options.solver", "options.time_limit", "options.strategy", "options.curve"),
    *("solver.name", "solver.version", "solver.solver_gap", "solver.rounding_loss"),
    *("solver.notes", "solver.second_opinion"),
    *("result.bound_solver", "compared.repaired.moved_at_least"),
}
"""Places of the manifest that nothing but a solve, or whoever wrote them, can tell."""
VALUES = ("binding", "low", "high", "kept")
"""Columns of prices.csv in which a value can be another without contradicting anything."""
VERBATIM = ("last_year.csv", "programme/labels.yaml")
"""Files of the inputs that are kept as they were given, whatever their order and blank lines."""
THINNED = 13
"""One of so many forgeries is tried in the quick run."""


@dataclass(frozen=True)
class Forgery:
    """One change of a record."""

    file: str
    place: str
    how: str
    make: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.file} {self.place} {self.how}"


COUNTIES = {
    "a": {"people": 100, "poor": True, "name_zh": "甲县", "name_en": "Hill", "zone": "north"},
    "b": {"people": 300, "poor": False, "name_zh": "乙县", "name_en": "Lake", "zone": "south"},
}
METRICS = [
    {"id": "jobs", "title": "Jobs", "unit": "people", "target": 12},
    {"id": "firms", "title": "Firms", "unit": "firms"},
]
EFFECTS = {
    "road": {"sigma": 10, "jobs": 1, "firms": "0.1"},
    "school": {"sigma": 20, "jobs": "0.7", "firms": "0.2"},
}
SCENARIO = {
    "budget": 60,
    "lot": 2,
    "calibration": "k",
    "objective": {"weights": {"jobs": 3, "firms": 1}, "normalise": "baseline"},
    "grounds": {"lot": {"basis": "practice", "reason": "as ever"}},
    "locks": [{"county": "b", "task": "road", "amount": 9, "reason": "paid already"}],
    "outside": [{"code": "00", "name": "the town", "amount": 3}],
    "last_year": "last.csv",
    "rules": [
        rule(
            id="floor",
            per=["county"],
            at_least=15,
            basis="clause",
            clause={"document": "Plan", "article": "1", "seen": True},
        ),
        rule(id="most", where={"task": "road"}, at_most={"share": "0.4", "of": "amount"}),
        rule(id="firms", measure="firms", at_least=2),
        rule(id="heads", where={"poor": "true"}, per_head="people", at_least="0.1"),
        rule(id="off", at_most=1, enabled=False),
    ],
}


def scenario(folder: Path) -> Scenario:
    """A small world with something in every file: a formula, two calibrations, labels, sources."""
    response = {
        "breakpoints": [0, 1, 2],
        "tasks": EFFECTS,
        "kappa": {name: {"jobs": k, "firms": 1} for name, k in (("k", 1), ("other", 2))},
        "fit": {"k": {"jobs": {"total": 20}}},
    }
    world = folder / "world"
    world.mkdir(parents=True)
    write_yaml(world / "how.yaml", response)
    write_csv(folder / "last.csv", ["county", "amount", "name"], [["a", 20, ""], ["00", 5, "town"]])
    write_yaml(world / "labels.yaml", {"columns": {"people": {"zh": "人口", "en": "People"}}})
    parts: dict[str, Any] = {"metrics": METRICS, "response": "how.yaml", "tiers": None}
    plain = {key: value for key, value in SCENARIO.items() if key != "calibration"}
    path = write_world(folder, plain, counties=COUNTIES, programme=parts, tiers=[])
    programme = load(path).programme
    names = (programme.counties.ids, programme.tasks.ids, programme.metrics)
    for name in ("k", "other"):
        write_tiers(world / f"tiers-{name}.csv", programme.tiers_by_formula(name, {}), names)
    calibrations = {
        "k": {"tiers": "tiers-k.csv", "beside": "other", "note": "fitted"},
        "other": {"tiers": "tiers-other.csv"},
    }
    programme_keys = {**parts, "calibrations": calibrations}
    write_world(folder, SCENARIO, counties=COUNTIES, programme=programme_keys, tiers=[])
    return load(path)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Solution:
    return solve(scenario(tmp_path_factory.mktemp("world")), second_opinion="cbc")


@pytest.fixture(scope="module")
def bare(solved: Solution, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record without page and workbook, as one is whose forger draws them again."""
    folder = tmp_path_factory.mktemp("bare") / "record"
    write_files(folder, record_files(solved, "author", "reason"))
    return folder


@pytest.fixture(scope="module")
def drawn(solved: Solution, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "record"
    write_files(folder, record_files(solved, "author", "reason", reports_of(solved, "en")))
    return folder


# How a record can be forged.


def forgeries(record: Path) -> Iterator[Forgery]:
    """All of them, in the same order every time."""
    yield from _of_manifest(record)
    for name in told(record)["files"]:
        yield from _of_file(name)
        if name not in VERBATIM:
            yield Forgery(name, "", "with a line more", partial(_append, name))
        content = (record / name).read_text("utf-8-sig")
        ways = _of_table if name.endswith(".csv") else _of_yaml
        for place, how, other in ways(content):
            if how != "moved" or name not in VERBATIM:
                yield Forgery(name, place, how, _puts(name, other))
    for name in ("more.csv", f"{FOLDER}/more.yaml", "report.html"):
        yield Forgery(name, "", "added", lambda r, n=name: (r / n).write_text("x"))
        yield Forgery(name, "", "added and listed", _puts(name, "x"))


def _of_manifest(record: Path) -> Iterator[Forgery]:
    content = told(record)
    for steps, value in _walk(content):
        place = ".".join(map(str, steps))
        if steps and steps[0] in ("files", "reports"):
            continue
        if not isinstance(value, dict):
            yield Forgery("manifest.json", place, "changed", _sets(steps, _other(value)))
            if value is not None:
                yield Forgery("manifest.json", place, "made nothing", _sets(steps, None))
        if steps:
            yield Forgery("manifest.json", place, "removed", _sets(steps, _GONE))
        if isinstance(value, dict):
            yield Forgery("manifest.json", place, "added to", _sets((*steps, "extra"), "x"))
    text = json.dumps(content)
    twice = '{"author": "somebody else", ' + text[1:]
    yield Forgery("manifest.json", "author", "twice", lambda r: _write(r / "manifest.json", twice))


_GONE = object()


def _walk(content: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield steps, content
    pairs = content.items() if isinstance(content, dict) else ()
    if isinstance(content, list):
        pairs = enumerate(content)
    for key, inner in pairs:
        yield from _walk(inner, (*steps, key))


def _sets(steps: tuple[Any, ...], value: object) -> Callable[[Path], None]:
    def change(content: Any) -> None:
        *above, last = steps
        for step in above:
            content = content[step]
        if value is _GONE:
            del content[last]
        else:
            content[last] = value

    return lambda record: tell(record, change)


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, "x"]
    if isinstance(value, str):
        return _other_text(value)
    return 1 if value is None else value + 1


def _other_text(text: str) -> str:
    if text in ("true", "false"):
        return "false" if text == "true" else "true"
    if text.endswith("Z") and text[:2] == "20":
        return "2020" + text[4:]
    try:
        return exact_text(parse_exact(text, 1000) + 1)
    except ValueError:
        return f"{text}x"


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _puts(name: str, text: str) -> Callable[[Path], None]:
    bom = "\ufeff" if name.endswith(".csv") and "/" not in name else ""

    def make(record: Path) -> None:
        old = (record / name).read_bytes() if (record / name).exists() else b""
        given = text.removeprefix(bom)
        put(record, name, ((bom if old.startswith(b"\xef\xbb\xbf") else "") + given).encode())

    return make


def _of_file(name: str) -> Iterator[Forgery]:
    def unlist(record: Path) -> None:
        (record / name).unlink()
        tell(record, lambda found: found["files"].pop(name))

    yield Forgery(name, "", "removed", lambda record: (record / name).unlink())
    yield Forgery(name, "", "removed and not listed", unlist)
    yield Forgery(name, "", "emptied", _puts(name, ""))


def _append(name: str, record: Path) -> None:
    put(record, name, (record / name).read_bytes() + b"\n")


def _of_table(content: str) -> Iterator[tuple[str, str, str]]:
    header, *rows = csv.reader(io.StringIO(content))

    def table(head: list[str], body: list[list[str]]) -> str:
        return csv_text(head, body)

    for at, column in enumerate(header):
        for row in {0, len(rows) // 2, len(rows) - 1}:
            changed = [list(cells) for cells in rows]
            changed[row][at] = _other_text(changed[row][at])
            yield f"{column} {row}", "changed", table(header, changed)
        left = [[c for n, c in enumerate(cells) if n != at] for cells in (header, *rows)]
        yield column, "removed", table(left[0], left[1:])
    yield "a column", "added", table([*header, "extra"], [[*cells, "x"] for cells in rows])
    yield "a row", "removed", table(header, rows[:-1])
    yield "a row", "added", table(header, [*rows, rows[-1]])
    if len(rows) > 1:
        yield "a row", "moved", table(header, [rows[1], rows[0], *rows[2:]])


def _of_yaml(content: str) -> Iterator[tuple[str, str, str]]:
    read: Any = yaml.load(content, Loader=yaml.BaseLoader)
    for steps, value in _walk(read):
        place = ".".join(map(str, steps))
        if isinstance(value, str):
            yield place, "changed", _with(read, steps, _other_text(value))
        if steps and value not in ({}, [], "null"):  # Without them it is as it is with them.
            yield place, "removed", _with(read, steps, _GONE)
        if isinstance(value, dict):
            yield place, "added to", _with(read, (*steps, "extra"), "x")


def _with(read: Any, steps: tuple[Any, ...], value: object) -> str:
    content = json.loads(json.dumps(read))
    inner, (*above, last) = content, steps
    for step in above:
        inner = inner[step]
    if value is _GONE:
        del inner[last]
    else:
        inner[last] = value
    return yaml_bytes(content).decode()


# What passes.


def forged(record: Path, one: Forgery, folder: Path) -> Path:
    target = folder / "forged"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(record, target)
    one.make(target)
    return target


def passes(record: Path) -> bool:
    try:
        return verify(record).good
    except InputError:
        return False


def is_told(one: Forgery) -> bool:
    """Whether it is of the short list."""
    if one.file == "prices.csv" and one.how == "changed":
        return one.place.split()[0] in VALUES
    if one.file != "manifest.json" or one.how == "twice":
        return False
    return any(one.place == place or one.place.startswith(f"{place}.") for place in TOLD)


def is_input(record: Path, trusted: Scenario) -> bool:
    """Whether `--against` the scenario that was solved names it."""
    found = verify(record, against=trusted).against
    return found is not None and bool(found.differences)


def unexplained(record: Path, trusted: Scenario, ways: list[Forgery], folder: Path) -> list[str]:
    """Forgeries that verify, are not on the short list, and that `--against` does not name."""
    wrong = []
    for one in ways:
        target = forged(record, one, folder)
        if passes(target) and not is_told(one) and not is_input(target, trusted):
            wrong.append(str(one))
    return wrong


@pytest.mark.slow
def test_the_record_verifies_before_it_is_forged(bare: Path, drawn: Path) -> None:
    assert verify(bare).good and verify_drawn(drawn).good
    assert len(list(forgeries(bare))) > 500


@pytest.mark.slow
def test_few_forgeries_in_a_quick_run_pass_but_what_is_told_and_inputs(
    bare: Path, solved: Solution, tmp_path: Path
) -> None:
    ways = list(forgeries(bare))[::THINNED]
    assert unexplained(bare, solved.scenario, ways, tmp_path) == []


@pytest.mark.slow
def test_no_forgery_passes_but_what_is_told_and_inputs(
    bare: Path, solved: Solution, tmp_path: Path
) -> None:
    ways = list(forgeries(bare))
    assert unexplained(bare, solved.scenario, ways, tmp_path) == []
    passed = {one.place for one in ways if is_told(one) and passes(forged(bare, one, tmp_path))}
    tops = {place for place in TOLD if any(p == place or p.startswith(f"{place}.") for p in passed)}
    assert tops == TOLD


@pytest.mark.slow
def test_nothing_passes_where_page_and_workbook_are_not_drawn_again(
    drawn: Path, tmp_path: Path
) -> None:
    ways = [one for one in forgeries(drawn) if is_told(one) and one.how == "changed"]
    for one in ways[::6]:
        assert not verify_drawn(forged(drawn, one, tmp_path)).good, one
    target = forged(drawn, ways[0], tmp_path)
    draw_again(target)
    assert verify_drawn(target).good
