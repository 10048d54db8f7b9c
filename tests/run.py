"""Every check of the project, in one command: style, types, imports, tests.

All of them run, also after one has failed; what failed is named at the end, and the exit code is
then 1. Arguments go to pytest: `python tests/run.py -k record`. It uses two processes.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "lint-imports": ["lint-imports"],
    "pytest": ["pytest"],
}
"""Name → program of this environment and its arguments; pytest last, so that its line closes."""


def run(name: str, arguments: list[str]) -> bool:
    """Run one check from the project's root; whether it passed."""
    sys.stdout.write(f"== {name}\n")
    sys.stdout.flush()
    program, *rest = CHECKS[name]
    try:
        done = subprocess.run([SCRIPTS / program, *rest, *arguments], cwd=ROOT, check=False)
    except OSError as error:
        sys.stderr.write(f"{program} cannot be run ({error}): python3 tools/install.py tests\n")
        return False
    return done.returncode == 0


def main() -> int:
    """Run all checks; 0 if every one passed, else 1."""
    words = sys.argv[1:] if "--tx" in sys.argv else ["-n", "2", *sys.argv[1:]]
    failed = [name for name in CHECKS if not run(name, words if name == "pytest" else [])]
    if failed:
        sys.stderr.write(f"FAILED: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
