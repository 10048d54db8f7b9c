"""Pages for tests: solutions put together by hand, and the tables of a page as lists of text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

from models.record import PAGE, Reports, record_files, write_files
from models.record.manifest import Manifest
from models.scenario import Scenario, load
from models.solution import Solution
from optimizer.baselines import baseline
from reports.html.page import report_html
from tests.by_hand import by_hand, compared

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "scenarios" / "base-2020.yaml"


def base_solution(*set_: str) -> Solution:
    """The shipped scenario with tables by formula in all three columns: breaks some rules."""
    scenario = load(BASE, set_=set_)
    greedy, factor, equal = (
        baseline(scenario, kind=kind).amounts.tolist() for kind in ("greedy", "factor", "equal")
    )
    return by_hand(scenario, greedy, factor, repaired=compared(scenario, equal), bound_solver=None)


def kept(solution: Solution, folder: Path, lang: str = "zh") -> Path:
    """A record of a solution that holds its page in one language."""

    def draw(manifest: Manifest) -> dict[str, bytes]:
        return {PAGE: report_html(solution, manifest, lang)}

    write_files(folder, record_files(solution, "甲", "示例", Reports(lang, draw)))
    return folder


def page_of(solution: Solution, lang: str = "zh", named: Sequence[str] = ()) -> str:
    """The page of a solution."""
    made: list[bytes] = []

    def draw(manifest: Manifest) -> dict[str, bytes]:
        dated = manifest.model_copy(update={"created": "2020-05-13T08:00:00Z"})
        made.append(report_html(solution, dated, lang, named))
        return {}

    record_files(solution, reports=Reports(lang, draw))
    return made[0].decode()


def small_page(scenario: Scenario, rows: Sequence[Sequence[int]], lang: str = "zh") -> str:
    """The page of a small world, compared with a table that is empty but for one cell."""
    before = [[0 for _ in row] for row in rows]
    before[0][0] = 1
    return page_of(by_hand(scenario, rows, before), lang)


class Page(HTMLParser):
    """The elements of a page, and its tables row by row.

    Rows and cells may lack an end, as HTML lets them.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.tables: list[Table] = []
        self._open: list[Table] = []
        self.feed(text)

    def table(self, name: str) -> Table:
        """The table of an id or of a class."""
        return next(table for table in self.tables if name in table.names)

    def ways_out(self) -> list[str]:
        """Addresses of other places, whatever would load one, and what evades the policy."""
        found = re.findall(r"https?://|//[a-z]+\.|@import|url\(", self.text)
        for tag, given in self.elements:
            found += [f"{tag} {key}" for key in ("src", "style", "onclick") if key in given]
            if not given.get("href", "#").startswith("#"):
                found.append(f"{tag} href={given['href']}")
        return found

    def policy(self) -> list[str]:
        """The parts of the policy that the page gives itself."""
        return next(g["content"] for _, g in self.elements if "http-equiv" in g).split("; ")

    def own_policy(self) -> list[str]:
        """The policy that allows the page's one script and one style, and nothing else."""
        allowed = ["default-src 'none'"]
        for tag in ("script", "style"):
            (own,) = re.findall(f"<{tag}>(.*?)</{tag}>", self.text, re.S)
            digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
            allowed.append(f"{tag}-src 'sha256-{digest}'")
        return allowed

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.elements.append((tag, given))
        if tag == "table":
            names = {given.get("id", ""), *given.get("class", "").split()}
            self._open.append(Table(names))
            self.tables.append(self._open[-1])
        elif self._open and tag == "tr":
            self._open[-1].rows.append(Row(given))
        elif self._open and tag in ("td", "th"):
            self._open[-1].rows[-1].cells.append("")
        elif tag in ("br", "p", "small"):
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for table in self._open:
            if table.rows and table.rows[-1].cells:
                table.rows[-1].cells[-1] += data


class Row:
    """One row: its attributes and the text of its cells."""

    def __init__(self, given: dict[str, str]) -> None:
        self.kind = given.get("class", "")
        self.cells: list[str] = []

    @property
    def text(self) -> list[str]:
        """The cells with their blanks tidied."""
        return [" ".join(cell.split()) for cell in self.cells]


class Table:
    """One table."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.rows: list[Row] = []

    def of(self, kind: str) -> list[Row]:
        """The rows of a class."""
        return [row for row in self.rows if kind in row.kind.split()]
