"""The wording of reports and command line: one catalogue in two languages.

`labels/common.yaml` holds what several outputs say, the files beside it what one of them says;
`labels/help.yaml` is read alone where nothing but help is asked for.
What is said of mistakes is English in the code, where it is raised; `messages.yaml` has the Chinese
of each such sentence.
"""

from __future__ import annotations

import functools
import locale
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from models.errors import (
    AllotError,
    InfeasibleError,
    InputProblem,
    NoAnswer,
    NoAnswerError,
    refuse,
)

CATALOGUE = tuple(sorted(Path(__file__).with_name("labels").glob("*.yaml")))
"""The files of the catalogue; no key stands in two of them."""
MESSAGES = Path(__file__).with_name("messages.yaml")
"""The Chinese of what is said of mistakes: by whose sentence it is, English with {} → Chinese."""
OF_DESK, OF_STUDY, OTHERS = (
    MESSAGES.with_name(f"messages_of_{name}.yaml") for name in ("the_desk", "study", "others")
)
"""The same of what only the desk says, of what studies say, and of what libraries do."""
GLOSSARY = MESSAGES.with_name("glossary.yaml")
"""The terms, what each means, and the words that are never said instead."""
LANGUAGES = ("zh", "en")
_NO_ANSWER = {
    NoAnswer.STOPPED: "cli.stopped",
    NoAnswer.NOT_WHOLE: "cli.no-whole-units",
    NoAnswer.UNBOUNDED: "cli.unbounded",
    NoAnswer.NONE_NEAR: "cli.none-near",
}


@dataclass(frozen=True)
class Words:
    """The catalogue in one language; called with a key and the values of its placeholders."""

    lang: str

    def __post_init__(self) -> None:
        if self.lang not in LANGUAGES:
            refuse("", "lang", f"'{self.lang}' is none of {', '.join(LANGUAGES)}")

    def __call__(self, key: str, **values: object) -> str:
        wordings = _help() if key.startswith("help.") else catalogue()
        return wordings[key][self.lang].format(**values)

    def told(self, message: str) -> str:
        """What is said of a mistake in English; as it is where no wording fits it."""
        return message if self.lang == "en" else (_chinese(message) or message)

    def placeholders(self, text: str) -> str:
        """A text of the command line, FILE and its like in it as words."""
        if self.lang == "en":
            return text
        return _PLACEHOLDER.sub(lambda found: messages().get(found[0], found[0]), text)

    def error(self, error: AllotError) -> str:
        """An error's own message; one of a few in the words of the catalogue."""
        if isinstance(error, InfeasibleError):
            return self("cli.no-allocation")
        if isinstance(error, NoAnswerError) and error.reason is not None:
            return self(_NO_ANSWER[error.reason])
        return self.told(str(error))

    def problem(self, one: InputProblem) -> str:
        """A problem in a line: its file, its place in it, what is wrong."""
        if self.lang == "en":
            return str(one)
        parts = (one.file, self.place(one.path), self.told(one.message))
        return "：".join(part for part in parts if part)

    def place(self, place: str) -> str:
        """A place in a file: `table.csv: line 3`."""
        return place if self.lang == "en" else "：".join(map(_place, place.split(": ")))

    def reason(self, why: str) -> str:
        """Why there is no result: a message, or problems as one text with "; " between them."""
        return why if self.lang == "en" else (_chinese_problems(why) or why)


