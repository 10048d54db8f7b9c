"""`import allot`: every verb is there, costs nothing until it is used, and says what it does."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import allot
from tests.notebook_pairs import notebooks
from tests.public_use import ask, decide
from tests.worlds import rule, world, write_world

ROOT = Path(__file__).parent.parent
VERBS = [
    *("load", "solve", "audit", "repair", "compare", "grid", "sweep", "tornado", "prices", "costs"),
    *(
        "ranges",
        "witness",
        "explain",
        "front",
        "mend",
        "more_money",
        "reallocate",
        "stability_curve",
        "assumptions",
        "uncertainty",
        "drivers",
        "contestable",
        "open_study",
        "calibrate",
        "backtest",
        "robust",
        "screen",
        "information",
        "diagnose",
        "baseline",
        "read_record",
        "write_record",
        "papers",
        "verify",
    ),
    *("to_pulp", "from_pulp", "read_allocation", "read_labels", "write_starter", "solve_many"),
    "write_fund",
]
TYPES = [
    "Allocation",
    "Changes",
    "Design",
    "Factors",
    "MidYear",
    "Programme",
    "Scenario",
    "Solution",
]
ERRORS = ["InfeasibleError", "InputError", "NoAnswerError"]
MODULES = ["charts", "frames"]
MAY_RAISE = sorted({*VERBS} - {"to_pulp"})
GIVEN = {
    *("aim", "scenario", "solution", "allocation", "county", "columns", "vary", "path", "of"),
    *(
        "aims",
        "before",
        "best",
        "more",
        "changes",
        "folder",
        "solved",
        "state",
        "programme",
        "outside",
        "options",
        "table",
        "ranges",
        "end",
        "found",
        "past",
        "record",
    ),
}
"""What a verb is about; everything else is an option, and goes by its name."""


def printed(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_allot_alone_loads_nothing_of_it_and_nothing_heavy() -> None:
    code = "import allot, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(printed(code).split())
    ours = {"cli", "commands", "models", "optimizer", "reports"}
    assert loaded & {*ours, "numpy", "pandas", "pydantic", "highspy", "pulp", "click"} == set()


def test_asking_for_an_error_loads_no_solver_and_no_arrays() -> None:
    code = "import allot, sys; allot.InputError; print('numpy' in sys.modules, 'allot' in dir())"
    assert printed(code) == "False True"


def test_every_name_is_there_and_listed() -> None:
    assert sorted(allot.__all__) == sorted([*VERBS, *TYPES, *ERRORS, *MODULES])
    assert dir(allot) == sorted(allot.__all__)
    for name in [*VERBS, *TYPES, *ERRORS]:
        assert getattr(allot, name).__name__ == name
    assert all(inspect.ismodule(getattr(allot, name)) for name in MODULES)


def test_types_and_running_code_take_each_name_from_the_same_place() -> None:
    tree = ast.parse((ROOT / "allot.py").read_text("utf-8"))
    (choice,) = (node for node in tree.body if isinstance(node, ast.If) and node.orelse)
    typed = {
        (one.asname or one.name): getattr(__import__(node.module, fromlist=[one.name]), one.name)
        for node in choice.body
        if isinstance(node, ast.ImportFrom) and node.module
        for one in node.names
    }
    assert typed == {name: getattr(allot, name) for name in allot.__all__}


def test_a_wrong_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'slove'") as caught:
        allot.slove  # noqa: B018
    assert caught.value.name == "slove" and caught.value.obj is allot


@pytest.mark.parametrize("verb", VERBS)
def test_the_options_of_a_verb_are_keywords(verb: str) -> None:
    parameters = inspect.signature(getattr(allot, verb)).parameters.values()
    by_place = {one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD}
    assert by_place <= GIVEN


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_what_it_gives_and_what_it_raises(verb: str) -> None:
    told = inspect.getdoc(getattr(allot, verb)) or ""
    assert len(told.splitlines()) > 2, told
    assert "Raises" in told or verb not in MAY_RAISE


def test_a_script_decides_keeps_and_reads_again(tmp_path: Path) -> None:
    file = write_world(tmp_path, {"budget": 45})
    solution, read = decide(file, tmp_path / "record")
    assert read.amounts.equals(solution.amounts) and read.objective == solution.objective
    assert read.quality == solution.quality
    assert (read.quality.status, read.quality.gap) == (solution.status, solution.gap)
    held = {path.name for path in (tmp_path / "record").iterdir()}
    assert {"report.html", "workbook.xlsx", "manifest.json", "certificate.csv"} <= held
    assert 'lang="zh' in (tmp_path / "record" / "report.html").read_text("utf-8")
    assert allot.verify(str(tmp_path / "record")).good


def test_every_verb_answers_on_a_small_world(tmp_path: Path) -> None:
    floor = rule(id="floor", per=["county"], at_least=15)
    solution = allot.solve(world(tmp_path, {"budget": 45, "rules": [floor]}))
    answers = ask(solution)
    assert {*answers} <= {*VERBS}
    assert answers["audit"].broken == () and answers["repair"].moved == 0
    assert not answers["diagnose"].is_feasible
    said = answers["explain"]
    assert (said.county.county, said.against.county) == (0, 1)
    assert answers["witness"].money == 30  # of 45, 15 being for b
    assert answers["from_pulp"].objective == solution.objective
    frames = [one for one in answers.values() if isinstance(one, pd.DataFrame)]
    assert len(frames) == 7 and not any(frame.empty for frame in frames)


def test_a_record_in_an_unknown_language_is_refused(tmp_path: Path) -> None:
    solution = allot.solve(world(tmp_path, {"budget": 45}))
    with pytest.raises(allot.InputError, match="'fr' is none of zh, en"):
        allot.write_record(solution, tmp_path / "record", lang="fr")
    assert not (tmp_path / "record").exists()


def readme_blocks() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def test_readme_and_notebooks_import_nothing_of_this_project_but_allot() -> None:
    texts = [*readme_blocks(), *(path.read_text("utf-8") for path in notebooks())]
    found = re.findall(r"^(?:from|import) +(\w+)", "\n".join(texts), re.M)
    assert len(texts) > 8
    assert found.count("allot") == len(texts)
    assert not {*found} & {"cli", "commands", "models", "optimizer", "reports", "tests"}


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    for block in readme_blocks():
        exec(block, {})
    assert allot.verify(tmp_path / "out" / "budget-34000").good


def test_the_module_runs_as_the_program_of_its_name_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "allot", "--version"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("allot ")
