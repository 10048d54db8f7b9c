"""The locks are closed, and the installer says in one line what is wrong with them or around it.

What a locked package asks for is read from its installed metadata, so that no lock rots when
something newer is published: whatever is installed is named in the lock, by version and hash.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
USED: dict[str, list[str]] = {
    "requirements.lock": [],
    "tests/requirements.lock": ["test"],
    "tools/requirements.lock": ["desk", "dask", "notebook", "lab", "papers"],
}
"""Lock → the extras that it is made for."""
SYSTEMS = [("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt")]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
SURROUNDINGS = [
    {
        "sys_platform": platform,
        "platform_system": system,
        "os_name": name,
        "python_version": python,
        "python_full_version": f"{python}.1",
    }
    for platform, system, name in SYSTEMS
    for python in PYTHONS
]
Locked = list[tuple[str, str, Marker | None]]


def locked(text: str) -> Locked:
    """Name, version and marker of each entry of a lock."""
    heads = [line.rstrip("\\ ") for line in text.splitlines() if "==" in line]
    entries = [Requirement(head) for head in heads]
    return [
        (canonicalize_name(entry.name), str(entry.specifier).removeprefix("=="), entry.marker)
        for entry in entries
    ]


def asked_of(name: str) -> list[str]:
    """What an installed package asks for; nothing where it is not installed here."""
    try:
        return distribution(name).requires or []
    except PackageNotFoundError:
        return []


def unmet(lock: Locked, roots: list[str], around: Mapping[str, str]) -> Iterator[str]:
    """Requirements, of the roots or of what they lead to, that no entry of the lock meets."""
    machine = {**{key: str(value) for key, value in default_environment().items()}, **around}
    here = {name: at for name, at, marker in lock if not marker or marker.evaluate(machine)}
    seen: set[tuple[str, str]] = set()
    todo = [(Requirement(root), "", "allot") for root in roots]
    while todo:
        need, extra, by = todo.pop()
        if need.marker and not need.marker.evaluate({**machine, "extra": extra}):
            continue
        name = canonicalize_name(need.name)
        if name not in here:
            yield f"{by} asks for {need}: not locked"
        elif not need.specifier.contains(here[name], prereleases=True):
            yield f"{by} asks for {need}: locked is {here[name]}"
        for wanted in {"", *need.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                todo += [(Requirement(text), wanted, name) for text in asked_of(name)]


def roots(extras: list[str]) -> list[str]:
    """What the program, its build and the extras ask for."""
    needs = [need for extra in extras for need in EXTRAS[extra]]
    return [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"], *needs]


@pytest.mark.slow
@pytest.mark.parametrize("file", USED)
def test_each_lock_meets_what_every_locked_package_asks_for_on_every_system(file: str) -> None:
    lock = locked((ROOT / file).read_text("utf-8"))
    assert len(lock) > 20
    found = [list(unmet(lock, roots(USED[file]), around)) for around in SURROUNDINGS]
    assert found == [[] for _ in SURROUNDINGS]


@pytest.mark.parametrize("file", USED)
def test_what_is_read_is_the_metadata_of_the_locked_versions(file: str) -> None:
    installed = {}
    for name, version, marker in locked((ROOT / file).read_text("utf-8")):
        if (not marker or marker.evaluate()) and asked_of(name):
            installed[name] = (distribution(name).version, version)
    assert len(installed) > 5
    assert {name: both for name, both in installed.items() if both[0] != both[1]} == {}


def test_a_requirement_that_a_lock_does_not_meet_is_seen() -> None:
    lock = locked((ROOT / "tests/requirements.lock").read_text("utf-8"))
    here = SURROUNDINGS[0]
    without = [entry for entry in lock if entry[0] != "httptools"]
    (missing,) = unmet(without, ["nicegui>=3"], here)
    assert re.fullmatch(r"uvicorn asks for httptools.*: not locked", missing)
    old = [(name, "0.1" if name == "click" else at, mark) for name, at, mark in lock]
    assert "allot asks for click>=8.1: locked is 0.1" in list(unmet(old, ["click>=8.1"], here))
    assert list(unmet(lock, ['nosuch>=1; sys_platform == "win32"'], here)) == []


# What the installer refuses, each in one line.


@pytest.fixture
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installer", ROOT / "tools" / "install.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(installer: ModuleType, into: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line with which it ends."""
    monkeypatch.setattr(sys, "argv", ["install.py", "--into", str(into)])
    said: list[str] = []
    monkeypatch.setattr(installer.sys.stderr, "write", said.append)
    assert installer.main() == 1
    line = "".join(said)
    assert line.count("\n") == 1 and line.endswith("\n")
    return line


