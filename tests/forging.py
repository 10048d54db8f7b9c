"""Records changed as a forger would change them: hashes redone, page and workbook drawn again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.record.manifest import read_manifest, sha256
from optimizer.records import read_solution
from reports.record_writer import reports_of


def told(record: Path) -> dict[str, Any]:
    """The content of the manifest."""
    content = json.loads((record / "manifest.json").read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def tell(record: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest."""
    content = told(record)
    change(content)
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    (record / "manifest.json").write_text(text, "utf-8")


def put(record: Path, name: str, content: bytes) -> None:
    """Put other content into a record, and its hash into the manifest."""
    (record / name).write_bytes(content)
    part = "reports" if name in told(record)["reports"] else "files"
    tell(record, lambda found: found[part].update({name: sha256(content)}))


def draw_again(record: Path) -> None:
    """Page and workbook as the product draws them from what the record says now.

    Raises `InputError` where the record can no longer be read.
    """
    manifest = read_manifest(record)
    if manifest.drawn is None:
        return
    solution, _ = read_solution(record)
    made = reports_of(solution, manifest.drawn.lang).draw(manifest)
    for name, content in made.items():
        put(record, name, content)
