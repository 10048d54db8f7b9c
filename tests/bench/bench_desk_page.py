"""The desk as a browser has it, on the shipped scenario: opened, 500 edits, numbers moved.

    .venv/bin/python tests/bench/bench_desk_page.py

Needs Chromium and its driver. Times are taken in the page, from what is typed to what is shown.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from measuring import ROOT, machine, say

from tests.chromium import Browser, browser
from tests.desks import Clerk, running_desk

EDITS, WARM = 500, 20
TILTS = ("1.55", "1.6", "1.65", "1.7", "1.75", "1.8", "1.85")
WATCH = """
const seen = (place, fits) => new Promise(done => {
  const began = performance.now(), watched = document.querySelector(place);
  const look = () => { if (fits(watched.innerText)) done(performance.now() - began); };
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(look).observe(watched, all);
});
"""
EDIT = f"""{WATCH}
const grid = getElement(+document.querySelector('.desk-grid').id.slice(1));
const before = document.querySelector('.desk-figures').innerText;
const shown = seen('.desk-figures', text => text !== before);
grid.api.getRowNode(arguments[0]).setDataValue('t1', arguments[1]);
return shown;
"""
MOVE = f"""{WATCH}
const field = document.querySelector("[data-number='yi-per-resident:at_least.times']");
let left = false;
const shown = seen('[data-id=status]', text => {{
  if (!text.includes('在本测算假定下')) left = true;
  return left && text.includes('在本测算假定下');
}});
field.value = arguments[0];
field.dispatchEvent(new Event('input', {{bubbles: true}}));
setTimeout(() => field.dispatchEvent(new Event('change', {{bubbles: true}})), 0);
return shown;
"""


def memory(folder: Path) -> int:
    """KiB that the server holds."""
    process = json.loads((folder / ".desk" / "lock").read_text())["pid"]
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def edits(session: Browser, first: int, count: int) -> list[float]:
    """Milliseconds of each edit, from the cell to the figures of the table that was read."""
    rows = range(first, first + count)
    return [session.run(EDIT, f"c{at % 88}", str(400 + at)) for at in rows]


def main() -> None:
    """Open, edit, move."""
    say(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "scenarios"
        shutil.copytree(ROOT / "scenarios", folder)
        (Path(name) / "browser").mkdir()
        with (
            running_desk(folder, "--lang", "zh") as desk,
            browser(Path(name) / "browser") as session,
        ):
            clerk = Clerk(session)
            began = time.perf_counter()
            clerk.open(desk.address)
            say(f"page ready: {time.perf_counter() - began:.2f} s")
            clerk.click("new")
            clerk.type("new-title", "bench")
            clerk.says("bench", ".desk-scenario")
            clerk.click("auto")
            clerk.solve()
            moved = [session.run(MOVE, tilt) for tilt in TILTS]
            say(
                f"number → optimum: median {statistics.median(moved):.0f} ms, most {max(moved):.0f}"
            )
            clerk.tab("table")
            clerk.cell("c0", "t1")
            edits(session, 0, WARM)
            before = memory(folder)
            taken = edits(session, WARM, EDITS)
            for what, some in (("first", taken[:100]), ("last", taken[-100:])):
                say(f"edit → figures, {what} 100: median {statistics.median(some):.0f} ms")
            say(f"{EDITS} edits: memory of the server {memory(folder) / before - 1:+.1%}")


if __name__ == "__main__":
    main()