def _read(*files: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load("\n".join(path.read_text("utf-8") for path in files), Loader=loader)


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Key → language → wording with {placeholders}."""
    return {**_help(), **_read(*(path for path in CATALOGUE if path.name != "help.yaml"))}


@functools.cache
def _help() -> dict[str, dict[str, str]]:
    """The part of the catalogue in `help.yaml`: the keys that begin with `help.`."""
    content: dict[str, dict[str, str]] = _read(*(p for p in CATALOGUE if p.name == "help.yaml"))
    return content


@functools.cache
def glossary() -> tuple[Mapping[str, Any], ...]:
    """The terms in order: `term` and `means` by language, `never` where other words are barred."""
    return tuple(_read(GLOSSARY))


@functools.cache
def messages() -> Mapping[str, str]:
    """English sentence of a mistake, with {} for what is filled in → the Chinese."""
    return {
        english: zh
        for part in _read(MESSAGES, OF_DESK, OF_STUDY, OTHERS).values()
        for english, zh in part.items()
    }


def _chinese(message: str) -> str | None:
    """The Chinese of a sentence, and of the sentences within it; None where no wording fits."""
    if "{}" not in message and message in messages():
        return messages()[message]
    for pattern, wording in _patterns():
        if found := pattern.fullmatch(message):
            said = wording.format(*(_part(found, n) for n in range(1, pattern.groups + 1)))
            return _SPARE_SPACE.sub("", said)
    return None


_PLACEHOLDER = re.compile(
    r"(?<![A-Za-z0-9_.@-])[A-Z]+( RANGE)?(?![A-Za-z0-9_]|\.\w)|(?<=\[)required(?=\])"
)
_NAME = re.compile(r"\S+")
_SPARE_SPACE = re.compile("(?<=[一-鿿”]) (?=[一-鿿])| (?=“)")


def _place(part: str) -> str:
    """`line 3` in Chinese; names of fields and columns as they are written."""
    return (_chinese(part) or part) if " " in part else part


def _part(found: re.Match[str], number: int) -> str:
    """What fills a hole: a sentence of its own, or what a user wrote, which stands in quotes."""
    part, (start, end) = found[number], found.span(number)
    if found.string[start - 1 : start] == found.string[end : end + 1] == "'":
        return part
    if _QUOTED.fullmatch(part):
        return "、".join(f"“{one}”" for one in re.findall("'([^']*)'", part))
    return _chinese(part) or part


_QUOTED = re.compile("'[^']*'((, | or | / )'[^']*')*")


def _chinese_problems(text: str) -> str | None:
    """The Chinese of problems in a line, each with its place before it."""
    for left, rest in _cuts(text, "; "):
        first = _chinese_problem(left)
        others = _chinese_problems(rest) if rest else ""
        if first is not None and others is not None:
            return f"{first}；{others}" if rest else first
    return None


def _chinese_problem(text: str) -> str | None:
    for place, message in _cuts(text, ": "):
        is_place = _NAME.fullmatch(place) or _chinese(place)
        if message and is_place and (said := _chinese(message)):
            return "：".join([*map(_place, place.split(": ")), said])
    return _chinese(text)


def _cuts(text: str, mark: str) -> Iterator[tuple[str, str]]:
    """The text before and after each mark, and the whole with nothing after it."""
    for found in re.finditer(re.escape(mark), text):
        yield text[: found.start()], text[found.end() :]
    yield text, ""


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Of each sentence with something filled in; what has most words of its own goes first."""
    open_ = [english for english in messages() if "{}" in english]
    tails = "|".join(_pattern(english, "") for english in open_ if english[0] in " ;")
    open_.sort(key=lambda english: -len(english.replace("{}", "")))
    return tuple(
        (re.compile(_pattern(english, tails), re.DOTALL), messages()[english]) for english in open_
    )


def _pattern(english: str, tails: str) -> str:
    """A hole takes anything; one that sticks to what is before it only a sentence's tail."""
    parts = english.split("{}")
    pattern = re.escape(parts[0])
    for number, part in enumerate(parts[1:]):
        before, inside = parts[number], "".join(parts[: number + 1]).count("'") % 2
        stuck = number and not before or (re.search(r"[a-z']$", before) and not inside)
        hole = ".*?" if not tails else f"(|{tails})" if stuck else "(.*?)"
        pattern += hole + re.escape(part)
    return pattern


def language_of_locale(environment: Mapping[str, str] | None = None) -> str:
    """zh where ALLOT_LANG, LC_ALL, LC_MESSAGES or LANG (the first that is set) says so, else en.

    Windows sets none of them; there the language of the system is asked for.
    """
    known = os.environ if environment is None else environment
    named = (known.get(name) for name in ("ALLOT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    said = next(filter(None, named), "")
    if not said and sys.platform == "win32":
        said = locale.getlocale()[0] or ""  # Such as "Chinese (Simplified)_China".
    return "zh" if said.lower().startswith(("zh", "chinese")) else "en"
