"""The audit can be trusted without the solver, because it runs without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = ("highspy", "pulp", "scipy", "pandas")


def loaded_after(statement: str) -> set[str]:
    """Which of the heavy packages a fresh Python has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_audit_loads_no_solver_and_no_frames() -> None:
    assert loaded_after("import optimizer.audit") == set()


def test_this_test_would_see_a_solver_that_is_loaded() -> None:
    assert loaded_after("import optimizer.audit, pulp, highspy") >= {"highspy", "pulp"}
