"""What every output of a comparison needs: names of columns, places and marks in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from models.exact import exact_text, parse_exact
from models.labels import read_labels, value_name
from models.select import rows_where
from models.sentences import verdict_word
from optimizer.compare import Column, Compared
from optimizer.compare.rows import RuleRow, groups, held_by
from optimizer.compare.ties import Mark
from reports.numbers import gap_text, plain
from reports.page.sheet import amount_text, upper
from reports.readings import grounds_of
from reports.rule_table import Desk
from reports.words import Words

_KINDS = {
    "baseline:own": "column.baseline",
    "baseline:repaired": "column.repaired",
    "baseline:factor": "compare.baseline.factor",
    "baseline:equal": "compare.baseline.equal",
    "baseline:per-resident": "compare.baseline.per-resident",
    "baseline:greedy": "compare.baseline.greedy",
}
_STATUS = {
    "optimal": "study.status.optimal",
    "feasible": "study.status.feasible",
    "infeasible": "study.status.infeasible",
    "no answer": "study.status.no answer",
    "given": "compare.status.given",
}
_STATES = {
    "silent": "rule.no-group",
    "off": "compare.state.off",
    "absent": "compare.state.absent",
    "unknown": "compare.state.unknown",
}
_MARKS: dict[Mark, tuple[str, str]] = {
    "tie": ("=", "compare.mark.tie"),
    "gap": ("~", "compare.mark.gap"),
    "open": ("?", "compare.mark.open"),
    "unweighed": ("°", "compare.mark.unweighed"),
}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Board:
    """A comparison in one language."""

    compared: Compared
    words: Words

    @property
    def lang(self) -> str:
        return self.words.lang

    @property
    def money(self) -> str:
        """What a money unit is called."""
        return self.compared.world.programme.file.money.of(self.lang)

    def letter(self, column: Column) -> str:
        """A, B, C …: how tables call a column; from the 27th on its number."""
        at = self.compared.columns.index(column)
        return _LETTERS[at] if at < len(_LETTERS) else str(at + 1)

    def title(self, column: Column) -> str:
        """What a column is called: the scenario's title, the kind of a baseline, a file's name."""
        if column.kind in ("baseline", "repaired"):
            key = column.name.split(" (")[0]
            return self.words(_KINDS[key])
        if column.kind == "table":
            return column.name
        return self._scenario_title(column)

    def _scenario_title(self, column: Column) -> str:
        """The part of the title that tells it from the others of the same scenario."""
        title = column.scenario.spec.title.of(self.lang)
        if self.is_free(column):
            return self.words("compare.free", title=title)
        tops = [one.scenario.spec.title.of(self.lang) + " · " for one in self.compared.columns]
        shared = [top for top in tops if title.startswith(top)]
        return title[len(max(shared, key=len)) :] if shared else title

    def line(self, column: Column) -> str:
        """One line that introduces a column: letter, title, name, status."""
        name = self.name(column)
        return self.words(
            "compare.column" if name else "compare.column.plain",
            letter=self.letter(column),
            title=self.title(column),
            name=name,
            status=self.status(column),
        )

    def name(self, column: Column) -> str:
        """What it was asked for by; '' where that is its title."""
        if column.kind == "record":
            return self.words("compare.record", name=column.name)
        return "" if column.kind == "table" else column.name

    def is_free(self, column: Column) -> bool:
        """Whether it is the scenario of the ready set in which no rule is in force."""
        return not column.scenario.rules and column.name.endswith(" without rules")

    def heads(self) -> list[str]:
        """Letter and title of each column."""
        return [f"{self.letter(one)} {self.title(one)}" for one in self.compared.columns]

    def status(self, column: Column) -> str:
        """Its status in words, with the gap where one is proven."""
        said = self.words(_STATUS[column.status])
        if column.reads is None or column.solution is None:
            return said
        if column.gap is None:
            return self.words("compare.status.unbounded", status=said)
        return self.words("compare.status.gap", status=said, gap=gap_text(column.gap))

    def why(self, column: Column) -> list[str]:
        """Why a column has no allocation, and what would have to give way."""
        if column.reads is not None:
            return []
        key = "compare.infeasible" if column.status == "infeasible" else "compare.no-answer"
        return [self.words(key), *(way.text[self.lang] for way in column.giving_way)]

    def mark(self, mark: Mark) -> str:
        """The sign of a mark; '' for a finding."""
        return _MARKS[mark][0] if mark else ""

    def legend(self, marks: Sequence[Mark]) -> list[str]:
        """What the signs in use mean."""
        return [
            self.words("compare.legend", sign=sign, meaning=self.words(key))
            for mark, (sign, key) in _MARKS.items()
            if mark in marks
        ]

    @cached_property
    def _desks(self) -> dict[str, Desk]:
        return {
            one.name: Desk(one.scenario, read_labels(one.scenario.programme), self.words)
            for one in self.compared.columns
        }

    def desk(self, column: Column) -> Desk:
        """Titles and numbers of a column's own rules."""
        return self._desks[column.name]

    def rule_title(self, rule: str) -> str:
        """The title of a rule, by the first column that has it."""
        for column in (self.compared.reference, *self.compared.columns):
            title = self.desk(column).title(rule)
            if title != rule:
                return title
        return rule

    def rule_sentence(self, rule: str) -> str:
        """What a rule asks for in the reference, else in the first column that has it."""
        for column in (self.compared.reference, *self.compared.columns):
            if said := self.desk(column).sentence(rule):
                return said
        return ""

    def rule_state(self, row: RuleRow) -> str:
        """Its state in one or two words: met, not met, binding, switched off."""
        if row.state in _STATES:
            return self.words(_STATES[row.state])
        if row.state == "kept" and row.binding:
            return self.words("compare.state.binding")
        scenario = self.compared.column(row.column).scenario
        state = row.state if row.state in ("kept", "broken", "bent") else None
        return verdict_word(grounds_of(scenario, row.rule), state, self.lang)

    def slack(self, row: RuleRow) -> str:
        """Room left at the tightest limit, in the rule's own unit; '' where nothing was read."""
        if row.tightest is None:
            return ""
        return self.desk(self.compared.column(row.column)).slack(row.tightest)

    def county(self, at: int) -> str:
        """What a county of the common grid is called."""
        return self.compared.world.counties[at].name.of(self.lang)

    def task(self, at: int) -> str:
        """The short name of a task."""
        return self.compared.world.task_names[at].of(self.lang)

    def groups(self, level: int) -> dict[str, list[int]]:
        """Name of each group of the `level`-th grouping → positions of its counties."""
        world = self.compared.world
        column = world.groupings[level]
        found = {}
        for value, members in groups(world, level).items():
            name = value_name(world.programme, world.labels, (column, value), self.lang)
            found[upper(name) or "-"] = members
        return found

    def grouping(self, level: int) -> str:
        """What the column of a grouping is called."""
        world = self.compared.world
        return upper(world.labels.column(world.groupings[level], self.lang))

    def highlights(self) -> list[tuple[str, list[Fraction | None]]]:
        """(title, share of the money in each column) of the highlighted groups."""
        found = []
        for group in self.compared.world.labels.highlight:
            shares = [self._share(one, group.where) for one in self.compared.columns]
            found.append((upper(group.title.of(self.lang)), shares))
        return found

    def _share(self, column: Column, where: object) -> Fraction | None:
        programme = column.scenario.programme
        if column.reads is None or not self.compared.world.is_whole(programme):
            return None
        assert isinstance(where, dict)
        rows = rows_where(programme.counties, where)
        tasks = rows_where(programme.tasks, where)
        amounts = column.reads.allocation.amounts
        inside = Fraction(sum(amounts.ravel().tolist()))
        part = Fraction(sum(amounts[r, t] for r in rows for t in tasks))
        return part / inside if inside else None

    def binding(self, column: Column) -> tuple[list[str], dict[str, list[str]]]:
        """(rules that bind for the whole grid, county's code → what binds or breaks for it)."""
        desk = self.desk(column)
        wide: list[str] = []
        found: dict[str, list[str]] = {}
        every = len(column.scenario.programme.counties)
        for held in held_by(column):
            sign = "" if held.finding.state == "kept" else self.words("compare.held.broken")
            said = desk.title(held.finding.rule) + sign
            group = [v for name, v in held.finding.key if name not in ("county",)]
            if not held.counties or len(held.counties) == every:
                wide.append(said)
                continue
            if group and len(held.counties) < every:
                said = self.words("compare.held.place", rule=said, place=desk.group(held.finding))
            for code in held.counties:
                found.setdefault(code, []).append(said)
        return list(dict.fromkeys(wide)), {c: list(dict.fromkeys(v)) for c, v in found.items()}

    def input_value(self, text: str) -> str:
        """What stands at a path of the inputs, short enough for a table."""
        if text in ("", "+"):
            key = "compare.input.none" if not text else "compare.input.there"
            return self.words(key)
        try:
            return exact_text(parse_exact(text))
        except ValueError:
            return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"


_MOST_TEXT = 60


def signed(number: Fraction | None, places: int | None = None) -> str:
    """A difference with its sign: money without `places`, else so many decimals."""
    if number is None:
        return "-"
    text = amount_text(number) if places is None else plain(number, places)
    nothing = not text.strip("-0.,")
    return "0" if nothing else ("+" if number > 0 else "") + text


def lower(text: str) -> str:
    """`text` with its first letter in lower case, as it stands within a sentence."""
    return text[:1].lower() + text[1:]
