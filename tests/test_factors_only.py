"""A fund without metrics: the factor method under rules, and nothing said of what it has not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
import yaml
from click.testing import CliRunner, Result

import cli
from models.aim import Push
from models.errors import InputError
from models.record.scenario_files import resolved_files
from models.scenario import Scenario, load
from optimizer.decision import solve
from optimizer.strategies.ordered import Lexicographic, Posed
from reports.catalogue import Words
from reports.excel.fund_book import fund_workbook
from tests.worlds import rule, write_world, write_yaml

COUNTIES = {
    "01": {"name_zh": "甲县", "name_en": "Alpha", "heads": 30},
    "02": {"name_zh": "乙县", "name_en": "Beta", "heads": 20},
    "03": {"name_zh": "丙县", "name_en": "Gamma", "heads": 50},
}
TITLE = {"zh": "封顶", "en": "Cap"}
SILENT = {
    "zh": ("绩效指标", "综合指数", "证明表", "效益分档", "最高可能值（证明表", "区域绩效目标"),
    "en": ("Target", "Index", "ertificate", "tier", "Metric", "Outcomes"),
}
"""What a page of such a fund never says."""


def written(folder: Path, **scenario: object) -> Path:
    """Factor amounts 30, 20, 50 of one task; no county above 40."""
    cap = rule(id="cap", title=TITLE, per=["county"], at_most=40)
    body = {"title": {"zh": "试", "en": "Trial"}, "budget": 100, "rules": [cap], **scenario}
    factors = [{"weight": 1, "columns": ["heads"]}]
    programme = {"baseline": {"kind": "factor", "factors": factors}}
    path = write_world(
        folder, body, counties=COUNTIES, tasks={"road": {}}, programme=programme, tiers=[]
    )
    file, table = folder / "world" / "programme.yaml", folder / "world" / "tiers.csv"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    labels = {"columns": {"county": {"zh": "县", "en": "county"}}}
    write_yaml(folder / "world" / "labels.yaml", labels)
    kept = {key: value for key, value in content.items() if key not in ("metrics", "tiers")}
    names = {
        "title": {"zh": "试点资金", "en": "Trial fund"},
        "money": {"zh": "万元", "en": "coins"},
    }
    write_yaml(file, kept | names)
    tasks = [{"id": "road", "title": {"zh": "修路", "en": "Roads"}, "columns": {}}]
    write_yaml(folder / "world" / "tasks.yaml", tasks)
    table.unlink()
    plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "objective" not in scenario:
        del plain["objective"]
    write_yaml(path, plain)
    return path


@pytest.fixture
def fund(tmp_path: Path) -> Scenario:
    return load(written(tmp_path))


def run(*args: object) -> Result:
    return CliRunner().invoke(cli.allot, [str(one) for one in args])


def test_what_the_relaxation_closes_is_not_searched(
    fund: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That all the money can go is shown by the lawful table nearest to the factor amounts."""
    searched: list[int] = []
    found = Lexicographic.found

    def watched(self: Lexicographic, push: Push, posed: Posed) -> Any:
        searched.append(push.number)
        return found(self, push, posed)

    small = solve(fund)
    monkeypatch.setattr("optimizer.strategies.ordered.DIRECT_CELLS", 0)
    monkeypatch.setattr(Lexicographic, "found", watched)
    large = solve(fund)
    assert set(searched) == {1}
    told = [(one.push.stage, one.value) for one in small.aims]
    assert [(one.push.stage, one.value) for one in large.aims] == told
    assert large.aims[0].closed


def test_it_gets_the_nearest_lawful_table_with_all_the_money(fund: Scenario) -> None:
    """Gamma's 50 come down to its cap of 40; the 10 go where least is moved: 20 moved in all."""
    solution = solve(fund)
    spent = [int(row[0]) for row in solution.allocation.amounts]
    assert sum(spent) == 100
    assert spent[2] == 40
    assert sum(abs(one - due) for one, due in zip(spent, (30, 20, 50), strict=True)) == 20
    assert solution.status == "optimal"
    assert solution.audit.broken_rules == ()
    assert (solution.certificate, solution.prices) == (None, ())


def test_it_may_push_an_aim_of_its_own(tmp_path: Path) -> None:
    """Nearest alone takes the 10 away and leaves them unspent."""
    path = written(tmp_path, objective=[{"nearest": "baseline"}])
    assert solve(load(path)).audit.spent == 90


@pytest.mark.parametrize("key", ["tiers", "response"])
def test_tiers_without_metrics_are_refused(tmp_path: Path, key: str) -> None:
    path = written(tmp_path)
    file = tmp_path / "world" / "programme.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}{key}: x.csv\n", encoding="utf-8")
    with pytest.raises(InputError, match="go with metrics"):
        load(path)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_sheet_page_or_line_says_what_it_has_not(tmp_path: Path, lang: str) -> None:
    path, record = written(tmp_path), tmp_path / "record"
    said = run("solve", path, "-o", record, "--lang", lang)
    assert said.exit_code == 0, said.output
    table = record / "allocation.csv"
    told = [said.output, run("check", path, table, "--lang", lang).output]
    told += [
        run("compare", path, "baseline:factor", "-o", tmp_path / "both", "--lang", lang).output
    ]
    told += [run("mend", path, "baseline", "--lang", lang).output]
    told += [plain(record / "report.html"), plain(tmp_path / "both" / "compare.html")]
    told += [cells(record / "workbook.xlsx"), cells(tmp_path / "both" / "compare.xlsx")]
    for text in told:
        assert "Traceback" not in text
        found = [word for word in SILENT[lang] if word in text]
        assert not found, (found, text[:300])
    assert run("verify", record).exit_code == 0
    assert run("reproduce", record).exit_code == 0


def plain(page: Path) -> str:
    """What a page says to its reader."""
    text = re.sub(r"(?s)<(style|script).*?</\1>", "", page.read_text(encoding="utf-8"))
    return re.sub(r"<[^>]+>", " ", text)


def cells(book: Path) -> str:
    file = openpyxl.load_workbook(book)
    shown = [sheet for sheet in file.worksheets if sheet.sheet_state == "visible"]
    texts = [sheet.title for sheet in shown]
    for sheet in shown:
        texts += [str(c) for row in sheet.iter_rows(values_only=True) for c in row if c is not None]
    return "\n".join(texts)


def test_its_papers_are_made_and_promise_nothing(tmp_path: Path) -> None:
    path, record = written(tmp_path), tmp_path / "record"
    assert run("solve", path, "-o", record, "-q").exit_code == 0
    done = run("papers", record, "-o", tmp_path / "papers")
    assert done.exit_code == 0, done.output
    plan = docx.Document(str(tmp_path / "papers" / "资金分配方案.docx"))
    text = "\n".join(one.text for one in plan.paragraphs)
    assert "以安排资金尽量多" in text
    assert "按本建议安排数测算" not in text


def test_it_goes_to_a_workbook_and_back(fund: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "fund.xlsx"
    path.write_bytes(fund_workbook(fund, Words("zh")))
    assert resolved_files(load(path)) == resolved_files(fund)
    assert "分档" not in openpyxl.load_workbook(path).sheetnames
    assert run("solve", path, "--json").exit_code == 0
