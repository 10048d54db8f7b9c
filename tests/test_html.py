"""report.html: one self-contained page whose numbers trace to the record."""

from __future__ import annotations

import csv
import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.record import record_files, write_files
from models.scenario import load
from optimizer.recorded import read_solution
from optimizer.solve import Options, solve
from reports.html import report_html
from reports.kept import reports_of
from tests.worlds import rule, world

ROOT = Path(__file__).parents[1]
BASE = ROOT / "scenarios" / "base-2020.yaml"
CHROMIUM = shutil.which("chromium")


def text_of(page: str) -> str:
    without = re.sub(r"<(style|script)>.*?</\1>", " ", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]+>", " ", without))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "base"
    solution = solve(load(BASE), Options(gap=1e-2, repaired=False))
    write_files(folder, record_files(solution, reports=reports_of(solution, "zh")))
    return folder


@pytest.fixture(scope="module")
def page(record: Path) -> str:
    return (record / "report.html").read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_outside_itself(page: str) -> None:
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(?!#)[a-z/]""", page)
    assert "http" not in re.sub(r"http-equiv", "", page.split("</head>")[0])
    assert "default-src 'none'" in html.unescape(page)


def test_the_page_is_not_large(page: str) -> None:
    assert len(page.encode()) < 220_000


def test_a_record_gives_the_same_page_again_without_a_solver(record: Path, page: str) -> None:
    solution, kept = read_solution(record)
    assert report_html(solution, kept.manifest, "zh").decode() == page


def test_every_county_stands_once_in_the_table_with_its_money(record: Path, page: str) -> None:
    money: dict[str, int] = {}
    with (record / "allocation.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            money[row["county_zh"]] = money.get(row["county_zh"], 0) + int(row["amount"])
    table = page.split('id="county-table"')[1].split("</table>")[0]
    county = r'<tr class="county"[^>]*><th[^>]*>([^<]+?)(?: <i>[^<]*</i>)?</th>(.*?)</tr>'
    lines = re.findall(county, table)
    names = [name.strip() for name, _ in lines]
    assert len(names) == len(set(names)) == 88
    assert set(names) >= set(money)
    for name, cells in lines:
        numbers = re.findall(r"<td>([^<]*)</td>", cells)
        assert f"{money.get(name.strip(), 0):,}" in numbers


def test_outcomes_of_the_page_are_those_of_the_record(record: Path, page: str) -> None:
    said = text_of(page)
    with (record / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            whole = int(float(row["outcome"]))
            assert f"{whole:,}." in said


def test_unread_clauses_are_never_called_met(page: str) -> None:
    assert "未核到原文" in page
    off = page.split('class="off"')[1].split("</table>")[0]
    assert "停用" in off
    assert "符合" not in off.replace("不符合", "")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_script_in_a_name_is_text(tmp_path: Path, lang: str) -> None:
    evil = "<script>alert(1)</script>"
    counties = {
        "a": {"name_zh": evil, "name_en": evil, "people": 1},
        "b": {"name_zh": "b", "name_en": "b", "people": 2},
    }
    title = {"zh": evil, "en": evil}
    rules = [rule(at_most=9, per="county", title=title)]
    scenario = world(tmp_path, {"budget": 20, "rules": rules}, counties=counties)
    solution = solve(scenario, Options(repaired=False))
    made = record_files(solution, reports=reports_of(solution, lang))["report.html"].decode()
    assert evil not in made
    assert html.escape(evil) in made


def test_the_program_writes_a_page_of_a_record(record: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    words = ["report", str(record), "--lang", "en", "-o", str(file), "--county", "昭觉县"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Zhaojue County" in file.read_text(encoding="utf-8")


def test_a_record_that_was_changed_is_refused_by_name(record: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(record, copy)
    with (copy / "allocation.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    words = ["report", str(copy), "-o", str(tmp_path / "x.html")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "allocation.csv" in done.stderr
    assert not (tmp_path / "x.html").exists()


def need(program: str | None, name: str) -> None:
    """Skip without a program, but never in CI, which installs it."""
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing; .ci/run installs it")
        pytest.skip(f"{name} is not installed, so the page was not opened in it")


def chromium(profile: Path, *words: str) -> subprocess.CompletedProcess[str]:
    quiet = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}",
    ]  # fmt: skip
    assert CHROMIUM is not None
    return subprocess.run(
        [CHROMIUM, *quiet, *words], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_on_paper_every_county_stands_in_the_table_once(record: Path, tmp_path: Path) -> None:
    need(CHROMIUM, "chromium")
    need(shutil.which("pdftotext"), "pdftotext")
    pdf = tmp_path / "page.pdf"
    file = (record / "report.html").as_uri()
    chromium(tmp_path / "profile", "--no-pdf-header-footer", f"--print-to-pdf={pdf}", file)
    done = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True
    )
    lines = [re.sub(r"[◆●▲■\s]+", " ", line).strip() for line in done.stdout.splitlines()]
    for name in load(BASE).programme.counties.names("zh"):
        rows = [line for line in lines if re.fullmatch(rf"{name}( [+\d,.%\-]+){{9,}}", line)]
        assert len(rows) == 1, (name, rows)


SORT_AND_FIND = """
<script>
addEventListener("load", () => setTimeout(() => {
  const table = document.getElementById("county-table");
  const heads = [...table.tHead.rows[0].cells];
  heads[heads.length - 1].click();
  const tools = document.querySelector('[data-for="county-table"]');
  const find = tools.querySelector("[data-find]");
  find.value = "昭觉";
  find.dispatchEvent(new Event("input"));
  const seen = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  document.title = "seen " + seen.length + " " + seen[0].cells[0].textContent.trim() +
    " sorted " + heads[heads.length - 1].getAttribute("aria-sort") + " over " + wide;
}, 50));
</script>
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 500])
def test_sorting_and_finding_work_and_nothing_is_wider_than_the_window(
    record: Path, tmp_path: Path, width: int
) -> None:
    need(CHROMIUM, "chromium")
    page = (record / "report.html").read_text(encoding="utf-8")
    # The page's own policy would refuse the script of this test.
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    file = tmp_path / "tested.html"
    file.write_text(page.replace("</body>", SORT_AND_FIND + "</body>"), encoding="utf-8")
    done = chromium(
        tmp_path / "profile",
        f"--window-size={width},900",
        "--virtual-time-budget=3000",
        "--dump-dom",
        file.as_uri(),
    )
    title = re.search(r"<title>(seen [^<]*)</title>", done.stdout)
    assert title is not None, done.stderr[-500:]
    assert title[1] == "seen 1 昭觉县 ◆ sorted ascending over 0"