def answering(output: str, *, fails: str) -> object:
    """A `run` in whose place every program works, but for the one whose words hold `fails`."""

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        if fails in " ".join(command):
            return subprocess.CompletedProcess(command, 1, output, output)
        return subprocess.CompletedProcess(command, 0, "pip 26.0", "")

    return run


PROBLEMS = {
    "NewConnectionError('… Failed to establish a new connection')": ("connect to a ne", "请联网"),
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES": ("empty pip's cache", "清空缓存"),
    "ERROR: No matching distribution found for scipy==9": ("no wheel of scipy==9", "scipy==9"),
    "OSError: [Errno 28] No space left on device": ("the disk is full", "磁盘已满"),
    "one\nanother thing": ("pip could not install: another thing", "pip 没有装成：another thing"),
}


@pytest.mark.parametrize("chinese", [False, True])
@pytest.mark.parametrize("output", PROBLEMS)
def test_what_pip_says_becomes_what_to_do(
    output: str,
    chinese: bool,
    installer: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALLOT_LANG", "zh" if chinese else "en")
    monkeypatch.setattr(installer, "run", answering(output, fails="--require-hashes"))
    assert PROBLEMS[output][chinese] in refusal(installer, tmp_path / "venv", monkeypatch)


@pytest.mark.parametrize("chinese", [False, True])
@pytest.mark.parametrize(("told", "named"), [("pip 21.2.4 from", "pip 21.2"), ("", "no pip")])
def test_a_pip_that_is_too_old_or_missing_is_refused(
    told: str,
    named: str,
    chinese: bool,
    installer: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALLOT_LANG", "zh" if chinese else "en")
    monkeypatch.setattr(installer, "run", answering(told, fails="pip"))
    with pytest.raises(installer.Refused) as refused:
        installer.check_pip()
    if chinese:
        assert "须有 pip 22.3" in str(refused.value) and "现在是" in str(refused.value)
    else:
        assert f"pip 22.3 or later is needed, here is {named}" in str(refused.value)


@pytest.mark.parametrize(("language", "says"), [("en", "is needed, this is"), ("zh", "现在是")])
@pytest.mark.parametrize("found", [(3, 10, 13), (3, 15, 0)])
def test_a_python_without_locked_packages_is_refused(
    language: str,
    says: str,
    found: tuple[int, int, int],
    installer: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALLOT_LANG", language)
    with monkeypatch.context() as patched:
        patched.setattr(installer.sys, "version_info", found)
        with pytest.raises(installer.Refused) as refused:
            installer.check_python()
    assert says in str(refused.value) and f"3.{found[1]}" in str(refused.value)


CLICK = re.compile(r"^click==\S+ \\\n(    --hash=\S+( \\)?\n)+", re.MULTILINE)
DAMAGES = {
    "without a package": (lambda text: CLICK.sub("", text), "click is not in it", "缺 click"),
    "without a hash": (
        lambda text: CLICK.sub(lambda at: at[0].partition(" ")[0] + "\n", text),
        "click has no version or no hash",
        "click 缺版本或校验值",
    ),
    "without a version": (
        lambda text: re.sub(r"^click==\S+", "click", text, flags=re.MULTILINE),
        "click has no version or no hash",
        "click 缺版本或校验值",
    ),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lock_that_lacks_something_is_refused_before_anything_is_made(
    damage: str,
    language: str,
    installer: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change, *says = DAMAGES[damage]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    (tmp_path / "requirements.lock").write_text(change(lock), "utf-8")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setenv("ALLOT_LANG", language)
    monkeypatch.setattr(installer, "ROOT", tmp_path)
    monkeypatch.setattr(installer, "run", answering("", fails="no such word"))
    line = refusal(installer, tmp_path / "venv", monkeypatch)
    assert says[language == "zh"] in line and "git checkout -- requirements.lock" in line


def test_what_others_set_for_pip_leads_no_package_elsewhere(
    installer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_USER", "PIP_TARGET", "PIP_CONSTRAINT", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "somewhere")
    shown = installer.run([sys.executable, "-c", "import os; print(*os.environ)"]).stdout.split()
    assert "PIP_INDEX_URL" in shown
    assert not {"PIP_USER", "PIP_TARGET", "PIP_CONSTRAINT"} & {*shown}
