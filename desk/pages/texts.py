"""Short texts of a window: errors, how a scenario stands, its figures in a line."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from markupsafe import Markup

from desk.room import OpenScenario
from models.errors import AllotError, InfeasibleError, InputError
from models.finding import Audit
from reports.catalogue import Words
from reports.numbers import amount_text, counted, plain, signed
from reports.view import remarks

_MOST_LINES = 8


def error_lines(error: BaseException, words: Words) -> list[str]:
    """What is wrong, a line each; never where in the program it was found."""
    if isinstance(error, InputError):
        told = [words.problem(one) for one in error.problems[:_MOST_LINES]]
        rest = len(error.problems) - len(told)
        return [*told, *([words("cli.more-problems", count=rest)] if rest > 0 else [])]
    if isinstance(error, InfeasibleError):
        return [words("desk.impossible"), *(one[words.lang] for one in error.reasons)]
    if isinstance(error, AllotError):
        return [words.error(error)]
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        said = place + words.told(error.strerror or str(error))
        return [words("cli.cannot-write", reason=said)]
    return [words("desk.unexpected", kind=type(error).__name__)]


def standing_text(at: OpenScenario, words: Words) -> str:
    """Solved, edited since, impossible, or not solved yet."""
    if at.error is not None:
        return error_lines(at.error, words)[0]
    if at.answer is None:
        return words("desk.unsolved-edited" if at.draft.can("undo", "table") else "desk.unsolved")
    if at.solved is not at.draft.scenario:
        return words("desk.outdated")
    if at.table.allocation != at.answer.allocation:
        return words("desk.edited")
    return remarks.status(at.answer, words)


def figures(at: OpenScenario, words: Words) -> Markup:
    """The outcomes of the table that stands, the money, the broken rules, each with its change
    since the last answer but one."""
    read = at.table.read().audit
    before = at.before.audit if at.before is not None else None
    return Markup("").join(_figures(at, read, before, words))


def _figures(at: OpenScenario, read: Audit, before: Audit | None, words: Words) -> Iterator[Markup]:
    programme = at.draft.scenario.programme
    for metric in programme.file.metrics:
        value = read.outcomes[metric.id]
        change = None if before is None else value - before.outcomes[metric.id]
        yield _figure(metric.title.of(words.lang), counted(metric, value), change)
    spent = words("desk.of", part=amount_text(read.spent), whole=plain(at.draft.scenario.budget))
    yield _figure(words("desk.spent"), spent, None)
    broken = len(read.broken_rules)
    yield _figure(words("desk.broken"), plain(broken), None, "bad" if broken else "good")


def _figure(title: str, text: str, change: Fraction | None, mark: str = "") -> Markup:
    said = signed(plain(change)) if change is not None and round(change) else ""
    form = '<span class="desk-figure {}"><b>{}</b> {}{}</span>'
    more = Markup(" <i>{}</i>").format(said) if said else Markup("")
    return Markup(form).format(mark, text, title, more)
