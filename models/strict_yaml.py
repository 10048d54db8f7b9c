"""Strict reading: YAML whose scalars stay text, frozen models, files bounded in size.

PyYAML's own reading turns `no` into False, `012` into 10, leaves `1e-3` text and keeps the last
of duplicate keys; here scalars stay as written (only null is read), duplicates are refused.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from models.errors import InputError, InputProblem, Problems, did_you_mean, nearest, refuse
from models.files import File

LARGEST_TEXT = 64 * 2**20
"""Bytes; a larger input file is refused before it is read (assumption: 20 × a national table)."""
LARGEST_YAML = 4 * 2**20
_DEEPEST = 40

M = TypeVar("M", bound=BaseModel)
Steps = tuple[int | str, ...]
"""Keys and positions from the root of a document to a part of it."""


class CellName(str):
    """The place of a cell as the first of some steps: nothing that is named stands beneath it."""


def _as_flag(value: object) -> object:
    if isinstance(value, str) and value.strip() in ("true", "false"):
        return value.strip() == "true"
    if isinstance(value, bool):
        return value
    raise ValueError("true or false is due here")


Flag = Annotated[bool, BeforeValidator(_as_flag)]


class Strict(BaseModel):
    """Frozen, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Text(Strict):
    """A wording in Chinese and in English."""

    zh: str
    en: str

    def of(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


def either_text(value: object) -> object:
    """One text as the wording in both languages."""
    return {"zh": value, "en": value} if isinstance(value, str) else value


EitherText = Annotated[Text, BeforeValidator(either_text)]
"""A wording in both languages, or one wording that serves for both."""
LONGEST_NAME = 500
"""Characters of a name: more are no name, and take long to lay out and to compare."""


def name_fault(name: str) -> str | None:
    """Why a text cannot be a name, in words; None where it can."""
    if len(name) > LONGEST_NAME:
        return f"a name of at most {LONGEST_NAME} characters is due here, not of {len(name):,}"
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name):
        return "a name stands in one line; a line feed or another control character is in it"
    return None


def _as_name(text: Text) -> Text:
    plain = Text(zh=text.zh.strip("\n"), en=text.en.strip("\n"))  # `|` of YAML adds one.
    for wording in (plain.zh, plain.en):
        if fault := name_fault(wording):
            raise ValueError(fault)
    return plain


Name = Annotated[Text, BeforeValidator(either_text), AfterValidator(_as_name)]
"""A name in both languages, or one that serves for both: of one line."""
NO_TEXT = Text(zh="", en="")


def read_text(path: File, limit: int = LARGEST_TEXT) -> str:
    """The text of a file in UTF-8 (with or without BOM) or GBK; refuses by size before reading."""
    try:
        if isinstance(path, Path):
            _refuse_unfit(path, limit)
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            [
                InputProblem(
                    str(path) if isinstance(path, Path) else path.name,
                    "",
                    f"cannot be read ({error.strerror or error})",
                )
            ]
        ) from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    refuse(path.name, "", "is neither UTF-8 nor GBK text")


def _refuse_unfit(path: Path, limit: int) -> None:
    size = path.stat().st_size
    if not path.is_file():
        refuse(path.name, "", "is not a file")
    if size > limit:
        refuse(path.name, "", f"is too large: {size:,} bytes, at most {limit:,} are read")


