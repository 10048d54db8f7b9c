"""Install the program from the wheels beside this file, without a network. Run it once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
DONE = ENVIRONMENT / "complete"
PYTHON = "{python}"


def main() -> int:
    """0 where the program is installed, else 1 with the reason."""
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if found != PYTHON:
        return told(
            f"须用 Python {PYTHON} 安装，现在是 {found}。",
            f"Python {PYTHON} is due here, this is {found}.",
        )
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    venv.create(ENVIRONMENT, symlinks=sys.platform != "win32")
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(ENVIRONMENT), "install", "-q"]
    pip += ["--disable-pip-version-check", "--no-compile", "--no-index", "--no-deps"]
    pip += ["--require-hashes", "--find-links", str(HERE / "wheels")]
    done = subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=False)
    if done.returncode:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        return told("没有装成，原因见上。", "Not installed: see above.")
    DONE.touch()
    sys.stdout.write("已装好。 Installed.\n")
    return 0


def told(zh: str, en: str) -> int:
    """Say what is wrong in both languages."""
    sys.stderr.write(f"{zh}\n{en}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
