"""The notebooks run from end to end, say what they must, and stand in the repository clean."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebook_pairs import FOLDER, ipynb_text, notebooks

REPO = FOLDER.parent
NOTEBOOKS = [pytest.param(path, id=path.stem) for path in notebooks()]
MACHINE_PATH = re.compile(
    r"(?<![\w.:])/(?:" + "home|root|Users|opt|work|tmp|mnt|usr|var" + r")/|\b[A-Za-z]:\\\\?\w"
)


SAID = {
    "first-allocation": (
        "本口径按目标反推，达标不构成预测或证明",
        r"[^\d]0 of \d+ limits in force are broken",
        r"The worst is \S+ with 60 % of its factor-method amount, the best \S+ with 160 %",
    ),
    "deep-poverty-tilt": (
        r"up to 28 % costs nothing",
        r"34 % or more is impossible",
        r"[\d,]+ 万元 stand elsewhere",
        "达标不构成预测或证明",
    ),
    "side-by-side": (r"\*\*base-2020@strict-tilt\*\*: 昭觉县 \d+ 万元 \(\+\d+\)",),
    "weights": (
        r"no combination brings more than [67],\d{3} jobs",
        r"a job costs 1\.\d+ trainees",
    ),
    "assumptions": (
        r"`rules.tasks-per-county.at_most`",
        r"`rules.funded-cells.at_most`",
        r"move 0 万元 at the most",
    ),
    "stability": (
        r"costs 0\.\d% of the index",
        r"\d\d% of what the best table gains over the factor method",
    ),
    "what-we-do-not-know": (
        r"\d\d of 88 counties are safe",
        r"[78]\d% of the draws no county's money moves at all",
        r"are kept in 1,000 of 1,000\s+draws",
    ),
    "front": (r"\d+ points, none is missing", r"weights find only \d+ of them", "5,500 yuan"),
    "back-test": (r"error of up to 15 %", r"not in the record at all", "误差约一成半"),
    "datum-first": (
        r"Agri-processing: effect on Jobs",
        r"bring 1\d\d more jobs",
        "先查能改变资金去向的数",
    ),
    "robust-or-average": (r"on a thousand others that does not hold", r"in 4\d % of the draws"),
    "your-own-fund": (r"\*\*optimal\*\*", "`budget`"),
    "constraint-by-hand": (
        r"get (\d+) and \1 万元",
        r"0 limits .* are broken",
        r"made by hand keeps it",
    ),
}
"""What a notebook says, as patterns."""


def code_cells(notebook: Path) -> list[str]:
    cells = jupytext.read(notebook, fmt="py:percent").cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def executed(notebook: Path, home: Path) -> list[Any]:
    """The cells of the notebook after it has run where Jupyter would run it: in its own folder."""
    book = jupytext.read(notebook, fmt="py:percent")
    client = NotebookClient(
        book, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    path = os.pathsep.join(part for part in (str(REPO), os.environ.get("PYTHONPATH")) if part)
    client.execute(env={**os.environ, "PYTHONPATH": path, "IPYTHONDIR": str(home)})
    return list(book.cells)


def shown(cells: list[Any]) -> str:
    """All that a reader sees under cells that have run."""
    texts = []
    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts.append(output.get("text") or data.get("text/markdown") or data.get("text/plain"))
    return "\n".join(text for text in texts if text)


def warnings_of(cells: list[Any]) -> list[str]:
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output["text"] for output in outputs if output.get("name") == "stderr"]


STORIES = {
    "first-allocation",
    "deep-poverty-tilt",
    "side-by-side",
    "weights",
    "assumptions",
    "stability",
    "front",
    "back-test",
    "datum-first",
    "robust-or-average",
    "your-own-fund",
    "constraint-by-hand",
}


def test_there_are_notebooks() -> None:
    assert {path.stem for path in notebooks()} >= STORIES
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in notebooks()}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_both_forms_of_a_notebook_agree_and_hold_no_outputs(notebook: Path) -> None:
    text = notebook.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert text == ipynb_text(notebook), "run python tests/notebook_pairs.py"
    nbformat.validate(json.loads(text))
    for cell in json.loads(text)["cells"]:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


def test_a_stored_output_is_seen(tmp_path: Path) -> None:
    copy = tmp_path / "n.py"
    copy.write_text("# %%\n1 + 1\n\n# %%\n1 + 1\n", encoding="utf-8")
    cells = json.loads(ipynb_text(copy))["cells"]
    assert [cell["source"] for cell in cells] == [["1 + 1"], ["1 + 1"]]
    assert cells[0]["id"] != cells[1]["id"]
    assert ipynb_text(copy) == ipynb_text(copy)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_code_cells_hold_no_path_of_a_machine(notebook: Path) -> None:
    for cell in code_cells(notebook):
        found = MACHINE_PATH.search(cell)
        assert found is None, found and found[0]


def test_a_path_of_a_machine_would_be_seen() -> None:
    slash = "/"
    for path in (f'open("{slash}home/a/b.csv")', 'open("C:\\\\data\\\\b.csv")'):
        assert MACHINE_PATH.search(path)
    for path in ('folder / "scenarios" / "base-2020.yaml"', "https://example.org/home/"):
        assert not MACHINE_PATH.search(path)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook_runs_from_end_to_end(notebook: Path, tmp_path: Path) -> None:
    cells = executed(notebook, tmp_path)
    assert warnings_of(cells) == []
    assert MACHINE_PATH.search(shown(cells)) is None
    closing = " ".join(shown(cells[-1:]).split())
    assert closing and not {"nan", "None", "inf"} & set(re.findall(r"\w+", closing))
    told = " ".join(shown(cells).split())
    for text in SAID.get(notebook.stem, ()):
        assert re.search(text, told), text
