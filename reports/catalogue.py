"""The wording of reports and command line: one catalogue in two languages.

`labels/common.yaml` holds what several outputs say, the files beside it what one of them says.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from models.errors import refuse

CATALOGUE = tuple(sorted(Path(__file__).with_name("labels").glob("*.yaml")))
"""The files of the catalogue; no key stands in two of them."""
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Words:
    """The catalogue in one language; called with a key and the values of its placeholders."""

    lang: str

    def __post_init__(self) -> None:
        if self.lang not in LANGUAGES:
            refuse("", "lang", f"'{self.lang}' is none of {', '.join(LANGUAGES)}")

    def __call__(self, key: str, **values: object) -> str:
        return catalogue()[key][self.lang].format(**values)


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Key → language → wording with {placeholders}."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    texts = (path.read_text("utf-8") for path in CATALOGUE)
    content: dict[str, dict[str, str]] = yaml.load("\n".join(texts), Loader=loader)
    return content


def language_of_locale(environment: Mapping[str, str] | None = None) -> str:
    """zh where LC_ALL, LC_MESSAGES or LANG (the first that is set) begins with zh, else en."""
    known = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := known.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
