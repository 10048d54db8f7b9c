"""Strict reading: YAML whose scalars stay text, frozen models, files bounded in size.

PyYAML's own reading turns `no` into False, `012` into 10, leaves `1e-3` text and keeps the last
of duplicate keys; here scalars stay as written (only null is read), duplicates are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from models.errors import InputError, InputProblem, Problems, did_you_mean, refuse
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
    """Scalars as text, duplicate keys refused, no aliases (they can blow up a small file)."""

    def __init__(self, text: str, file: str) -> None:
        super().__init__(text)
        self.file = file
        self.problems = Problems()
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            refuse(self.file, f"line {mark.line + 1}", "YAML aliases (*name) are not read")
        self.depth += 1
        if self.depth > _DEEPEST:
            refuse(self.file, "", f"is nested deeper than {_DEEPEST} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> str | None:
    if node.style is None and node.value in ("", "~", "null"):
        return None
    return str(node.value)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = f"line {key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            loader.problems.add(loader.file, line, "a key must be a name")
            continue
        key = str(key_node.value)
        if key in result:
            loader.problems.add(loader.file, line, f"the key '{key}' stands here twice")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(child, deep=True) for child in node.value]


_Loader.yaml_implicit_resolvers = {}
_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)


def parse_yaml(text: str, file: str) -> Any:
    """The content of a YAML text, all scalars as text or None; every duplicate key is named."""
    try:
        loader = _Loader(text, file)
        content = loader.get_single_data()
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
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(
            [
                InputProblem(file, place_of(steps), text)
                for steps, text in model_problems(error, model, content)
            ]
        ) from error