_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, ten times as fast, where it was built."""
_TAGS = (None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq")))


class _Document:
    """Reads a text event by event; what is nested too deep, or grows by aliases, is refused."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems = Problems()
        self._events = yaml.parse(text, Loader=_PARSER)
        self._named: dict[str, Any] = {}
        """Anchor → its value; itself while that is read."""
        self._written_out = 0
        """Characters that aliases stood for so far."""

    def content(self) -> Any:
        """The one document; scalars as text or None, duplicate keys among the problems."""
        content = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                content = self._value(next(self._events), 1)
                next(self._events)
                break
        rest = next(self._events, None)
        if isinstance(rest, yaml.DocumentStartEvent):
            refuse(self.file, _line(rest), "a second document begins; one is read")
        return content

    def _value(self, event: Any, level: int) -> Any:
        if level > _DEEPEST:
            refuse(self.file, "", f"is nested deeper than {_DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, level)
        if event.tag not in _TAGS:
            refuse(self.file, _line(event), f"the tag {event.tag} is not read")
        if event.anchor:
            self._named[event.anchor] = self
        value = self._fresh(event, level)
        if event.anchor:
            self._named[event.anchor] = value
        return value

    def _fresh(self, event: Any, level: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(level)
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, level + 1))
        return found

    def _alias(self, event: Any, level: int) -> Any:
        value = self._named.get(event.anchor)
        if event.anchor not in self._named:
            refuse(self.file, _line(event), f"nothing before is named &{event.anchor}")
        if value is self:
            refuse(self.file, _line(event), f"*{event.anchor} stands inside what it names")
        characters, levels = _extent(value)
        self._written_out += characters
        if self._written_out > LARGEST_YAML or level + levels - 1 > _DEEPEST:
            told = f"at most {LARGEST_YAML:,} characters in {_DEEPEST} levels are read"
            refuse(self.file, _line(event), f"its aliases (*name) write out to too much: {told}")
        return copied(value)

    def _scalar(self, event: Any) -> str | None:
        text = str(event.value)
        if has_half_character(text):
            self.problems.add(self.file, _line(event), "holds half a character (a lone surrogate)")
        return None if not event.style and text in ("", "~", "null") else text

    def _mapping(self, level: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        defaults: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, plain = self._key(event, level), not getattr(event, "style", "?")
            value_event = next(self._events)
            value = self._value(value_event, level + 1)
            if key == "<<" and plain:
                defaults = self._merged(value, value_event) | defaults
                continue
            if key in result:
                self.problems.add(self.file, _line(event), f"the key '{key}' stands here twice")
            if key is not None:
                result[key] = value
        return {**defaults, **result}

    def _key(self, event: Any, level: int) -> str | None:
        if isinstance(event, yaml.ScalarEvent):
            self._value(event, level)
            return str(event.value)
        key = self._value(event, level + 1)
        if not isinstance(key, str):
            self.problems.add(self.file, _line(event), "a key must be a name")
        return key if isinstance(key, str) else None

    def _merged(self, value: Any, event: Any) -> dict[str, Any]:
        """What `<<` lays under a mapping: one, or a list whose earlier ones go first."""
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in listed):
            told = "a mapping, or a list of mappings, is due after <<"
            self.problems.add(self.file, _line(event), told)
            return {}
        return {key: one[key] for one in reversed(listed) for key in one}


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def _extent(value: Any) -> tuple[int, int]:
    """(characters, levels) of a value as it would stand in a file."""
    if not isinstance(value, dict | list):
        return 1 + len(value or ""), 1
    inner = [_extent(one) for one in (value.values() if isinstance(value, dict) else value)]
    keys = sum(map(len, value)) if isinstance(value, dict) else 0
    characters = 1 + keys + sum(size for size, _ in inner)
    return characters, 1 + max((levels for _, levels in inner), default=0)


