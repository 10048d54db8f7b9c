"""Every command that README.md and README.zh.md give is run, each once, on four counties."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import cli
from models.response import read_response
from models.scenario import load
from models.tiers import write_tiers
from optimizer.calibration import calibrated_tiers
from tests.source_tree import ROOT

READMES = ("README.md", "README.zh.md")
KEPT = ("510522", "511722", "513221", "513431")
"""Those that are named, and one more so that each area of the rules has one."""
SMALLER = {
    "budget: 33000": "budget: 1500",
    "times: 1.5,": "times: 1,",
    "share: 0.27,": "share: 0.05,",
    "share: 0.34}": "share: 0.06}",
    "at_least: 11200": "at_least: 200",
    "at_least: 6000": "at_least: 300",
    "at_least: 700": "at_least: 30",
    "at_least: 1000": "at_least: 30",
}
TIERS = {"plan-norm": "tiers", "record-2018-19": "tiers-record-2018-19"}
"""Calibration → its file, which is made anew: means are of the counties that are kept."""
READ_ONLY = {"desk", "contestable"}
"""What runs until somebody stops it, or too long: its options are read, tests of its own run it."""


def commands(readme: str) -> list[str]:
    """The commands of this program, as they are written, without their comments."""
    text = (ROOT / readme).read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)).replace("&&\n", "\n")
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in blocks.splitlines()]
    return [line for line in lines if line.startswith(".venv/bin/allot ")]


def asked() -> list[str]:
    return list(dict.fromkeys(line for readme in READMES for line in commands(readme)))


def smaller(folder: Path) -> None:
    """The shipped programme with the counties of KEPT, and numbers that these can meet."""
    shutil.copytree(ROOT / "scenarios", folder / "scenarios")
    shipped = folder / "scenarios" / "sichuan-2020"
    for name in ("counties", "tiles", *TIERS.values()):
        path = shipped / f"{name}.csv"
        head, *rows = path.read_text("utf-8-sig").splitlines()
        kept = [row for row in rows if row.startswith(KEPT)]
        path.write_text("\n".join([head, *kept, ""]), "utf-8")
    changed(shipped / "labels.yaml", {"curves: [": "curves: []  # ["})
    changed(folder / "scenarios" / "base-2020.yaml", SMALLER)
    scenario = load(folder / "scenarios" / "base-2020.yaml")
    programme = scenario.programme
    names = (programme.counties.ids, programme.tasks.ids, programme.metrics)
    kappas = read_response(shipped / "response.yaml", {}).kappa
    for name, tiers in calibrated_tiers(scenario, kappas).items():
        write_tiers(shipped / f"{TIERS[name]}.csv", tiers, names)


def changed(path: Path, pairs: dict[str, str]) -> None:
    text = path.read_text("utf-8")
    for long, short in pairs.items():
        assert long in text, long
        text = text.replace(long, short)
    path.write_text(text, "utf-8")


def given(folder: Path) -> None:
    """The tables that a user of the README has: one edited, one of payments, one of returns."""
    shutil.copy(folder / "out" / "base-2020" / "workbook.xlsx", folder / "edited.xlsx")
    text = (folder / "out" / "base-2020" / "allocation.csv").read_text("utf-8-sig")
    first = next(row for row in csv.DictReader(text.splitlines()) if row["amount"] != "0")
    cell = f"{first['county']},{first['task']}"
    (folder / "paid.csv").write_text(f"county,task,paid\n{cell},15\n", "utf-8")
    (folder / "returned.csv").write_text(f"county,task,returned\n{cell},5\n", "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the commands are run."""
    made = tmp_path_factory.mktemp("readme")
    smaller(made)
    (made / "tests").symlink_to(ROOT / "tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        yield made


def run(line: str) -> Result:
    return CliRunner(env={"LC_ALL": "zh_CN.UTF-8"}).invoke(cli.allot, shlex.split(line)[1:])


def test_the_readmes_give_commands() -> None:
    assert {line.split()[1] for line in commands("README.zh.md")} <= {*cli.allot.commands}
    assert len(commands("README.zh.md")) > 25


@pytest.mark.slow
def test_every_command_of_the_readmes_runs(folder: Path) -> None:
    first, *others = asked()
    assert first == ".venv/bin/allot solve scenarios/base-2020.yaml -o out/base-2020"
    assert run(first).exit_code == 0
    given(folder)
    for line in others:
        verb, *words = shlex.split(line)[1:]
        if verb in READ_ONLY:
            known = cli.allot.resolve_command(click.Context(cli.allot), [verb])[1]
            assert known is not None
            known.make_context(verb, words)
            continue
        done = run(f"{line} --workers 1" if verb == "grid" else line)
        assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"
