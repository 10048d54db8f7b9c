"""One folder that installs and opens the program on a machine without a network.

    .venv/bin/python tools/wheelhouse.py --platform win_amd64 --python 3.12 -o allot-offline

It holds every wheel of `tools/requirements.lock` for that platform and that Python, the wheel of
the program itself, their hashes, what installs them (`install.py`) and what a double click opens
(`启动.bat`, `start.sh`), the scenarios and both READMEs. A locked package without a wheel for the
platform is an error. This machine needs the network; the other one needs Python of that version,
which no package of the registries brings in a form that could be vouched for.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder
from packaging.markers import Marker
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "tools" / "requirements.lock"
OFFLINE = Path(__file__).with_name("offline")
"""What goes into each folder; {platform} and {python} in its texts are filled in."""
BESIDE = ("scenarios", "notebooks", "README.md", "README.zh.md", "LICENSE")
OLDEST = 5
"""manylinux_2_5 was the first."""
LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True)
class Target:
    """The machine that the folder is for."""

    platform: str
    """A tag of wheels: win_amd64, manylinux_2_28_x86_64, macosx_12_0_arm64."""
    python: str
    """Major and minor, such as 3.12: compiled wheels fit no other."""

    @property
    def tags(self) -> list[str]:
        """The platform and the older ones whose wheels it runs."""
        found = re.fullmatch(r"manylinux_2_(\d+)_(\w+)", self.platform)
        if not found:
            return [self.platform]
        newest, machine = int(found[1]), found[2]
        rising = range(newest, OLDEST - 1, -1)
        old = (LEGACY[minor] for minor in rising if minor in LEGACY)
        return [f"{name}_{machine}" for name in (*(f"manylinux_2_{n}" for n in rising), *old)]

    @property
    def environment(self) -> dict[str, str]:
        """What the markers of a lock are read with; Linux unless the platform says otherwise."""
        systems = {"win": ("nt", "win32", "Windows"), "mac": ("posix", "darwin", "Darwin")}
        os_name, sys_platform, system = systems.get(self.platform[:3], ("posix", "linux", "Linux"))
        return {
            "os_name": os_name,
            "sys_platform": sys_platform,
            "platform_system": system,
            "platform_machine": re.sub(
                r"^(win|manylinux_\d+_\d+|macosx_\d+_\d+)_", "", self.platform
            ),
            "python_version": self.python,
            "python_full_version": f"{self.python}.99",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }


def locked(lock: Path, target: Target) -> Iterator[str]:
    """The packages that the target needs, each with its version and hashes, in a line."""
    for line in lock.read_text("utf-8").replace("\\\n", " ").splitlines():
        package, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        name, _, marker = package.partition(" ; ")
        if not marker or Marker(marker).evaluate(target.environment):
            yield " ".join([name, *hashes])


def download(requirements: Path, wheels: Path, target: Target) -> None:
    """Every wheel, its hash checked; pip names what is missing for the target."""
    short = "cp" + target.python.replace(".", "")
    wanted = [f"--platform={tag}" for tag in target.tags]
    wanted += [f"--python-version={target.python}", "--implementation=cp"]
    wanted += [f"--abi={abi}" for abi in (short, "abi3", "none")]
    base = getattr(sys, "_base_executable", sys.executable)  # An environment may have no pip.
    pip = [base, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    files = ["--require-hashes", "-d", str(wheels), "-r", str(requirements)]
    subprocess.run([*pip, *wanted, *files], check=True)


def add_program(wheels: Path) -> str:
    """Build the wheel of this program; its line of the requirements."""
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(wheels), versions=["standard"])
    name, version, *_ = parse_wheel_filename(Path(built).name)
    sha = hashlib.sha256(Path(built).read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{sha}"


def missing(lines: list[str], wheels: Path) -> list[str]:
    """The packages of the requirements that no wheel of the folder has in their version."""
    held = {
        f"{name}=={version}"
        for name, version, *_ in (parse_wheel_filename(path.name) for path in wheels.glob("*.whl"))
    }
    named = [line.split()[0].partition("==") for line in lines]
    wanted = [f"{canonicalize_name(name)}=={version}" for name, _, version in named]
    return [one for one in wanted if one not in held]


def add_beside(folder: Path, target: Target) -> None:
    """What installs and opens the program, the scenarios, the READMEs."""
    for path in OFFLINE.iterdir():
        text = path.read_text("utf-8")
        text = text.replace("{platform}", target.platform).replace("{python}", target.python)
        newline = "\r\n" if path.suffix in (".bat", ".txt") else "\n"
        (folder / path.name).write_text(text, "utf-8", newline=newline)
    (folder / "start.sh").chmod(0o755)
    for name in BESIDE:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)


def wheelhouse(folder: Path, target: Target, lock: Path = LOCK) -> None:
    """Make the folder, which must not be there yet."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    lines = list(locked(lock, target))
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join([*lines, ""]), "utf-8")
    download(requirements, wheels, target)
    lines.append(add_program(wheels))
    requirements.write_text("\n".join([*lines, ""]), "utf-8")
    if lacking := missing(lines, wheels):
        raise SystemExit(f"no wheel for {target.platform}: {', '.join(lacking)}")
    add_beside(folder, target)


def main() -> None:
    """Read the command line."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--platform", required=True, help="win_amd64, manylinux_2_28_x86_64, …")
    parser.add_argument("--python", default=here, help=f"its Python, major.minor ({here})")
    parser.add_argument("--lock", type=Path, default=LOCK, help="what is installed (everything)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to make")
    asked = parser.parse_args()
    try:
        wheelhouse(asked.output, Target(asked.platform, asked.python), asked.lock)
    except FileExistsError:
        raise SystemExit(f"{asked.output} is there already; name another folder") from None
    except subprocess.CalledProcessError:
        shutil.rmtree(asked.output)
        raise SystemExit("not made: see what pip says above") from None
    sys.stdout.write(f"{asked.output}: copy it to the other machine, with Python {asked.python}\n")


if __name__ == "__main__":
    main()