def copied(value: Any) -> Any:
    """A document anew: its mappings and lists; many times as fast as `copy.deepcopy`."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


_HALF = re.compile("[\ud800-\udfff]")


def has_half_character(text: str) -> bool:
    """Whether a text holds a lone surrogate, which no file can: of an argument that was no text."""
    return not text.isascii() and _HALF.search(text) is not None


def parse_yaml(text: str, file: str) -> Any:
    """The content of a YAML text, all scalars as text or None; every duplicate key is named.

    Anchors and aliases are read, and `<<` lays mappings under another; written out they may hold
    no more than a file without them.
    """
    try:
        document = _Document(text, file)
        content = document.content()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError([InputProblem(file, line, f"is not readable as YAML: {what}")]) from error
    document.problems.raise_if_any()
    return content


def read_yaml(path: File) -> Any:
    """`parse_yaml` of a file."""
    return parse_yaml(read_text(path, LARGEST_YAML), path.name)


def place_of(steps: tuple[int | str, ...]) -> str:
    """`rules[3].at_least.share` for ('rules', 3, 'at_least', 'share')."""
    text = ""
    for step in steps[:1] if steps and isinstance(steps[0], CellName) else steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def model_problems(
    error: ValidationError, model: type[BaseModel], content: Any
) -> list[tuple[Steps, str]]:
    """(place, message) of each pydantic error, in words, the nearest name suggested.

    Places are given as the user wrote them: steps that only the long form has are left out.
    """
    found = []
    for item in error.errors(include_url=False):
        steps = as_written(item["loc"], content, missing=item["type"] == "missing")
        found.append((steps, _in_words(dict(item), model)))
    return found


def as_written(loc: Steps, content: Any, missing: bool = True) -> Steps:
    """The steps of `loc` that exist in `content`, and the last one where it is what is missing."""
    steps: list[int | str] = []
    at: Any = content
    for number, step in enumerate(loc):
        known = isinstance(at, dict) and step in at
        if known or (isinstance(at, list) and isinstance(step, int) and step < len(at)):
            at = at[step]
            steps.append(step)
        elif missing and number == len(loc) - 1:
            steps.append(step)
    return tuple(steps)


def _in_words(item: dict[str, Any], model: type[BaseModel]) -> str:
    kind, steps = str(item["type"]), tuple(item["loc"])
    if kind == "extra_forbidden":
        name = str(steps[-1])
        return f"unknown key '{name}'{did_you_mean(name, _fields_at(model, steps[:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return "a mapping is due here"
    if kind in ("list_type", "tuple_type"):
        return "a list is due here"
    if kind == "string_type":
        return "a text is due here"
    return str(item["msg"]).removeprefix("Value error, ")


def _fields_at(model: type[BaseModel], steps: tuple[int | str, ...]) -> list[str]:
    """Field names of the model that stands at `steps`."""
    at: type[BaseModel] = model
    for step in steps:
        if isinstance(step, int):
            continue
        field = at.model_fields.get(step)
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            continue
        at = inner
    return list(at.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _model_in(part):
            return found
    return None


def parse_model(model: type[M], content: Any, file: str) -> M:
    """`content` as `model`; an `InputError` names every problem with its place in `file`."""
    parsed, problems = parsed_as_far(model, content)
    if problems or parsed is None:
        raise InputError([InputProblem(file, place_of(at), text) for at, text in problems])
    return parsed


def parsed_as_far(model: type[M], content: Any) -> tuple[M | None, list[tuple[Steps, str]]]:
    """`content` as `model` and the problems, by place; the model also where only keys are unknown.

    An unknown key hides what else is wrong with the part that it stands in, so the content is
    read again with the nearest name in its place, or without it.
    """
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        problems = model_problems(error, model, content)
        unknown = [item["loc"] for item in error.errors() if item["type"] == "extra_forbidden"]
    if not unknown:
        return None, problems
    mended = copied(content)
    for loc in unknown:
        near = nearest(str(loc[-1]), _fields_at(model, loc[:-1]))
        _rename(mended, as_written(loc, content, missing=False), near)
    try:
        return model.model_validate(mended), problems
    except ValidationError as error:
        further = model_problems(error, model, mended)
        return None, [*problems, *(one for one in further if one not in problems)]


def _rename(content: Any, steps: Steps, name: str | None) -> None:
    for step in steps[:-1]:
        content = content[step]
    if isinstance(content, dict):
        value = content.pop(steps[-1], None)
        if name is not None:
            content.setdefault(name, value)
