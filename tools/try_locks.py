"""Try the locks with several installers, while something newer than each locked package is there.

    python3 tools/try_locks.py                      pip 22.3, 23.2.1, the newest, and uv
    python3 tools/try_locks.py --only 22.3 uv --lock tests

For each it makes an environment in a temporary folder, installs the lock into it as README says,
and sees that what is installed is what is locked. An index of made-up packages stands beside the
real one: of each locked package it holds version 9999, which asks for a package that nobody has;
an installer that looks at more than the lock falls for it. Needs a network; exits 1 where one
failed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from install import LOCKS, ROOT

INSTALLERS = ("22.3", "23.2.1", "newest", "uv")
NEWER = "9999.0"
DEPENDENCIES = ("click", "highspy", "hatchling", "pulp", "scipy")
"""Some of what each lock holds for every system: an installer that did nothing is seen."""


def entries(lock: str) -> dict[str, str]:
    """Locked package → its version."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / lock).read_text("utf-8"), re.M))


def publish_newer(names: list[str], folder: Path) -> None:
    """Put a made-up newer version of each package into the folder."""
    folder.mkdir()
    for name in names:
        stem = re.sub(r"[-.]+", "_", name)
        told = f"{stem}-{NEWER}.dist-info"
        about = (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\nRequires-Dist: nobody-has\n"
        )
        kind = "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        with zipfile.ZipFile(folder / f"{stem}-{NEWER}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{told}/METADATA", about)
            wheel.writestr(f"{told}/WHEEL", kind)
            wheel.writestr(f"{told}/RECORD", "")


def run(*command: object, around: dict[str, str] | None = None) -> str:
    """What a program prints; raises `CalledProcessError` where it fails."""
    env = {**os.environ, **(around or {})}
    words = [str(word) for word in command]
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(words, cwd=ROOT, env=env, text=True, check=True, **kept)
    return done.stdout


def python_in(environment: Path) -> Path:
    """The Python of an environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install_with(which: str, what: str, folder: Path) -> Path:
    """Install a lock as README says, by pip of that version or by uv; the environment."""
    tools, made = folder / "tools", folder / "made"
    run(sys.executable, "-m", "venv", tools)
    wanted = {"newest": "pip", "uv": "uv"}.get(which, f"pip=={which}")
    run(python_in(tools), "-m", "pip", "install", "-q", "--upgrade", wanted)
    newer = str(folder.parent / "newer")
    if which != "uv":
        around = {"PIP_FIND_LINKS": newer}
        run(python_in(tools), "tools/install.py", what, "--into", made, around=around)
        return made
    around = {"UV_FIND_LINKS": newer, "VIRTUAL_ENV": str(made)}
    uv = [python_in(tools).with_name("uv")]
    run(*uv, "venv", made, around=around)
    quick = [*uv, "pip", "install", "--no-deps"]
    run(*quick, "--require-hashes", "-r", LOCKS[what], around=around)
    run(*quick, "--no-build-isolation", "-e", ".", around=around)
    return made


def differences(made: Path, lock: str) -> list[str]:
    """What is installed in another version than it is locked in, or not at all."""
    listing = (
        "import importlib.metadata as m\nfor at in m.distributions(): print(at.name, at.version)"
    )
    pairs = [line.split() for line in run(python_in(made), "-c", listing).splitlines()]
    found = {re.sub("[-_.]+", "-", name).lower(): version for name, version in pairs}
    wanted = entries(lock)
    other = {name: at for name, at in found.items() if name != "allot" and wanted.get(name) != at}
    missing = {"allot", *DEPENDENCIES} - {*found}
    return [f"{name} {at}" for name, at in other.items()] + [f"no {name}" for name in missing]


def main() -> int:
    """0 where each of the installers made what is locked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=INSTALLERS, default=INSTALLERS)
    parser.add_argument("--lock", choices=sorted(LOCKS), default="program")
    asked = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        publish_newer(list(entries(LOCKS[asked.lock])), Path(work) / "newer")
        for which in asked.only:
            (Path(work) / which).mkdir()
            began = time.monotonic()
            try:
                other = differences(
                    install_with(which, asked.lock, Path(work) / which), LOCKS[asked.lock]
                )
                said = "not as locked: " + ", ".join(other) if other else "as locked"
            except subprocess.CalledProcessError as error:
                other, said = (
                    ["failed"],
                    "failed: " + (error.stdout.strip().splitlines() or ["?"])[-1],
                )
            failed += bool(other)
            sys.stdout.write(f"{which:8} {time.monotonic() - began:5.1f} s  {said}\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
