"""The command line: `allot VERB …`. It names the verbs; what each one does is in `commands`.

The module of a verb is imported when the verb is run, or asked for its own help: the list of
verbs is made from the catalogue.

Exit codes: 0 fine, 1 a rule is broken (check, verify), a record does not replay (verify) or comes
out otherwise (reproduce), 2 bad input, 3 no allocation can keep the rules, 4 no answer from the
solver, 70 an error in allot itself, 130 interrupted, 141 a broken pipe.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from commands.session import tell_error
from reports.catalogue import Words, language_of_locale

_VERBS = {
    "commands.solve": (
        *("solve", "check", "validate", "baseline", "export", "template", "new"),
        *("report", "verify", "reproduce"),
    ),
    "commands.why": ("prices", "ranges", "explain", "diagnose"),
    "commands.compare": ("compare",),
    "commands.study": ("grid", "sweep", "tornado"),
}
"""Module → the verbs in it, each a function of that name."""
_MODULES = {verb: module for module, verbs in _VERBS.items() for verb in verbs}


class LazyGroup(click.Group):
    """Verbs known by name and help text until one is called.

    Whatever goes wrong in a verb becomes a message on stderr and an exit code.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, verb, rest = super().resolve_command(ctx, args)
        if verb is not None:
            verb = getattr(import_module(_MODULES[verb.name or ""]), verb.name or "")
        return name, verb, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except (Exception, KeyboardInterrupt) as error:
            ctx.exit(tell_error(error, Words(ctx.obj or language_of_locale())))


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"allot {version('allot')}")
        except PackageNotFoundError:
            click.echo("allot (not installed)")
        ctx.exit()


def _group() -> LazyGroup:
    words = Words(language_of_locale())
    flag = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_version,
        help=words("help.version"),
    )
    return LazyGroup(
        "allot",
        [click.Command(verb, help=words(f"help.{verb}")) for verb in _MODULES],
        help=words("help.allot"),
        params=[flag],
        context_settings={"help_option_names": ["-h", "--help"]},
    )


allot = _group()


def _open_closed() -> None:
    """Put nowhere in place of a closed stdin, stdout or stderr, as a window launcher leaves them.

    The next file that is opened would otherwise take its descriptor, and be written into.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def main() -> None:
    """The program `allot`: what a console cannot show is replaced and never a crash."""
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    allot(prog_name="allot")


if __name__ == "__main__":
    main()
