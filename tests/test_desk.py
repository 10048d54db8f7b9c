"""The desk in a real browser: a clerk's walk through all of it, on one server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from click.testing import CliRunner

import cli
from tests.chromium import Browser
from tests.desks import ALT, CONTROL, RIGHT, Clerk, RunningDesk, need_desk, running_desk
from tests.worlds import rule, write_world, write_yaml

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A small fund: three counties in two areas, two tasks, a cap and a floor."""
    need_desk()
    folder = tmp_path_factory.mktemp("desk")
    cap = rule(id="cap", title={"zh": "每县上限", "en": "Cap"}, per=["county"], at_most=30)
    floor = rule(id="floor", title={"zh": "每县下限", "en": "Floor"}, per=["county"], at_least=10)
    areas = {"a": "north", "b": "north", "c": "south"}
    write_world(
        folder,
        {"budget": 60, "rules": [cap, floor]},
        {code: {"people": 100, "area": area} for code, area in areas.items()},
    )
    write_yaml(folder / "world" / "labels.yaml", {"subtotal": "area"})
    with running_desk(folder, "--lang", "zh") as running:
        yield running
    assert running.closed[0] == 0, running.closed[1]
    assert "Traceback" not in running.closed[1]
    assert "测算台已关闭" in running.closed[1]


def test_a_clerk_walks_through_the_whole_desk(desk: RunningDesk, chromium: Browser) -> None:
    clerk = Clerk(chromium)
    clerk.open(desk.address)
    assert "token" not in chromium.run("return location.href + document.cookie")
    _a_new_scenario_with_a_rule_changed(clerk)
    _a_note_of_it(clerk)
    _the_table_edited_and_mended(clerk)
    _a_block_pasted_and_a_cell_held(clerk)
    _a_table_dropped(clerk)
    _saved_and_still_there_after_a_reload(clerk)
    _a_county_explained(clerk)
    _what_has_to_give_way(clerk)
    _a_record_with_its_papers(clerk, desk)
    _two_scenarios_compared(clerk)
    _a_second_window(clerk, desk)
    complaints = chromium.complaints()
    assert [text for text in complaints if " 403 " not in text] == []
    asked = {address.split("/")[2] for address in chromium.requests() if "://" in address}
    assert asked == {desk.page.split("/")[2]}


def _a_new_scenario_with_a_rule_changed(clerk: Clerk) -> None:
    clerk.click("new")
    clerk.type("new-title", "上限+25&#")
    clerk.says("每县上限", ".desk-rule")
    clerk.type("[data-number='cap:at_most']", "25")
    clerk.says("25", "[data-rule=cap] .desk-sentence")
    clerk.says("已改", "[data-rule=cap]")
    clerk.type("[data-number='cap:at_most']", "二十五")
    clerk.says("二十五", ".q-notification")
    clerk.browser.press("[data-slider='cap:at_most'] [tabindex]", RIGHT)
    clerk.says("26", "[data-rule=cap] .desk-sentence")
    clerk.type("[data-number='cap:at_most']", "25")
    clerk.says("25", "[data-rule=cap] .desk-sentence")
    clerk.solve()
    clerk.says("60/60", ".desk-figures")


def _a_note_of_it(clerk: Clerk) -> None:
    clerk.tab("scenarios")
    clerk.click("describe")
    clerk.type("describe-note", "先看上限")
    clerk.click("describe-now")
    clerk.says("先看上限", ".desk-entry.open")
    clerk.solve()


def _the_table_edited_and_mended(clerk: Clerk) -> None:
    clerk.tab("table")
    before = clerk.cell("c0", "t0")
    clerk.edit("c0", "t0", "55")
    clerk.says("每县上限", "[data-id=broken]")
    clerk.shows("c0", "t0", "55", ".broken.more")
    clerk.edit("c0", "t0", "五十五")
    clerk.says("五十五", ".q-notification")
    clerk.shows("c0", "t0", "55")
    clerk.click("mend")
    clerk.says("全部约束满足", "[data-id=broken]")
    clerk.keys("c0", "t0", CONTROL, "z")
    clerk.shows("c0", "t0", "55", ".broken")
    clerk.click("undo")
    clerk.shows("c0", "t0", before)
    clerk.says("全部约束满足", "[data-id=broken]")


def _a_block_pasted_and_a_cell_held(clerk: Clerk) -> None:
    """As a spreadsheet copies it: two rows of two, the last beyond the table's edge."""
    before = clerk.cell("c0", "t1"), clerk.cell("c1", "t1")
    clerk.paste("c0", "t1", "1,012\t5\r\n9\t6\r\n")
    clerk.says("已粘贴2格。另有2格落在", ".q-notification")
    clerk.shows("c0", "t1", "1,012", ".more")
    clerk.shows("c1", "t1", "9")
    clerk.paste("c0", "t1", "十\t5")
    clerk.says("十", ".q-notification")
    clerk.keys("c0", "t1", CONTROL, "z")
    clerk.shows("c0", "t1", before[0])
    clerk.shows("c1", "t1", before[1])
    clerk.keys("c0", "t1", ALT, "l")
    clerk.shows("c0", "t1", before[0], ".held")
    clerk.keys("c0", "t1", ALT, "l")
    clerk.shows("c0", "t1", before[0], ":not(.held)")


