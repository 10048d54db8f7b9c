"""Make `.venv` here and install the locked packages and this program into it.

    python3 tools/install.py           what the program needs (requirements.lock)
    python3 tools/install.py tests     what its tests need (tests/requirements.lock)
    python3 tools/install.py extras    desk, papers, notebooks, studies (tools/requirements.lock)

Only what a lock names is looked at, by version and hash, so that nothing published later changes
what is installed. What goes wrong is told in one line. Of Python's own library only, and readable
by any Python 3: an old one is told too.
"""

import argparse
import locale
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "program": "requirements.lock",
    "tests": "tests/requirements.lock",
    "extras": "tools/requirements.lock",
}
OLDEST, NEWEST = (3, 11), (3, 14)
"""The Pythons for which each locked package has a wheel."""
OLDEST_PIP = (22, 3)
"""The first that installs into another environment (--python)."""
LINE = re.compile(r"[A-Za-z0-9._-]+==[^\s;]+( ; [^\n]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")
PIP_SAYS = (
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|Max retries|ProxyError"
        r"|Failed to establish|Temporary failure|unreachable|SSLError|Connection broken",
        "the packages cannot be fetched: connect to a network, name a mirror in PIP_INDEX_URL, "
        "or take the folder that tools/wheelhouse.py makes for machines without a network",
        "取不到安装包：请联网，或用 PIP_INDEX_URL 指定镜像，"
        "或用 tools/wheelhouse.py 在别的电脑上做好离线安装文件夹",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a package that was fetched is not the one that is locked: empty pip's cache "
        "(python3 -m pip cache purge) or use another index (PIP_INDEX_URL)",
        "取到的安装包与锁定的不是同一个：请清空缓存（python3 -m pip cache purge），"
        "或换镜像（PIP_INDEX_URL）",
    ),
    (
        r"No matching distribution found for (\S+)",
        "the index has no wheel of {0} for this Python and system: use Python 3.11 to 3.14 "
        "of 64 bits, or another index (PIP_INDEX_URL)",
        "镜像里没有适合本机 Python 和系统的 {0}：请用 64 位的 Python 3.11 至 3.14，"
        "或换镜像（PIP_INDEX_URL）",
    ),
    (r"No space left", "the disk is full", "磁盘已满"),
)
"""What pip says → what to do, in English and Chinese."""
ELSEWHERE = {
    "PIP_CONSTRAINT",
    "PIP_PREFIX",
    "PIP_REQUIREMENT",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
}
"""What somebody may have set for other installations: it would install more, or elsewhere."""


class Refused(Exception):
    """What is wrong and what to do, in the user's language."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(zh if in_chinese() else en)


def in_chinese() -> bool:
    """Whether the locale is Chinese, read as `allot` reads it."""
    named = map(os.environ.get, ("ALLOT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    said = next(filter(None, named), "") or (locale.getlocale()[0] or "")
    return said.lower().startswith(("zh", "chinese"))


def check_python() -> None:
    """Refuse a Python for which the locks hold no packages."""
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        here = "{}.{}".format(*found)
        raise Refused(
            f"Python 3.11 to 3.14 is needed, this is {here}: run this file with another, such as "
            "python3.12 tools/install.py",
            f"须用 Python 3.11 至 3.14，现在是 {here}：请换一个来运行，"
            "如 python3.12 tools/install.py",
        )


def check_pip() -> None:
    """Refuse to go on without a pip that installs into another environment."""
    said = run([sys.executable, "-m", "pip", "--version"])
    found = re.match(r"pip (\d+)\.(\d+)", said.stdout)
    if not found or tuple(map(int, found.groups())) < OLDEST_PIP:
        which = found[0] if found else "no pip"
        raise Refused(
            f"pip 22.3 or later is needed, here is {which}: python3 -m pip install --upgrade pip "
            "(Debian, Ubuntu: apt install python3-pip)",
            "须有 pip 22.3 以上版本，现在是 {}：python3 -m pip install --upgrade pip"
            "（Debian、Ubuntu：apt install python3-pip）".format(which if found else "没有 pip"),
        )


def check_lock(lock: str) -> None:
    """Refuse a lock with a line that lacks its version or its hashes, or without a package."""
    import tomllib

    lines = (ROOT / lock).read_text("utf-8").replace("\\\n", " ").splitlines()
    for line in lines:
        if not LINE.fullmatch(line.strip()):
            name = re.split(r"[\s=;]", line.strip())[0]
            raise broken(lock, f"{name} has no version or no hash", f"{name} 缺版本或校验值")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    locked = {line.partition("==")[0].lower() for line in lines}
    for needed in (*project["project"]["dependencies"], *project["dependency-groups"]["build"]):
        name = re.match(r"[A-Za-z0-9._-]+", needed)[0]
        if name.lower() not in locked:
            raise broken(lock, f"{name} is not in it", f"缺 {name}")


def broken(lock: str, en: str, zh: str) -> Refused:
    """A lock that is not as it was made."""
    return Refused(
        f"{lock}: {en}; take the file as it was: git checkout -- {lock}",
        f"{lock}：{zh}；请恢复原来的文件：git checkout -- {lock}",
    )


def run(command: list) -> subprocess.CompletedProcess:
    """Run a program, and keep what it prints."""
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "universal_newlines": True}
    around = {name: said for name, said in os.environ.items() if name not in ELSEWHERE}
    return subprocess.run(command, cwd=str(ROOT), check=False, env=around, **kept)


def pip(into: Path, *words: str) -> None:
    """Run pip on the environment; refuse with what to do where it fails."""
    command = [sys.executable, "-m", "pip", "--python", str(into), "--disable-pip-version-check"]
    done = run([*command, *words])
    if done.returncode:
        said = done.stderr + done.stdout
        for pattern, en, zh in PIP_SAYS:
            found = re.search(pattern, said)
            if found:
                raise Refused(en.format(*found.groups()), zh.format(*found.groups()))
        last = (said.strip() or "pip").splitlines()[-1]
        raise Refused("pip could not install: " + last, "pip 没有装成：" + last)


def install(into: Path, lock: str) -> None:
    """Fill the environment from the lock, and check that nothing is missing from it."""
    made = run([sys.executable, "-m", "venv", "--without-pip", str(into)])  # Mends a torn one too.
    if made.returncode:
        last = (made.stderr.strip() or made.stdout.strip() or "venv").splitlines()[-1]
        raise Refused(f"no environment in {into}: {last}", f"{into} 里建不了环境：{last}")
    quick = ["install", "-q", "--no-deps", "--no-compile"]  # Python compiles what it imports.
    pip(into, *quick, "--only-binary=:all:", "--require-hashes", "-r", lock)
    pip(into, *quick, "--no-build-isolation", "-e", ".")
    check = [sys.executable, "-m", "pip", "--python", str(into), "check"]
    done = run([*check, "--disable-pip-version-check"])
    if done.returncode:
        said = " ".join(done.stdout.split())
        raise broken(lock, "it does not hold all: " + said, "内容不全：" + said)


def main() -> int:
    """0 where all is installed, else 1 with one line that says what to do."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=sorted(LOCKS), default="program")
    parser.add_argument("--into", type=Path, default=ROOT / ".venv", help="the environment (.venv)")
    asked = parser.parse_args()
    try:
        check_python()
        check_pip()
        check_lock(LOCKS[asked.what])
        install(asked.into.absolute(), LOCKS[asked.what])
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
