"""Every check of the project, with the tests as if they ran on other people's machines.

    python tests/elsewhere.py [--seed N] [--only gw1] [arguments of pytest]

Each of two workers has its own surroundings: a long temporary path with Chinese and a blank in
it, a narrow or a wide terminal, an English or a Chinese locale, a seed of Python's hashes, China's
time, an empty home that cannot be written, and one of them a single processor. Tests come in a
random order and reach no network but this machine; those that fetch packages run before, by
themselves. `--seed` draws others; a test that fails says what to type to have its worker's again.
Afterwards no process and no file may be left. On Windows, which lacks the tools, they run plainly.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
PATH_CHARACTERS = 120
"""Of a temporary folder's path: about what Windows leaves of its 260 to a user with a long name."""
NO_TESTS = 5
"""What pytest says where none was chosen."""
PATIENCE = 10.0
"""Seconds in which what the tests started may end after them."""
_CHILD_SUBREAPER = 36
"""Linux's prctl: what children leave behind becomes a child of this process."""
_LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket() as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Run first where there is no network: sets the loopback's flags to up and running."""


def surroundings(seed: int, worker: int, folder: Path) -> dict[str, str]:
    """Environment of one worker (0, 1): any two neighbours differ in each that has two values."""
    return {
        "TMPDIR": str(folder / f"gw{worker}"),
        "HOME": str(folder / f"home{worker}"),
        "TZ": "Asia/Shanghai",
        "COLUMNS": ("60", "200")[(seed + worker) % 2],
        "LANG": ("C", "zh_CN.UTF-8")[(seed // 2 + worker) % 2],
        "PYTHONHASHSEED": str(1 + WORKERS * seed + worker),
        "ALLOT_TESTS_ORDER": str(seed),
        "ALLOT_TESTS_AGAIN": f"python tests/elsewhere.py --seed {seed} --only gw{worker}",
    }


def one_processor(seed: int, worker: int) -> list[str]:
    """What goes before the command of a worker that has one processor."""
    if (seed // 4 + worker) % 2 or not shutil.which("taskset"):
        return []
    return ["taskset", "-c", str(min(os.sched_getaffinity(0)))]


def as_environment(told: dict[str, str]) -> list[str]:
    """What goes before a command to run it in an environment without this machine's language."""
    unset = ("ALLOT_LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES")
    return [
        "env",
        *(word for name in unset for word in ("-u", name)),
        *(f"{k}={v}" for k, v in told.items()),
    ]


def worker_of(seed: int, worker: int, folder: Path) -> str:
    """A worker in its surroundings, as pytest-xdist is told."""
    told = surroundings(seed, worker, folder)
    for name in ("TMPDIR", "HOME"):
        Path(told[name]).mkdir()
    Path(told["HOME"]).chmod(0o555)
    command = [*one_processor(seed, worker), *as_environment(told), sys.executable]
    return f"popen//id=gw{worker}//python={shlex.join(command)}"


def long_folder(inside: Path) -> Path:
    """A folder in which a worker's has so long a path, Chinese and a blank among its characters."""
    name = "财政资金 分配建议"
    missing = PATH_CHARACTERS - len(str(inside / name)) - len("/gw0")
    return inside / (name + "-" * max(missing, 0))


def without_network() -> list[str]:
    """What goes before a command that must not reach a network; none where none can be shut off."""
    for words in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        command = [*words, sys.executable, "-c", _LOOPBACK_UP]
        try:
            tried = subprocess.run([*command, "/bin/true"], capture_output=True, check=False)
        except OSError:
            break
        if not tried.returncode:
            return [*command]
    sys.stderr.write("The network cannot be shut off here: the tests could reach it.\n")
    return []


def adopt() -> None:
    """Become the parent of what the tests leave behind, so that it is seen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def left_behind(folder: Path) -> list[str]:
    """Processes that do not end, with their ports, and files out of pytest's own folder.

    Where the home can be written after all, as by root, programs of others may write into it.
    """
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=PATIENCE)
    left = [f"process {one.pid}: {shlex.join(one.cmdline())}" for one in alive]
    for one in alive:
        one.kill()
    places = folder.glob("gw*")
    return left + [f"file {found}" for place in places for found in sorted(place.iterdir())]


def main() -> int:
    """0 if every check passed and nothing was left behind, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="which surroundings and order (0)")
    parser.add_argument("--only", choices=[f"gw{n}" for n in range(WORKERS)], help="one worker")
    asked, rest = parser.parse_known_args()
    if sys.platform == "win32":
        return subprocess.run([sys.executable, str(ROOT / "tests" / "run.py"), *rest]).returncode
    workers = [int(asked.only[2:])] if asked.only else list(range(WORKERS))
    adopt()
    fetched = subprocess.run([sys.executable, "-m", "pytest", "-m", "network", *rest], cwd=ROOT)
    with tempfile.TemporaryDirectory() as made:
        folder = long_folder(Path(made))
        folder.mkdir()
        tx = [word for one in workers for word in ("--tx", worker_of(asked.seed, one, folder))]
        told = {"TMPDIR": str(folder / f"gw{workers[0]}"), "ALLOT_TESTS_ORDER": str(asked.seed)}
        here = ["--dist", "worksteal", "--basetemp", str(folder / "pytest"), *tx]
        words = [*here, "-m", "not network", *rest]
        run = [sys.executable, str(ROOT / "tests" / "run.py"), *words]
        done = subprocess.run([*without_network(), *as_environment(told), *run], check=False)
        left = left_behind(folder)
    for line in left:
        sys.stderr.write(f"LEFT BEHIND: {line}\n")
    failed = done.returncode or fetched.returncode not in (0, NO_TESTS)
    return 1 if failed or left else 0


if __name__ == "__main__":
    sys.exit(main())
