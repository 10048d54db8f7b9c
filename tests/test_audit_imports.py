"""The audit can be trusted without the solver, because it runs without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.decision import solve
from reports.record_writer import write_record
from tests.worlds import world

ROOT = Path(__file__).parent.parent
HEAVY = ("highspy", "pulp", "scipy", "pandas")


def loaded_after(statement: str) -> set[str]:
    """Which of the heavy packages a fresh Python has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.slow
def test_importing_the_audit_loads_no_solver_and_no_frames() -> None:
    assert loaded_after("import optimizer.audit") == set()


@pytest.mark.slow
def test_this_test_would_see_a_solver_that_is_loaded() -> None:
    assert loaded_after("import optimizer.audit, pulp, highspy") >= {"highspy", "pulp"}


@pytest.mark.slow
def test_verifying_a_record_loads_no_solver_and_no_frames(tmp_path: Path) -> None:
    write_record(solve(world(tmp_path, {"budget": 45})), tmp_path / "record")
    arguments = ["verify", str(tmp_path / "record"), "--json"]
    statement = f"""
import cli, contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as said:
    cli.allot({arguments!r}, standalone_mode=False)
assert "certificate.csv" in said.getvalue()"""
    assert loaded_after(statement) == set()


@pytest.mark.slow
def test_the_page_of_a_verified_record_loads_no_solver(tmp_path: Path) -> None:
    write_record(solve(world(tmp_path, {"budget": 45})), tmp_path / "record")
    arguments = ["verify", str(tmp_path / "record"), "-q", "-o", str(tmp_path / "out")]
    loaded = loaded_after(f"import cli; cli.allot({arguments!r}, standalone_mode=False)")
    assert loaded.isdisjoint({"highspy", "pulp", "pandas"})
    assert (tmp_path / "out" / "verify.html").is_file()
