"""The map in ARCHITECTURE.md: one screen, and all that it names is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("allot", "cli", "commands", "desk", "models", "optimizer", "reports")


def wrong_names(text: str) -> list[str]:
    """What a text names in backticks as a file, a test or a function, and is not there."""
    return [name for name in re.findall(r"`([^`\n]+)`", text) if not _is_there(name)]


def _is_there(name: str) -> bool:
    path, _, test = name.partition("::")
    if re.fullmatch(r"[\w./-]+", path) and ("/" in path or path.endswith((".py", ".toml", ".md"))):
        found = ROOT / path
        return found.exists() and f"def {test}" in (found.read_text("utf-8") if test else "def ")
    if re.fullmatch(rf"({'|'.join(PACKAGES)})(\.\w+)+", name):
        return _resolves(name)
    return True


def _resolves(name: str) -> bool:
    """Whether a dotted name leads from a module to what stands in it."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part, None)
        return found is not None
    return False


@pytest.mark.slow
def test_the_map_names_nothing_that_is_not_there() -> None:
    assert wrong_names((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "name",
    ["models/none.py", "none.py", "models/", "models.scenario.lod", "optimizer.none.load"]
    + ["tests/test_architecture.py::test_none", "models.scenario.load", "solve", "--set a.b=1"],
)
def test_a_name_that_leads_nowhere_is_seen(name: str) -> None:
    there = {"models/", "models.scenario.load", "solve", "--set a.b=1"}
    assert wrong_names(f"see `{name}`") == ([] if name in there else [name])


def test_the_map_fits_one_screen_and_the_readme_leads_to_it() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert "(ARCHITECTURE.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
