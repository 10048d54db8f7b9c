"""The command line: `allot VERB …`. It names the verbs; what each one does is in `commands`.

The module of a verb is imported when the verb is run, or asked for its own help: the list of
verbs is made from the catalogue.

Exit codes: 0 fine, 1 a rule is broken (check, verify), a record does not replay (verify) or comes
out otherwise (reproduce), 2 bad input, 3 no allocation can keep the rules, 4 no answer from the
solver, 70 an error in allot itself, 130 interrupted, 141 a broken pipe.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from commands.session import tell_error, tell_usage
from reports.catalogue import LANGUAGES, Words, language_of_locale

_VERBS = {
    "commands.solve": (
        *("solve", "check", "validate", "baseline", "export"),
        *("report", "papers", "verify", "reproduce"),
    ),
    "commands.convert": ("template", "convert", "new"),
    "commands.mend": ("mend", "reallocate"),
    "commands.why": ("prices", "ranges", "explain", "diagnose"),
    "commands.compare": ("compare",),
    "commands.study": (
        "grid",
        "sweep",
        "tornado",
        "front",
        "uncertainty",
        "drivers",
        "contestable",
    ),
    "commands.desk": ("desk",),
    "commands.risk": ("calibrate", "backtest", "robust"),
}
"""Module → the verbs in it, each a function of that name."""
_MODULES = {verb: module for module, verbs in _VERBS.items() for verb in verbs}


class _Help(click.HelpFormatter):
    """Usage, heads and placeholders in the language of the locale, as the help texts are."""

    @property
    def words(self) -> Words:
        return Words(language_of_locale())

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        prefix = prefix or self.words("help.usage")
        super().write_usage(prog, self.words.placeholders(args), prefix)

    def write_heading(self, heading: str) -> None:
        super().write_heading(self.words.told(heading))

    def write_text(self, text: str) -> None:
        if self.words.lang == "en":
            return super().write_text(text)
        from reports.wrapping import wrap  # English can do without.

        paragraphs = self.words.placeholders(text).split("\n\n")
        width = self.width - self.current_indent
        for number, paragraph in enumerate(paragraphs):
            self._lines([*[""][:number], *wrap(" ".join(paragraph.split()), width)])

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Names and what they mean, in columns of a terminal: two for a Chinese character."""
        if self.words.lang == "en":
            return super().write_dl(rows, col_max, col_spacing)
        from rich.cells import cell_len, set_cell_size

        from reports.wrapping import wrap

        told = [tuple(map(self.words.placeholders, row)) for row in rows]
        first = min(max(cell_len(name) for name, _ in told), col_max) + col_spacing
        for name, text in told:
            head, *rest = wrap(text, self.width - self.current_indent - first)
            fits = cell_len(name) <= first - col_spacing
            begin = [set_cell_size(name, first) + head] if fits else [name, " " * first + head]
            self._lines([*begin, *(" " * first + line for line in rest)])

    def _lines(self, lines: Sequence[str]) -> None:
        self.write("".join(f"{'':{self.current_indent}}{line}".rstrip() + "\n" for line in lines))


class _HelpContext(click.Context):
    formatter_class = _Help


def _in_own_words(command: click.Command, ctx: click.Context) -> None:
    command.context_class = _HelpContext
    option = command.get_help_option(ctx)
    if option is not None:
        option.help = Words(language_of_locale())("help.help")


class LazyGroup(click.Group):
    """Verbs known by name and help text until one is called.

    Whatever goes wrong in a verb becomes a message on stderr and an exit code.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.obj = _language(args)
        with _usage_told(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, verb, rest = super().resolve_command(ctx, args)
        if verb is not None:
            verb = getattr(import_module(_MODULES[verb.name or ""]), verb.name or "")
            _in_own_words(verb, ctx)
        return name, verb, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _usage_told(ctx):
                return super().invoke(ctx)
        except (click.Abort, click.exceptions.Exit):
            raise
        except (Exception, KeyboardInterrupt) as error:
            ctx.exit(tell_error(error, Words(ctx.obj)))


@contextmanager
def _usage_told(ctx: click.Context) -> Iterator[None]:
    """A command line that cannot be read is told in its own language."""
    try:
        yield
    except click.ClickException as error:
        ctx.exit(tell_usage(error, Words(ctx.obj)))


def _language(args: Sequence[str]) -> str:
    """The `--lang` of a command line, which may be the very thing that cannot be read."""
    for option, value in zip(args, [*args[1:], ""], strict=True):
        said = value if option == "--lang" else option.removeprefix("--lang=")
        if said != option and said in LANGUAGES:
            return said
    return language_of_locale()


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
    lang = click.Option(
        ["--lang"], type=click.Choice(LANGUAGES), expose_value=False, help=words("help.lang")
    )
    version = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_version,
        help=words("help.version"),
    )
    group = LazyGroup(
        "allot",
        [
            click.Command(verb, short_help=words(f"help.{verb}").partition("\n")[0])
            for verb in _MODULES
        ],
        help=words("help.allot"),
        params=[lang, version],
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    _in_own_words(group, click.Context(group, **group.context_settings))
    return group


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
    # What comes and goes in a run holds next to no circles; looking for them takes a tenth of it.
    gc.set_threshold(200_000, 50, 1000)
    # Products of small matrices take a second thread ten times as long, where others work too.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    os.environ["ALLOT_LANG"] = _language(sys.argv[1:])  # For help texts, and for other processes.
    try:
        _group()(prog_name="allot")
    finally:
        gc.freeze()  # What is left goes with the process, and is not looked through once more.


if __name__ == "__main__":
    main()
