"""LibreOffice, run headless with a profile of its own that recalculates every file it opens."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def soffice() -> str:
    """The program; without it the test is skipped, and fails where CI promises it."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    return found or absent("LibreOffice (soffice)")


def writer(program: str) -> bool:
    """Whether that LibreOffice has Writer, which systems package apart from Calc."""
    return any(Path(program).resolve().parents[1].rglob("*swlo.*"))


def absent(name: str) -> NoReturn:
    """Skip the test, or fail it where CI promises that the program is there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI runs these tests always")
    pytest.skip(f"{name} is not installed")


def converted(files: Sequence[Path], folder: Path, kind: str = "xlsx") -> list[Path]:
    """The files as LibreOffice writes them after recalculating, in `folder`."""
    program, profile = soffice(), folder / "profile"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS, encoding="utf-8")
    command = [
        *(program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"),
        *("--convert-to", kind, "--outdir", str(folder / "out"), *map(str, files)),
    ]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=600)
    made = [folder / "out" / f"{path.stem}.{kind}" for path in files]
    missing = [path.name for path in made if not path.is_file()]
    if "source file could not be loaded" in done.stderr and not writer(program):
        absent("LibreOffice Writer")
    assert not missing, f"LibreOffice made no {missing}: {done.stdout}{done.stderr}"
    return made