def _a_table_dropped(clerk: Clerk) -> None:
    """A table from the disk, let fall on the page; one that is none changes nothing."""
    before = clerk.cell("c2", "t0")
    clerk.drop("other.csv", "county,task,amount\n510522,road,5\n")
    clerk.says("510522", ".q-notification")
    clerk.shows("c2", "t0", before)
    clerk.drop("table.csv", "county,task,amount\nc,road,17\n")
    clerk.shows("c2", "t0", "17")
    clerk.click("undo")
    clerk.shows("c2", "t0", before)


def _saved_and_still_there_after_a_reload(clerk: Clerk) -> None:
    clerk.edit("c1", "t1", "7")
    clerk.shows("c1", "t1", "7")
    clerk.tab("rules")
    clerk.click("save-rules")
    clerk.says("已保存", ".q-notification")
    clerk.tab("table")
    clerk.click("solve")  # The window is gone before the answer is there.
    clerk.open(clerk.browser.run("return location.href"))
    clerk.solved()
    clerk.click("undo")
    clerk.shows("c1", "t1", "7")


def _a_county_explained(clerk: Clerk) -> None:
    clerk.solve()
    clerk.browser.run("document.querySelector(\".ag-row[row-id='c1'] [col-id=name]\").click()")
    clerk.browser.until(
        "document.querySelectorAll('[data-id=card-said] .desk-sentence').length >= 4"
    )
    clerk.click("[data-id=card] button[aria-label]")


def _what_has_to_give_way(clerk: Clerk) -> None:
    clerk.tab("rules")
    clerk.type("[data-number='floor:at_least']", "28")
    clerk.says("28", "[data-rule=floor] .desk-sentence")
    clerk.click("solve")
    clerk.tab("answer")
    clerk.click("[data-remedy='0']")
    clerk.solved()
    clerk.says("绩效指标", "[data-id=answer]")


def _a_record_with_its_papers(clerk: Clerk, desk: RunningDesk) -> None:
    clerk.tab("papers")
    clerk.click("keep-record")
    clerk.type("record-name", "存档一")
    clerk.click("keep-now")
    clerk.click("[data-papers='存档一']")
    clerk.click("write-papers")
    clerk.says("下达通知", "[data-record='存档一']")
    first = clerk.browser.until(
        "fetch([...document.querySelectorAll('.desk-files a')].find(a => a.href.includes('.docx')))"
        ".then(r => r.arrayBuffer())"
        ".then(b => String.fromCharCode(...new Uint8Array(b).slice(0, 2)))"
    )
    assert first == "PK"
    for path in ("..%2F..%2Fetc/passwd", quote("存档一/../..", safe="") + "/scenario.yaml"):
        status, said = clerk.browser.until(
            "fetch('/file/' + arguments[0]).then(r => r.text().then(t => [r.status, t]))", path
        )
        assert status == 403
        assert "文件夹" in said
    assert (desk.folder / "存档一" / "manifest.json").is_file()


def _two_scenarios_compared(clerk: Clerk) -> None:
    clerk.tab("scenarios")
    for name in ("scenario.yaml", "上限+25&#.yaml"):
        clerk.click(f"[data-pin='{name}']")
        clerk.browser.until(f"document.querySelector(\"[data-pin='{name}'][aria-checked=true]\")")
    clerk.tab("compare")
    clerk.click("begin-compare")
    clerk.browser.until(
        "!!document.querySelector('[data-id=frame-compare]')"
        "?.contentDocument?.querySelector('#county-table')"
    )


def _a_second_window(clerk: Clerk, desk: RunningDesk) -> None:
    clerk.tab("table")
    first = clerk.browser.windows()[-1]
    address = clerk.browser.run("return location.href")
    second = clerk.browser.window()
    clerk.open(address)
    clerk.shows("c1", "t1", clerk.cell("c1", "t1"))
    clerk.open_cell("c1", "t1")
    clerk.browser.look_at(first)
    clerk.edit("c1", "t1", "11")
    clerk.shows("c1", "t1", "11")
    clerk.browser.look_at(second)
    clerk.says("另一窗口", ".q-notification")
    clerk.finish("c1", "t1", "12")
    clerk.says("刚改过此处", ".q-notification")
    clerk.shows("c1", "t1", "11")
    clerk.browser.look_at(first)


def test_a_second_desk_and_a_port_that_is_taken_are_refused_in_words(desk: RunningDesk) -> None:
    port = desk.page.rstrip("/").rpartition(":")[2]
    for options in (["--port", port], []):
        command = ["desk", str(desk.folder), "--no-browser", "--lang", "zh", *options]
        done = CliRunner().invoke(cli.allot, command)
        assert done.exit_code == 2
        assert ("端口" if options else "已") in done.output
