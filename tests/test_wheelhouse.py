"""The folder that installs the program without a network: what goes in, and that it installs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.source_tree import ROOT

WINDOWS = ("win_amd64", "3.12")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool as a module."""
    spec = importlib.util.spec_from_file_location("wheelhouse", ROOT / "tools" / "wheelhouse.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["wheelhouse"] = made
    spec.loader.exec_module(made)
    return made


def test_a_platform_runs_the_wheels_of_older_ones(tool: ModuleType) -> None:
    tags = tool.Target("manylinux_2_28_x86_64", "3.12").tags
    assert tags[0] == "manylinux_2_28_x86_64" and "manylinux_2_29_x86_64" not in tags
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"} <= {*tags}
    assert tool.Target(*WINDOWS).tags == ["win_amd64"]


def test_what_is_locked_for_other_systems_is_left_out(tool: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    sha = "--hash=sha256:" + "0" * 64
    lock.write_text(
        f"everywhere==1 \\\n    {sha} \\\n    {sha}\n"
        f"posix==2 ; sys_platform != 'win32' \\\n    {sha}\n"
        f"nt==3 ; os_name == 'nt' \\\n    {sha}\n"
        f"old==4 ; python_full_version < '3.12' \\\n    {sha}\n"
        f"arm==5 ; platform_machine == 'aarch64' \\\n    {sha}\n"
    )

    def named(platform: str, python: str) -> list[str]:
        lines = list(tool.locked(lock, tool.Target(platform, python)))
        assert lines[0] == f"everywhere==1 {sha} {sha}"
        return [line.split()[0] for line in lines[1:]]

    assert named(*WINDOWS) == ["nt==3"]
    assert named("manylinux_2_28_x86_64", "3.11") == ["posix==2", "old==4"]
    assert named("manylinux_2_28_aarch64", "3.13") == ["posix==2", "arm==5"]


def test_a_package_without_its_wheel_is_named(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "one_two-1.0-py3-none-any.whl").touch()
    assert tool.missing(["one-two==1.0 --hash=x", "three==2 --hash=y"], tmp_path) == ["three==2"]


def test_the_folder_has_what_a_double_click_opens(tool: ModuleType, tmp_path: Path) -> None:
    tool.add_beside(tmp_path, tool.Target(*WINDOWS))
    start = (tmp_path / "启动.bat").read_bytes()
    assert b"py -3.12 install.py\r\n" in start and b"allot.exe desk scenarios" in start
    assert start.isascii()  # The console reads it in its own encoding.
    assert os.access(tmp_path / "start.sh", os.X_OK)
    texts = [path.read_text("utf-8") for path in tmp_path.iterdir() if path.is_file()]
    assert not any("{python}" in text or "{platform}" in text for text in texts)
    assert (tmp_path / "scenarios" / "base-2020.yaml").is_file()


def cut_off(*words: object) -> subprocess.CompletedProcess[str]:
    """Run where there is no network at all."""
    told = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = ["unshare", "--net", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, env={**told, "LC_ALL": "C.UTF-8"})


@pytest.fixture
def folder(tool: ModuleType, tmp_path: Path) -> Iterator[Path]:
    """What the program itself needs, for this machine."""
    if "CI" not in os.environ and (sys.platform != "linux" or cut_off("true").returncode):
        pytest.skip("this machine makes no network namespace")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    target = tool.Target(f"manylinux_2_28_{os.uname().machine}", python)
    made = tmp_path / "offline"
    tool.wheelhouse(made, target, ROOT / "requirements.lock")
    yield made
    shutil.rmtree(made)


@pytest.mark.slow
@pytest.mark.network
def test_it_installs_and_runs_without_a_network_and_refuses_another_wheel(folder: Path) -> None:
    python = getattr(sys, "_base_executable", sys.executable)
    wheel = next((folder / "wheels").glob("click-*.whl"))
    right = wheel.read_bytes()
    wheel.write_bytes(right + b"\n")
    refused = cut_off(python, folder / "install.py")
    assert refused.returncode == 1 and "没有装成" in refused.stderr
    assert "do not match the hashes" in " ".join(refused.stderr.lower().split())
    assert not (folder / ".venv").exists()
    wheel.write_bytes(right)
    done = cut_off(python, folder / "install.py")
    assert done.returncode == 0, done.stderr
    allot = folder / ".venv" / "bin" / "allot"
    asked = ["validate", folder / "scenarios" / "base-2020.yaml", "--lang", "zh"]
    said = cut_off(allot, *asked)
    assert said.returncode == 0 and "可用：88个县（市、区）× 8项重点工作" in said.stdout
