"""Lines of a terminal, in which a Chinese character takes two columns."""

from __future__ import annotations

import re

from rich.cells import cell_len

TOKEN = re.compile(r"[（“〔《]*(?:[!-~·–]+|[^（“〔《\s])[，、。；：）”〕》％？！]*|[（“〔《]+|\s+")
"""What is not torn apart: a word or number, with the brackets and stops that cling to it."""


def wrap(text: str, width: int, indent: int = 0) -> list[str]:
    """Lines of at most `width` columns; stops never begin a line, numbers are not torn apart."""
    lines, line = [], ""
    for token in TOKEN.findall(text):
        if line.strip() and cell_len(line) + cell_len(token.rstrip()) > width:
            lines.append(line.rstrip())
            line = " " * indent
            if token.isspace():
                continue
        while cell_len(line) + cell_len(token) > width and cell_len(token) > width - indent:
            head, token = _cut(token, max(1, width - cell_len(line)))
            lines.append(line + head)
            line = " " * indent
        line += token
    return [*lines, line.rstrip()]


def _cut(token: str, width: int) -> tuple[str, str]:
    """As much of a long word as fits, and the rest."""
    end = 1
    while end < len(token) and cell_len(token[: end + 1]) <= width:
        end += 1
    return token[:end], token[end:]
