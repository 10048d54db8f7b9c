"""What the desk is for, on the shipped fund: four scenarios, who loses, a table mended, papers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import Browser
from tests.desks import ROOT, Clerk, RunningDesk, need_desk, running_desk

pytestmark = pytest.mark.slow
MOST_CLICKS = 51
"""For all of it; texts and numbers are typed."""
_MAPPED = """(tile => {
  if (!tile) return false;
  const r = tile.getBoundingClientRect();
  const at = {bubbles: true, clientX: r.x + r.width / 2, clientY: r.y + r.height / 2};
  return tile.dispatchEvent(new MouseEvent('click', at));
})([...document.querySelectorAll('.desk-map svg text')].find(e => e.textContent.includes('昭觉')))
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    """The shipped scenarios, as a user has them."""
    need_desk()
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    with running_desk(tmp_path / "scenarios", "--lang", "zh") as running:
        yield running
    assert running.closed[0] == 0, running.closed[1]


def test_four_scenarios_to_the_papers_without_a_line_of_yaml(
    desk: RunningDesk, chromium: Browser
) -> None:
    clerk = Clerk(chromium)
    clerk.open(desk.address)
    _budget(clerk)
    _a_county_on_the_map(clerk)
    _floor_and_cap(clerk)
    _impossible(clerk)
    _tilt(clerk)
    _mended(clerk)
    _papers(clerk, desk)
    assert clerk.clicks <= MOST_CLICKS


def _new(clerk: Clerk, title: str) -> None:
    clerk.tab("scenarios")
    clerk.click("new")
    clerk.choose("new-base", "2020年基本情景 (base-2020.yaml)")
    clerk.type("new-title", title)
    clerk.says(title, ".desk-scenario")
    clerk.says("已安排", ".desk-figures")


def _budget(clerk: Clerk) -> None:
    _new(clerk, "预算31500")
    clerk.type("[data-number='budget:budget']", "31,500")
    clerk.says("31,500", "[data-rule=budget] .desk-sentence")
    clerk.solve()
    clerk.says("31,500/31,500", ".desk-figures")


def _a_county_on_the_map(clerk: Clerk) -> None:
    clerk.tab("table")
    clerk.browser.until(_MAPPED)
    clerk.says("昭觉县", "[data-id=card]")
    clerk.click("[data-id=card] button[aria-label]")
    clerk.browser.until("!document.querySelector('.q-dialog')")  # It gives the focus back.


def _add_rule(clerk: Clerk, title: str, value: str, *chosen: tuple[str, str, bool]) -> None:
    clerk.click("add-rule")
    for name, option, several in chosen:
        clerk.choose(name, option, several)
    clerk.type("rule-source", "局长办公会要求")
    clerk.type("rule-value", value)
    clerk.type("rule-title", title)
    clerk.click("rule-add")
    clerk.says(title, ".desk-rule")
    clerk.browser.until("!document.querySelector('.q-dialog')")  # Its fields have the same names.


def _floor_and_cap(clerk: Clerk) -> None:
    _new(clerk, "昭觉保底")
    _add_rule(clerk, "昭觉县不低于500", "500", ("rule-counties", "昭觉县", True))
    cap = (
        ("rule-tasks", "园区建设", True),
        ("rule-per", "每个县分别算", False),
        ("rule-sense", "不高于", False),
    )
    _add_rule(clerk, "园区建设每县不高于200", "200", *cap)
    clerk.solve()
    clerk.says("0 不满足的约束", ".desk-figures")


def _impossible(clerk: Clerk) -> None:
    """昭觉 600 万元 cannot be: the band of 160 % stands against it, and gives way."""
    _new(clerk, "昭觉600")
    _add_rule(clerk, "昭觉县不低于600", "600", ("rule-counties", "昭觉县", True))
    clerk.click("solve")
    clerk.tab("answer")
    clerk.says("各县不高于因素法数的160%", ".desk-remedies")
    number = clerk.browser.run(
        "return [...document.querySelectorAll('.desk-remedy')]"
        ".findIndex(e => e.innerText.includes('160%'))"
    )
    clerk.click(f"[data-remedy='{number}']")
    clerk.solved()
    clerk.says("绩效指标", "[data-id=answer]")


def _tilt(clerk: Clerk) -> None:
    """Who loses by a tilt of 1.8 in place of 1.5, and why."""
    _new(clerk, "彝区倾斜1.8")
    clerk.solve()
    clerk.type("[data-number='yi-per-resident:at_least.times']", "1.8")
    clerk.says("1.8倍", "[data-rule=yi-per-resident] .desk-sentence")
    clerk.says("约束已改动", "[data-id=status]")
    clerk.solve()
    clerk.tab("answer")
    clerk.says("减少最多", "[data-id=since]")
    clerk.says("武胜县", "[data-id=since]")


def _mended(clerk: Clerk) -> None:
    clerk.tab("table")
    clerk.edit("c5", "t1", "900")
    clerk.says("各县不高于因素法数的160%", "[data-id=broken]")
    clerk.click("mend")
    clerk.says("全部约束满足", "[data-id=broken]")


def _papers(clerk: Clerk, desk: RunningDesk) -> None:
    clerk.tab("papers")
    clerk.click("keep-record")
    clerk.click("keep-now")
    clerk.click("[data-papers]")
    clerk.click("write-papers")
    clerk.says("下达通知", "[data-record]")
    made = sorted(path.name for path in desk.folder.glob("*-papers/*.docx"))
    assert len(made) == 8
