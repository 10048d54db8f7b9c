"""What every verb owes its users: help in both languages, one document, nothing missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from commands.session import Session
from models.scenario import load
from optimizer.decision import solve
from reports.catalogue import Words
from reports.document import Document
from reports.record_writer import write_record
from tests.worlds import rule, write_csv, write_world

EXAMPLES = {
    "solve": "{scenario}",
    "check": "{scenario} {table}",
    "mend": "{scenario} {table} --touch 2 --hold a,road",
    "reallocate": "{scenario} --paid {table}",
    "validate": "{scenario}",
    "baseline": "greedy {scenario}",
    "export": "{scenario} -o {new}.lp",
    "template": "{scenario} -o {new}.xlsx",
    "convert": "{scenario} -o {new}.xlsx",
    "new": "{new}",
    "report": "{record} -o {new}.html",
    "papers": "{record} -o {new}",
    "verify": "{record}",
    "reproduce": "{record}",
    "prices": "{scenario}",
    "ranges": "{scenario} --within 1%",
    "explain": "{scenario} --table {table} a",
    "diagnose": "{scenario} --set rules.floor.at_least=70",
    "compare": "{scenario} baseline:greedy",
    "desk": "{folder} --no-browser",
    "grid": "{scenario} --vary budget=50,60 --workers 1",
    "sweep": "{scenario} --vary budget=50:60",
    "tornado": "{scenario} --relax",
    "front": "{scenario} --aims jobs,firms",
    "uncertainty": "{record} --draws 20",
    "drivers": "{record} --draws 40",
    "contestable": "{record} --draws 2",
    "calibrate": "{base} {past}",
    "backtest": "{base} {past}",
    "robust": "{scenario} --draws 5 --check 10",
}
"""Verb → how it is run; each verb needs one."""


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the examples name: a scenario, an allocation of it, and its record."""
    folder = tmp_path_factory.mktemp("verbs")
    title = {"zh": "县级下限", "en": "County floor"}
    floor = rule(id="floor", title=title, per=["county"], at_least=15)
    scenario = write_world(folder, {"budget": 60, "rules": [floor]})
    table, record = folder / "allocation.csv", folder / "record"
    rows = [("a", "road", 30), ("b", "road", 30)]
    write_csv(table, ["county", "task", "amount"], rows)
    write_record(solve(load(scenario)), record)
    shipped = Path(__file__).parent.parent / "scenarios"
    past = {"base": shipped / "base-2020.yaml", "past": shipped / "sichuan-2020" / "history.csv"}
    return {"scenario": scenario, "folder": folder, "table": table, "record": record, **past}


def test_every_verb_has_an_example() -> None:
    assert set(cli.allot.commands) == set(EXAMPLES)


@pytest.mark.parametrize("verb", cli.allot.commands)
def test_every_verb_has_help_in_both_languages(verb: str) -> None:
    said = {lang: Words(lang)(f"help.{verb}") for lang in ("zh", "en")}
    assert said["en"].isascii()
    assert not said["zh"].isascii()
    done = CliRunner().invoke(cli.allot, [verb, "--help"])
    assert done.exit_code == 0
    assert verb in done.output.splitlines()[0]


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("verb", EXAMPLES)
def test_every_verb_gives_one_document_in_the_language_asked_for(
    verb: str, lang: str, given: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Document] = []
    monkeypatch.setattr(Session, "show", lambda _, view, page, *rest: shown.append(page()))
    # The desk opens, and closes before a browser asks for anything.
    monkeypatch.setattr("desk.server.serve", lambda guard, made, ready: ready())
    monkeypatch.setattr("desk.state.workers.Workers.warm", lambda _: None)
    filled = [word.format(**given, new=tmp_path / "new") for word in EXAMPLES[verb].split()]
    done = CliRunner().invoke(cli.allot, [verb, *filled, "--lang", lang])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    (document,) = shown
    assert isinstance(document, Document)
    said = repr(document).replace(str(tmp_path.parent), "")
    chinese = [letter for letter in said if "\u4e00" <= letter <= "\u9fff"]
    assert bool(chinese) == (lang == "zh")
