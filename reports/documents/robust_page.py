"""What `allot robust` says: the table that is best over draws, beside others under the same."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from models.allocation import allocation_csv
from models.exact import exact_text
from models.files import csv_text
from models.metadata import read_labels
from optimizer.study.robust import BASELINE, PROPOSAL, ROBUST, Robust
from optimizer.study.uncertainty import INDEX
from reports.catalogue import Words
from reports.document import Document, Grid, Line, Paragraph, Part
from reports.numbers import amount_text, gap_text, percent, plain, signed
from reports.view.remarks import about
from reports.view.rule_view import RuleView

_TABLES = {
    ROBUST: "robust.table",
    PROPOSAL: "robust.own",
    BASELINE: "column.baseline",
}
_AIMS = {
    "expected": "robust.aim.expected",
    "cvar": "robust.aim.cvar",
    "regret": "robust.aim.regret",
    "chance": "robust.aim.chance",
    "budget": "robust.aim.budget",
}
_MOST_ROWS = 15


def robust_view(found: Robust) -> dict[str, Any]:
    """`robust --json`."""
    programme = found.scenario.programme
    return {
        "scenario": found.scenario.name,
        "aim": found.aim,
        "samples": len(found.samples),
        "asked": found.samples.asked,
        "status": found.status,
        "value": found.table.value,
        "bound": found.bound,
        "gap": found.gap,
        "alpha": found.alpha,
        "chances": found.chances,
        "tables": found.rows(),
        "perfect_information": found.perfect_information,
        "stochastic_gain": found.stochastic_gain,
        "checked": None if found.checked is None else found.checked.outcome_rows(),
        "checked_rules": None if found.checked is None else found.checked.rule_rows(),
        "allocation": [
            {"county": county, "task": task, "amount": Fraction(amount)}
            for county, row in zip(
                programme.counties.ids, found.allocation.amounts.tolist(), strict=True
            )
            for task, amount in zip(programme.tasks.ids, row, strict=True)
            if amount
        ],
    }


def robust_csv(found: Robust) -> dict[str, str]:
    """Name → text: the tables over the samples, and the money of the robust one."""
    rows = found.rows()
    cells = [[v if isinstance(v, str) else exact_text(v) for v in row.values()] for row in rows]
    return {
        "robust.csv": csv_text(list(rows[0]), cells),
        "robust-allocation.csv": allocation_csv(found.allocation, found.scenario.programme),
    }


def robust_page(found: Robust, words: Words) -> Document:
    """The aim and what is proved, the tables side by side, whose money is another, the check."""
    page = _RobustPage(found, words)
    parts: list[Part] = [Paragraph(text) for text in page.head()]
    parts.append(Paragraph(page.proved(), "strong"))
    parts += [*page.verdict(), page.tables(), *page.read(), *page.moved(), *page.check()]
    title = words("robust.title", scenario=found.scenario.spec.title.of(words.lang))
    return Document(title, tuple(parts), about=about(found.scenario, words))


class _RobustPage:
    """The parts of the page in one language."""

    def __init__(self, found: Robust, words: Words) -> None:
        self._found, self._words = found, words
        self._rules = RuleView(found.scenario, read_labels(found.scenario.programme), words)

    @property
    def _alpha(self) -> str:
        return f"{exact_text(100 * self._found.alpha)}%"

    def head(self) -> list[str]:
        """What is pushed, over what."""
        found, words = self._found, self._words
        told = {"alpha": self._alpha}
        said = [words(_AIMS[found.aim], **told)]
        if found.assumed is None:
            said.append(words("robust.cases", count=len(found.samples)))
        elif found.aim == "budget":
            said.append(words("robust.ends", count=len(found.samples) - 1))
        else:
            count = f"{len(found.samples):,}"
            said.append(words("robust.drawn", count=count, numbers=len(found.samples.numbers)))
            if len(found.samples) < found.samples.asked:
                said.append(words("robust.capped", asked=f"{found.samples.asked:,}", count=count))
        for rule, share in found.chances.items():
            told = {"rule": self._rules.title(rule), "share": percent(share, 1)}
            said.append(words("robust.chance", **told))
        return said

    def proved(self) -> str:
        """How good the table is, and by whose word."""
        found, words = self._found, self._words
        if found.gap is None:
            return words("robust.no-bound")
        key = "robust.optimal" if found.status == "optimal" else "robust.feasible"
        return words(key, gap=gap_text(found.gap))

    def tables(self) -> Grid:
        """A line a table."""
        found, words = self._found, self._words
        rows = found.rows()
        names = [name for name in rows[0] if name != "table"]
        heads = [self._head(name) for name in names]
        lines = []
        for row in rows:
            figures = (
                percent(row[name], 1) if name.startswith("kept: ") else plain(row[name], 4)
                for name in names
            )
            lines.append(Line((self.name(row["table"]), *figures)))
        return Grid(words("robust.tables"), ("", *heads), tuple(lines))

    def _head(self, name: str) -> str:
        if name.startswith("kept: "):
            return self._words("robust.kept", rule=self._rules.title(name.removeprefix("kept: ")))
        told = {"share": self._alpha} if name == "tail" else {}
        key = {
            "value": "robust.value",
            "mean": "robust.mean",
            "tail": "uncertainty.tail",
            "worst": "robust.worst",
            "regret": "robust.regret",
        }[name]
        return self._words(key, **told)

    def read(self) -> list[Paragraph]:
        """What the numbers say in a sentence or two."""
        found, words = self._found, self._words
        own = next(one for one in found.tables if one.name == PROPOSAL)
        gain = plain(found.table.value - own.value, 4)
        said = [words("robust.gain", gain=signed(gain))]
        if found.perfect_information is not None:
            worth = plain(max(found.perfect_information, Fraction(0)), 4)
            said.append(words("robust.perfect", worth=worth))
        return [Paragraph(text) for text in said]

    def moved(self) -> list[Part]:
        """Counties whose money is another than in the scenario's own best, most first."""
        found, words = self._found, self._words
        own = next(one for one in found.tables if one.name == PROPOSAL)
        programme = found.scenario.programme
        pairs = zip(found.allocation.amounts, own.allocation.amounts, strict=True)
        none = Fraction(0)
        sums = [(sum(map(Fraction, a), none), sum(map(Fraction, b), none)) for a, b in pairs]
        total = sum((abs(a - b) for a, b in sums), none) / 2
        money = programme.file.money.of(words.lang)
        said = words("robust.moved", moved=amount_text(total), money=money)
        if not total:
            return [Paragraph(said)]
        names = programme.counties.names(words.lang)
        ordered = sorted(range(len(sums)), key=lambda c: -abs(sums[c][0] - sums[c][1]))
        lines = [
            Line((names[c], amount_text(a), amount_text(b), signed(amount_text(a - b))))
            for c in ordered[:_MOST_ROWS]
            for a, b in (sums[c],)
            if a != b
        ]
        heads = ("robust.county", "robust.table", "robust.own", "robust.difference")
        return [
            Paragraph(said),
            Grid(words("robust.counties"), tuple(map(words, heads)), tuple(lines)),
        ]

    def check(self) -> list[Part]:
        """The tables under other draws of all numbers."""
        found, words = self._found.checked, self._words
        if found is None:
            return []
        count = f"{len(found.drawn):,}"
        lines = []
        for table in found.tables:
            index = next((one for one in table.spreads if one.name == INDEX), table.spreads[0])
            figures = (plain(Fraction(v), 4) for v in (index.low, index.median, index.tail))
            kept = percent(int(table.kept.sum()), len(found.drawn))
            lines.append(Line((self.name(table.name), *figures, kept)))
        low = self._alpha
        heads = (
            words("robust.low", share=low),
            words("uncertainty.median"),
            words("uncertainty.tail", share=low),
        )
        grid = Grid(
            words("robust.check", draws=count), ("", *heads, words("robust.all-kept")), tuple(lines)
        )
        return [grid, Paragraph(words("robust.only"))]

    def verdict(self) -> list[Paragraph]:
        """Whether what was chosen by some draws is better on others, too, of aims that are read
        there."""
        found = self._found
        if found.checked is None or found.aim not in ("expected", "cvar"):
            return []
        told = {}
        for table in found.checked.tables:
            index = next((one for one in table.spreads if one.name == INDEX), table.spreads[0])
            mean = float(index.values.mean())
            told[table.name] = mean if found.aim == "expected" else index.tail
        lead = Fraction(told[ROBUST]) - Fraction(told[PROPOSAL])
        if not lead:
            return []  # The best as assumed itself.
        key = "robust.holds" if lead > 0 else "robust.overfits"
        said = {"lead": signed(plain(lead, 4)), "draws": f"{len(found.checked.drawn):,}"}
        return [Paragraph(self._words(key, **said), "strong")]

    def name(self, table: str) -> str:
        """What a table is called."""
        return self._words(_TABLES[table]) if table in _TABLES else table
