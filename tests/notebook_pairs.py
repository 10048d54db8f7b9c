"""A notebook is kept twice: as text to read and compare, and as .ipynb to open in Jupyter.

The .ipynb is made from the text, without outputs and always the same: after a change of
`notebooks/NAME.py`, run `python tests/notebook_pairs.py`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import jupytext

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
_METADATA = {
    "jupytext": {"formats": "ipynb,py:percent"},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks() -> list[Path]:
    """The notebooks in their text form."""
    return sorted(FOLDER.glob("*.py"))


def ipynb_text(text_form: Path) -> str:
    """The text of the .ipynb that belongs to a notebook's text form.

    A cell's id is made from its content (and how often that stood before), so that a change of one
    cell leaves the others' ids alone.
    """
    cells: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for cell in jupytext.read(text_form, fmt="py:percent").cells:
        nth = seen[cell.source] = seen.get(cell.source, 0) + 1
        digest = hashlib.sha256(f"{nth} {cell.source}".encode()).hexdigest()
        entry: dict[str, Any] = {"cell_type": cell.cell_type, "id": digest[:8], "metadata": {}}
        if cell.cell_type == "code":
            entry |= {"execution_count": None, "outputs": []}
        cells.append({**entry, "source": cell.source.splitlines(keepends=True)})
    content = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the .ipynb of every notebook."""
    for notebook in notebooks():
        path = notebook.with_suffix(".ipynb")
        path.write_text(ipynb_text(notebook), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
