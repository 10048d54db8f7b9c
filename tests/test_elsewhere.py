"""The surroundings in which the tests run as if on other people's machines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.elsewhere import PATH_CHARACTERS, ROOT, WORKERS, long_folder, one_processor, surroundings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its tools are Linux's")
LEAVES = """
import subprocess, sys
from pathlib import Path
from tests import elsewhere
elsewhere.PATIENCE = 0.1
elsewhere.adopt()
folder = Path(sys.argv[1])
(folder / "gw0").mkdir()
assert elsewhere.left_behind(folder) == []
(folder / "gw0" / "forgotten").touch()
child = "[sys.executable, '-c', 'import signal; signal.pause()']"
subprocess.run([sys.executable, "-c", f"import subprocess, sys; subprocess.Popen({child})"])
print(*elsewhere.left_behind(folder), sep="\\n")
assert len(elsewhere.left_behind(folder)) == 1
"""


def test_two_workers_never_share_what_has_two_values(tmp_path: Path) -> None:
    for seed in range(8):
        one, other = (surroundings(seed, worker, tmp_path) for worker in range(WORKERS))
        differ = {name for name in one if one[name] != other[name]}
        assert {"COLUMNS", "LANG", "PYTHONHASHSEED", "TMPDIR", "HOME"} <= differ
        assert bool(one_processor(seed, 0)) != bool(one_processor(seed, 1))


def test_eight_seeds_show_a_worker_every_terminal_language_and_number_of_processors(
    tmp_path: Path,
) -> None:
    for worker in range(WORKERS):
        told = [surroundings(seed, worker, tmp_path) for seed in range(8)]
        alone = [bool(one_processor(seed, worker)) for seed in range(8)]
        met = {(one["COLUMNS"], one["LANG"], few) for one, few in zip(told, alone, strict=True)}
        assert len(met) == 8


def test_the_temporary_folder_is_long_and_has_chinese_and_a_blank_in_it() -> None:
    path = str(long_folder(Path("/tmp")) / "gw0")
    assert len(path) == PATH_CHARACTERS
    assert " " in path and "资金" in path


def test_a_file_and_a_process_that_are_left_behind_are_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEAVES, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    process, file = done.stdout.splitlines()
    assert process.startswith("process ") and process.endswith("-c 'import signal; signal.pause()'")
    assert file == f"file {tmp_path / 'gw0' / 'forgotten'}"
