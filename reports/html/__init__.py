"""Self-contained pages, readable without JavaScript, fit for paper; here what they share."""

from __future__ import annotations

import base64
import functools
import hashlib
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from reports.document import clean

_TEMPLATES = Path(__file__).with_name("templates")


@functools.cache
def environment() -> jinja2.Environment:
    """The templates, escaping whatever they are given."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        bytecode_cache=None if sys.dont_write_bytecode else _CompiledTemplates(),
    )


class _CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Templates compiled once, beside the compiled modules; made anew where one changed."""

    def __init__(self) -> None:
        super().__init__(str(Path(cache_from_source(__file__)).parent), "%s.j2c")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one; where that cannot be, do without, as Python does with modules."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def language_tag(lang: str) -> str:
    """A language of the catalogue as HTML names it."""
    return "zh-CN" if lang == "zh" else lang


def _printable(value: Any) -> Any:
    """Text without control characters, which could turn the direction of what follows."""
    return clean(value) if type(value) is str else value


def raw(name: str) -> str:
    """A file of ours, put into the page without its indentation."""
    lines = (_TEMPLATES / name).read_text("utf-8").splitlines()
    return "\n".join(line.strip() for line in lines)


def allowed(style: str, script: str = "") -> str:
    """The policy that lets the page use its own style and script, and load nothing at all."""
    said = [
        f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for kind, text in (("script", script), ("style", style))
        if text
    ]
    return "; ".join(["default-src 'none'", *said])
