"""A running desk for tests, and what a person does at it in a browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.chromium import Browser

ROOT = Path(__file__).resolve().parents[1]
ENTER, CONTROL, ALT, ESCAPE, RELEASED = "\ue007", "\ue009", "\ue00a", "\ue00c", "\ue000"
RIGHT = "\ue014"
"""Keys as WebDriver names them."""


def need_desk() -> None:
    """Skip with a reason where NiceGUI is absent; fail in CI, which installs it."""
    if find_spec("nicegui") is not None:
        return
    if os.environ.get("CI"):
        pytest.fail("not installed: nicegui")
    pytest.skip("not installed: nicegui")


@dataclass
class RunningDesk:
    """The program as a user starts it; `closed` is what it said in the end."""

    folder: Path
    address: str
    closed: tuple[int, str] = (-1, "")

    @property
    def page(self) -> str:
        """Its address without the token."""
        return self.address.partition("?")[0]


@contextmanager
def running_desk(folder: Path, *options: str) -> Iterator[RunningDesk]:
    """A desk on a folder, from its start to Ctrl-C."""
    command = [sys.executable, "-m", "cli", "desk", str(folder), "--no-browser", "--json", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        while not lines or lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        if lines[-1] == "":
            pytest.fail(f"the desk did not open: {process.communicate()[1]}")
        desk = RunningDesk(folder, json.loads("".join(lines))["address"])
        try:
            yield desk
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
            desk.closed = (process.returncode, said)


_SETTLED = "!document.querySelector('[class*=-enter-active], [class*=-leave-active]')"
_PASTE = """
const data = new DataTransfer();
data.setData('text/plain', arguments[1]);
const sent = {clipboardData: data, bubbles: true, cancelable: true};
document.querySelector(arguments[0]).dispatchEvent(new ClipboardEvent('paste', sent));
"""
_DRAG = """
window.dragged = new DataTransfer();
dragged.items.add(new File([arguments[1]], arguments[0], {type: 'text/csv'}));
const sent = {dataTransfer: dragged, bubbles: true, cancelable: true};
document.querySelector('.q-uploader').dispatchEvent(new DragEvent('dragover', sent));
"""
_DROP = """
const sent = {dataTransfer: dragged, bubbles: true, cancelable: true};
document.querySelector('.q-uploader__dnd').dispatchEvent(new DragEvent('drop', sent));
"""


class Clerk:
    """Somebody at the desk: what is clicked is counted, and what comes is waited for."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.clicks = 0

    def open(self, address: str, width: int = 1280) -> None:
        """Open the desk, until it answers."""
        self.browser.visit(address, width)
        self.browser.until("window.did_handshake && document.querySelector('.desk-head')")

    def click(self, name: str) -> None:
        """Click what has this name, once it is there and can be clicked."""
        selector = name if name[0] in ".[" else f"[data-id='{name}']"
        ready = f'window.did_handshake && document.querySelector("{selector}:not(.disabled)")'
        self.browser.until(ready)
        self.browser.run(f'document.querySelector("{selector}").click()')
        self.clicks += 1

    def settled(self) -> None:
        """Wait until no dialog or menu is on its way in or out: it takes the focus as it ends."""
        self.browser.until(_SETTLED)

    def type(self, name: str, text: str) -> None:
        """Type over what is in a field, and Enter."""
        selector = name if name[0] in ".[" else f"[data-id='{name}']"
        self.settled()
        self.browser.until(f'window.did_handshake && document.querySelector("{selector}")')
        for _ in range(9):
            self.browser.press(selector, f"{CONTROL}a{RELEASED}{text}")
            if self.browser.run(f'return document.querySelector("{selector}").value') == text:
                break  # Else a list that had just closed took the focus, and the text, back.
        self.browser.press(selector, ENTER)

    def choose(self, name: str, option: str, several: bool = False) -> None:
        """Choose from a drop-down list; of one that takes several, by typing what is looked for."""
        field = f"[data-id='{name}']"
        self.browser.until(f'document.querySelector("{field}")')
        self.settled()
        self.browser.run(f'document.querySelector("label:has({field})").click()')
        self.browser.until("document.querySelector('.q-menu')")
        if several:
            self.browser.press(field, option)
        items = "[...document.querySelectorAll('.q-menu .q-item')]"
        found = f"{items}.find(e => e.innerText.trim() === arguments[0])"
        self.browser.until(found, option)
        self.browser.run(f"{found}.click()", option)
        if several:
            self.browser.press(field, ESCAPE)
        self.browser.until("!document.querySelector('.q-menu')")
        self.clicks += 2

    def tab(self, name: str) -> None:
        """Go to a tab."""
        self.click(f"to-{name}")
        self.browser.until(f"document.querySelector(\"[data-id='tab-{name}']\").offsetParent")

    def says(self, text: str, within: str = "body") -> None:
        """Wait until a text stands somewhere."""
        self.browser.until(
            "[...document.querySelectorAll(arguments[0])]"
            ".some(e => e.innerText.includes(arguments[1]))",
            within,
            text,
        )

    def solve(self) -> None:
        """Solve, until the status tells how good the answer is."""
        self.click("solve")
        self.solved()

    def solved(self) -> None:
        """Wait until the status tells how good an answer is."""
        self.says("在本测算假定下", "[data-id=status]")

    def cell(self, row: str, column: str) -> str:
        """The text of a cell of the table."""
        text: str = self.browser.until(
            f'document.querySelector("{_place(row, column)}")?.innerText'
        )
        return text

    def shows(self, row: str, column: str, text: str, mark: str = "") -> None:
        """Wait until a cell has a text, and a mark."""
        self.browser.until(
            f"(e => e && e.innerText === arguments[0] && e.matches('.ag-cell{mark}'))"
            f'(document.querySelector("{_place(row, column)}"))',
            text,
        )

    def open_cell(self, row: str, column: str) -> None:
        """Begin to edit a cell of the table."""
        self.cell(row, column)
        self.browser.click(_place(row, column))
        self.browser.press(_place(row, column), ENTER)
        self.clicks += 1
        self.browser.until(f'document.querySelector("{_place(row, column)} input")')

    def edit(self, row: str, column: str, text: str) -> None:
        """Type into a cell of the table, and Enter."""
        self.open_cell(row, column)
        self.finish(row, column, text)

    def finish(self, row: str, column: str, text: str) -> None:
        """Type over what is in the cell that is open, and Enter; clearing it would close it."""
        keys = f"{CONTROL}a{RELEASED}{text}{ENTER}"
        self.browser.press(f"{_place(row, column)} input", keys)

    def paste(self, row: str, column: str, text: str) -> None:
        """Paste from a spreadsheet, with a cell of the table looked at."""
        self.cell(row, column)
        self.browser.click(_place(row, column))
        self.browser.run(_PASTE, _place(row, column), text)

    def drop(self, name: str, text: str) -> None:
        """Let a file fall where tables are dropped."""
        self.browser.run(_DRAG, name, text)
        self.browser.until("document.querySelector('.q-uploader__dnd')")
        self.browser.run(_DROP)

    def keys(self, row: str, column: str, *keys: str) -> None:
        """Press keys together in a cell that is looked at and not edited."""
        self.browser.click(_place(row, column))
        self.browser.press(_place(row, column), "".join(keys) + RELEASED)


def _place(row: str, column: str) -> str:
    return f".desk-grid .ag-row[row-id='{row}'] .ag-cell[col-id='{column}']"
