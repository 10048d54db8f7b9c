"""The verbs that write the files to start from, and bring a fund from one form into another."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.options import (
    PATH,
    ScenarioArgument,
    file_option,
    help_text,
    reading,
    reading_if_named,
    shared,
)
from commands.session import BROKEN, Session
from models.errors import InputError, refuse

if TYPE_CHECKING:
    from models.record.scenario_files import OtherInput
    from models.scenario import Scenario

_BOOK = ".xlsx"


@click.command(help=help_text("help.template"))
@reading_if_named
@click.option("--short", is_flag=True, help=help_text("help.template-short"))
@file_option("help.template-file", required=True)
@shared
def template(session: Session, source: ScenarioArgument, short: bool, output: Path) -> None:
    """`allot template`: a whole fund to fill in; with `--short` a table, rules and weights."""
    from models.allocation import write_file
    from models.starter import SCENARIO
    from reports.excel.fund_book import write_fund
    from reports.excel.template_book import template as short_template

    scenario = (source if source.scenario else source.of(str(SCENARIO))).load(session)
    source.refuse_own(output, scenario)
    if short:
        write_file(output, short_template(scenario, session.words))
    else:
        write_fund(scenario, output, lang=session.lang)
    session.show_line({"file": str(output)}, "cli.written", file=output)


@click.command(help=help_text("help.convert"))
@reading
@file_option("help.converted", required=True)
@shared
def convert(session: Session, source: ScenarioArgument, output: Path) -> None:
    """`allot convert`: the same fund as a workbook (.xlsx), or as a folder of YAML and tables; exit
    1, and nothing is written, where something of it would be lost."""
    scenario = source.load(session)
    source.refuse_own(output, scenario)
    if output.suffix.lower() in (".yaml", ".yml"):
        refuse(str(output), "", "name a new folder, or a workbook (.xlsx)")
    from models.allocation import write_file
    from models.files import write_whole

    files = _converted(scenario, session, output.suffix.lower() == _BOOK)
    lost = _lost(scenario, files)
    if lost:
        session.tell("convert.lost", output=output)
        for line in lost:
            session.tell("convert.line", text=line)
        session.show_line({"file": str(output), "lost": lost}, "convert.not-written", file=output)
        click.get_current_context().exit(BROKEN)
    if len(files) == 1:
        write_file(output, next(iter(files.values())))
    else:
        write_whole(output, files)
    session.show_line({"file": str(output), "lost": []}, "cli.written", file=output)


def _converted(scenario: Scenario, session: Session, book: bool) -> dict[str, bytes]:
    """Path → content of what is written: one workbook, or a folder."""
    from models.source_files import source_files
    from reports.excel.fund_book import fund_workbook

    if book:
        return {f"fund{_BOOK}": fund_workbook(scenario, session.words)}
    return source_files(scenario)


def _lost(scenario: Scenario, files: dict[str, bytes]) -> list[str]:
    """What the files, read back, say otherwise than the scenario, and each named one of it."""
    from models.record.scenario_files import inputs_apart
    from models.scenario import load
    from models.source_files import written_body

    lost: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        first = Path(folder) / next(iter(files))
        named = written_body(scenario)
        variants = {**(named.get("scenarios") or {}), **(named.get("overrides") or {})}
        for name in ("", *variants):
            try:
                due = _variant(scenario, name)
            except InputError:
                continue  # It cannot be read as it is, so nothing is lost of it.
            try:
                found = load(f"{first}@{name}" if name else first)
                apart = inputs_apart(due, found)
            except InputError as error:
                lost += [f"{name}: {problem}".removeprefix(": ") for problem in error.problems]
            else:
                lost += [_line(name, one) for one in apart]
    return list(dict.fromkeys(lost))


def _variant(scenario: Scenario, name: str) -> Scenario:
    """The scenario itself, or a named one of it, read from its own file again."""
    from models.scenario import load

    return load(f"{scenario.document.files[0]}@{name}") if name else scenario


def _line(name: str, one: OtherInput) -> str:
    return f"{name} {one.file}: {one.place}: {one.one} → {one.other}".strip()


@click.command(help=help_text("help.new"))
@click.argument("folder", type=PATH)
@shared
def new(session: Session, folder: Path) -> None:
    """`allot new`: a small programme to start from."""
    from models.starter import write_starter

    write_starter(folder)
    scenario = folder / "scenario.yaml"
    view = {"folder": str(folder), "scenario": str(scenario)}
    session.show_line(view, "cli.started", folder=folder, scenario=scenario)
