"""Strict reading: YAML whose scalars stay text, frozen models, files bounded in size.

PyYAML's own reading turns `no` into False, `012` into 10, leaves `1e-3` text and keeps the last
of duplicate keys; here scalars stay as written (only null is read), duplicates are refused.
"""

from __future__ import annotations

import copy
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


class _Loader(yaml.SafeLoader):
    """Composes a text; what is nested too deep, or goes round through its aliases, is refused."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text)
        self.file = file
        self.problems = Problems()
        self.depth = 0
        self.aliased = False
        self._sizes: dict[int, tuple[int, int]] = {}
        """Node → characters and levels with every alias in it written out; 0, 0 while at it."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.aliased |= self.check_event(yaml.events.AliasEvent)
        self.depth += 1
        if self.depth > _DEEPEST:
            refuse(self.file, "", f"is nested deeper than {_DEEPEST} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def content(self) -> Any:
        """The document: scalars as text or None, duplicate keys among the problems."""
        node = self.get_single_node()
        if node is None:
            return None
        if self.aliased:
            characters, levels = self._size(node)
            if characters > LARGEST_YAML or levels > _DEEPEST:
                told = f"at most {LARGEST_YAML:,} characters in {_DEEPEST} levels are read"
                refuse(self.file, "", f"its aliases (*name) write out to too much: {told}")
        return self._built(node)

    def _size(self, node: yaml.Node) -> tuple[int, int]:
        if id(node) not in self._sizes:
            self._sizes[id(node)] = (0, 0)
            inner = [self._size(one) for one in _children(node)]
            own = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
            levels = 1 + max((levels for _, levels in inner), default=0)
            self._sizes[id(node)] = (1 + own + sum(size for size, _ in inner), levels)
        elif self._sizes[id(node)] == (0, 0):
            refuse(self.file, _line(node), "an alias (*name) stands inside what it names")
        return self._sizes[id(node)]

    def _built(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._built(child) for child in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        text = str(node.value)
        if has_half_character(text):
            self.problems.add(self.file, _line(node), "holds half a character (a lone surrogate)")
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return None if plain and text in ("", "~", "null") else text

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        defaults: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.add(self.file, _line(key_node), "a key must be a name")
                continue
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                defaults = self._merged(value_node) | defaults
                continue
            if key in result:
                self.problems.add(self.file, _line(key_node), f"the key '{key}' stands here twice")
            result[key] = self._built(value_node)
        return {**defaults, **result}

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        """What `<<` lays under a mapping: one, or a list whose earlier ones go first."""
        value = self._built(node)
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in listed):
            told = "a mapping, or a list of mappings, is due after <<"
            self.problems.add(self.file, _line(node), told)
            return {}
        return {key: one[key] for one in reversed(listed) for key in one}


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


_Loader.yaml_implicit_resolvers = {}


def has_half_character(text: str) -> bool:
    """Whether a text holds a lone surrogate, which no file can: of an argument that was no text."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def parse_yaml(text: str, file: str) -> Any:
    """The content of a YAML text, all scalars as text or None; every duplicate key is named.

    Anchors and aliases are read, and `<<` lays mappings under another; written out they may hold
    no more than a file without them.
    """
    try:
        loader = _Loader(text, file)
        content = loader.content()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError([InputProblem(file, line, f"is not readable as YAML: {what}")]) from error
    loader.problems.raise_if_any()
    return content


def read_yaml(path: File) -> Any:
    """`parse_yaml` of a file."""
    return parse_yaml(read_text(path, LARGEST_YAML), path.name)


def place_of(steps: tuple[int | str, ...]) -> str:
    """`rules[3].at_least.share` for ('rules', 3, 'at_least', 'share')."""
    text = ""
    for step in steps:
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
        return f"unknown key '{name}'" + did_you_mean(name, _fields_at(model, steps[:-1]))
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
    mended = copy.deepcopy(content)
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
