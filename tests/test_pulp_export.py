"""LP and MPS files: read back by HiGHS, they are the model that `solve` works on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highspy
import pytest

from models.errors import InputError
from models.scenario import Scenario, load
from optimizer.formulation.model import Model
from optimizer.pulp_export import export, model_of
from optimizer.solvers import highs
from tests.worlds import rule, world

BASE = Path(__file__).resolve().parents[1] / "scenarios" / "base-2020.yaml"


def read(path: Path) -> highspy.Highs:
    """The file in HiGHS."""
    highs.version()  # Loses the banner of the first instance.
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("log_to_console", False)
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    return solver


def size_of(solver: highspy.Highs) -> tuple[int, int, int]:
    whole = [kind == highspy.HighsVarType.kInteger for kind in solver.getLp().integrality_]
    return solver.getNumRow(), solver.getNumCol(), sum(whole)


def size(model: Model) -> tuple[int, int, int]:
    return len(model.row_lower), len(model.cost), int(model.integer.sum())


def optimum(solver: highspy.Highs) -> float:
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    sign = 1.0 if solver.getObjectiveSense()[1] == highspy.ObjSense.kMaximize else -1.0
    return sign * float(solver.getObjectiveValue())


def small(folder: Path, **changes: Any) -> Scenario:
    rules = [
        rule(id="fair", per=["county"], at_least={"share": "0.2", "of": "amount"}),
        rule(id="north", per=["zone"], at_least=7, title={"zh": "北区", "en": "North"}),
        rule(id="even", measure="jobs", equal=15, within="0.5"),
        rule(id="informal-2", measure="cells", at_most=3),
    ]
    counties = {"a": {"zone": "秦巴"}, "7b": {"zone": "乌蒙"}}
    body = {"budget": 37, "lot": 4, "rules": rules}
    return world(folder, {**body, **changes}, counties=counties)


@pytest.mark.parametrize("suffix", ["lp", "mps"])
def test_a_file_of_the_linear_base_has_the_same_size_and_optimum(
    tmp_path: Path, suffix: str
) -> None:
    scenario = load(f"{BASE}@no-integer-rules")
    path = tmp_path / f"model.{suffix}"
    export(scenario, path)
    model, solver = model_of(scenario), read(path)
    assert size_of(solver) == size(model)
    assert optimum(solver) == pytest.approx(highs.solve_model(model).objective, rel=1e-9)


@pytest.mark.parametrize("suffix", ["lp", "mps"])
def test_a_file_of_the_whole_base_has_the_same_size(tmp_path: Path, suffix: str) -> None:
    scenario = load(BASE)
    export(scenario, tmp_path / f"model.{suffix}")
    assert size_of(read(tmp_path / f"model.{suffix}")) == size(model_of(scenario))


@pytest.mark.parametrize("suffix", ["lp", "MPS"])
@pytest.mark.parametrize("whole_units", [False, True])
def test_a_small_mixed_integer_file_has_the_same_optimum(
    tmp_path: Path, suffix: str, whole_units: bool
) -> None:
    scenario = small(tmp_path)
    path = tmp_path / f"model.{suffix}"
    export(scenario, path, whole_units=whole_units)
    model, solver = model_of(scenario, whole_units=whole_units), read(path)
    # The rule with two different bounds is two constraints in the file.
    rows, columns, whole = size(model)
    assert size_of(solver) == (rows + 1, columns, whole)
    answer = highs.solve_model(model)
    assert optimum(solver) == pytest.approx(answer.objective, rel=1e-9)


@pytest.mark.parametrize("suffix", ["lp", "mps"])
def test_names_in_the_file_are_ascii_and_short_and_the_comment_explains_them(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"model.{suffix}"
    export(small(tmp_path), path)
    lines = path.read_text(encoding="utf-8").splitlines()
    mark = {"lp": "\\", "mps": "*"}[suffix]
    comment = [line for line in lines if line.startswith(mark)]
    body = lines[len(comment) :] if suffix == "lp" else [x for x in lines if x not in comment]
    assert "".join(body).isascii()
    assert f"{mark}   north: 北区 / North" in comment
    assert any(line.endswith("north/秦巴") for line in comment)
    lp = read(path).getLp()
    names = [*lp.col_names_, *lp.row_names_]
    assert {"x_a_road", "x_7b_school", "fair_a", "even_at_least", "even_at_most"} <= set(names)
    assert max(map(len, names)) <= 255


def test_another_suffix_and_a_place_that_is_not_there_are_refused(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    for name, message in (("model.txt", "ends in .lp or .mps"), ("no/m.lp", "cannot be written")):
        with pytest.raises(InputError, match=message):
            export(scenario, tmp_path / name)


def test_a_file_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = small(tmp_path)
    path = tmp_path / "model.lp"
    path.write_text("before", encoding="utf-8")
    before = sorted(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="No space left"):
        export(scenario, path)
    assert path.read_text(encoding="utf-8") == "before"
    assert sorted(tmp_path.iterdir()) == before
