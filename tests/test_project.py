"""The project itself: short files, locked packages, a whole wheel, one test command."""

from __future__ import annotations

import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "tests/requirements.lock", "tools/requirements.lock")
TEXTS = {".py", ".yaml", ".toml", ".md", ".j2", ".css", ".js", ".lock", ".csv", ""}
LONG_BY_NATURE = {".lock", ".csv"}
SET_UP = "python3 tools/install.py tests"
TEST_COMMAND = ".venv/bin/python tests/run.py"


def tracked() -> list[Path]:
    """The files of the repository: those that git knows, or would know."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        pytest.skip("not a git checkout, so its files are not known")
    found = [REPO / name for name in done.stdout.splitlines()]
    return [path for path in found if path.is_file() and path.suffix in TEXTS]


def packages(lock: str) -> dict[str, tuple[str, list[str]]]:
    """Name → version and hashes of every package of a lock."""
    text = (REPO / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        name, equals, rest = line.partition("==")
        assert equals, f"{lock}: {line}"
        found[name] = (rest.split()[0], re.findall(r"--hash=sha256:([0-9a-f]{64})\b", rest))
    return found


def commands(text: str) -> list[str]:
    """The commands of a shell text, one by one, with `.venv` for the environment's folder."""
    joined = text.replace("\\\n", " ").replace('"$venv/bin/python"', ".venv/bin/python")
    joined = joined.replace(' --into "$venv"', "").replace(" 2>&1 | tee", "&&")
    parts = [part for line in joined.splitlines() for part in line.split("&&")]
    return [" ".join(part.split()) for part in parts]


def test_no_file_is_longer_than_600_lines() -> None:
    lengths = {
        path.relative_to(REPO).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in tracked()
        if path.suffix not in LONG_BY_NATURE and not path.is_relative_to(REPO / "scenarios")
    }
    assert lengths, "no file was read"
    assert {name: length for name, length in lengths.items() if length > 600} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_no_address(lock: str) -> None:
    text = (REPO / lock).read_text(encoding="utf-8")
    for word in ("://", "file:", "index-url", "find-links", "@ ", "-e ", "/"):
        assert word not in text, word
    for name, (version, hashes) in packages(lock).items():
        assert re.fullmatch(r"[0-9][0-9a-z.+]*", version), name
        assert hashes, f"{name} has no hash"


def test_the_other_locks_only_add_to_the_first() -> None:
    run, test, offline = (packages(lock) for lock in LOCKS)
    assert run.items() <= test.items()
    assert run.items() <= offline.items()
    assert {name: offline[name] for name in offline.keys() & test} == {
        name: test[name] for name in offline.keys() & test
    }
    assert {"pytest", "ruff", "mypy", "import-linter"} <= set(test) - set(run)


def test_every_declared_package_is_locked() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))

    def names(listed: list[str]) -> set[str]:
        found = (re.match(r"[A-Za-z0-9._-]+", item) for item in listed)
        return {name[0].lower() for name in found if name}

    run, test, offline = (set(packages(lock)) for lock in LOCKS)
    extras = project["project"]["optional-dependencies"]
    assert names(project["project"]["dependencies"]) <= run
    # Installing with --no-build-isolation takes these from the environment.
    assert names(project["build-system"]["requires"]) | {"editables"} <= run
    assert names(extras["test"]) <= test
    for extra in extras.keys() - {"test"}:
        assert names(extras[extra]) <= offline, f"tools/requirements.lock lacks {extra}"


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_program_reads(tmp_path: Path) -> None:
    if not (REPO / "README.md").is_file():
        pytest.skip("no README.md yet, so no wheel can be built")
    builder = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    built = list(builder.WheelBuilder(str(REPO)).build(directory=str(tmp_path)))
    with zipfile.ZipFile(built[0]) as wheel:
        held = set(wheel.namelist())
    tops = {"allot.py", "cli.py"}
    folders = ("commands", "desk", "models", "optimizer", "reports", "scenarios")
    read = {
        path.relative_to(REPO).as_posix()
        for path in tracked()
        if path.relative_to(REPO).parts[0] in folders
    }
    assert {"models/starter/scenario.yaml", "scenarios/base-2020.yaml"} <= read
    assert (read | tops) - held == set()
    assert {name.split("/")[0] for name in held if "dist-info" not in name} == {*folders, *tops}


def test_readme_and_ci_give_the_same_commands() -> None:
    ci = commands((REPO / ".ci" / "run").read_text(encoding="utf-8"))
    assert [command for command in ci if command.startswith(TEST_COMMAND)] == [TEST_COMMAND]
    if not (REPO / "README.md").is_file():
        pytest.skip("no README.md yet to compare with")
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    told = commands(
        "\n".join(re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", readme, re.M | re.S))
    )
    assert SET_UP in ci
    for command in (SET_UP, TEST_COMMAND):
        assert command in told, f"the README does not give: {command}"


def test_no_code_or_document_names_a_place_on_one_machine() -> None:
    private = re.compile("(?<![A-Za-z0-9_.])/(?:" + "home|root|Users|opt|work" + ")/")
    for path in tracked():
        found = private.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.relative_to(REPO)}: {found and found[0]}"
