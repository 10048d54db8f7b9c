"""Chinese as a finance office says it: what the glossary bars stands nowhere that people read."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.catalogue import CATALOGUE, LANGUAGES, MESSAGES, catalogue, glossary, messages
from tests.source_tree import ROOT, TOPS

NEVER = {word: one["term"]["zh"] for one in glossary() for word in one.get("never", [])}
BARRED = re.compile("|".join(f"{word}(?!格)" for word in sorted(NEVER, key=len, reverse=True)))
"""单元格 is a cell of a spreadsheet, and no cell of a programme."""


def barred(text: str) -> list[str]:
    return [f"{found[0]}→{NEVER[found[0]]}：{text[:60]}" for found in BARRED.finditer(text)]


def strings(content: Any) -> Iterator[str]:
    """The texts of a JSON document."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for one in content.values() if isinstance(content, dict) else content:
            yield from strings(one)


def texts(path: Path) -> Iterator[str]:
    """What of a file people may read in Chinese."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    elif path.suffix == ".docx":
        with zipfile.ZipFile(path) as parts:
            yield re.sub("<[^>]*>", "", parts.read("word/document.xml").decode())
    elif path.suffix == ".ipynb":
        yield from strings(json.loads(path.read_text("utf-8"))["cells"])
    else:
        yield from path.read_text("utf-8").splitlines()


def read_by_people() -> Iterator[Path]:
    yield from (ROOT / "README.md", ROOT / "README.zh.md", ROOT / "ARCHITECTURE.md")
    for name in (*TOPS, "scenarios", "notebooks", "tools"):
        root = ROOT / name
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.suffix in {".py", ".yaml", ".j2", ".js", ".docx", ".ipynb", ".txt"}:
                yield path


@pytest.mark.slow
def test_no_barred_word_is_said_anywhere() -> None:
    kept = ROOT / "reports" / "glossary.yaml"
    found = {
        str(path.relative_to(ROOT)): wrong
        for path in read_by_people()
        if path != kept and (wrong := [one for text in texts(path) for one in barred(text)])
    }
    assert found == {}


def test_a_barred_word_is_seen_and_a_cell_of_a_sheet_is_none(tmp_path: Path) -> None:
    path = tmp_path / "said.py"
    path.write_text('"""上界"""\nSAID = f"{1}个单元"\nSHEET = "单元格"\n', "utf-8")
    assert [one[:6] for text in texts(path) for one in barred(text)] == [
        "上界→最高可",
        "单元→县×工",
    ]


@pytest.mark.parametrize("term", glossary(), ids=lambda one: one["term"]["en"])
def test_a_term_is_used_in_both_languages(term: dict[str, Any]) -> None:
    said = {
        "zh": "\n".join([*(one["zh"] for one in catalogue().values()), *messages().values()]),
        "en": "\n".join([*(one["en"] for one in catalogue().values()), *messages()]),
    }
    for lang in LANGUAGES:
        assert term["means"][lang]
        assert term["term"][lang] in said[lang].lower()


def test_the_chinese_is_of_characters_that_every_console_has() -> None:
    for path in (*CATALOGUE, *MESSAGES.parent.glob("*.yaml"), ROOT / "README.zh.md"):
        path.read_text("utf-8").encode("gbk")
