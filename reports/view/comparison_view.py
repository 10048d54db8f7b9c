"""A comparison as pages, workbook and terminal read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from models.exact import exact_text, parse_exact
from models.finding import STATES
from models.metadata import read_labels, value_name
from models.programme import Metric
from models.rule import STEP, WHOLE_UNITS
from models.selection import rows_where
from models.sentences import verdict_word
from optimizer.compare import Column, Compared
from optimizer.compare.input_diff import InputRow
from optimizer.compare.rows import OutcomeRow, RuleRow, groups, held_by
from optimizer.compare.significance import Mark
from reports.catalogue import Words
from reports.numbers import gap_text, plain, signed, upper
from reports.view.allocation_view import calibration_of, grounds_of, unread_rules
from reports.view.remarks import STATUSES, breaks_which, index_line, not_searched
from reports.view.rule_view import RuleView, change_text, place_text

# What every output of a comparison needs: names of columns, places and marks in one language.


BASELINES = {
    "own": "column.baseline",
    "repaired": "column.repaired",
    "factor": "compare.baseline.factor",
    "equal": "compare.baseline.equal",
    "per-resident": "compare.baseline.per-resident",
    "greedy": "compare.baseline.greedy",
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
_GAPS = {"proved": "compare.status.proved", "solver": "compare.status.solver"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class ComparisonView:
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
        if column.baseline:
            return self.words(BASELINES[column.baseline])
        if column.kind == "table":
            return column.name
        return self._scenario_title(column)

    def _scenario_title(self, column: Column) -> str:
        """The part of the title that tells it from the others of the same scenario."""
        title = column.scenario.spec.title.of(self.lang)
        if column.is_free:
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

    def changes(self, column: Column) -> list[str]:
        """Every override and every `--set` that was laid over a column's scenario, in words; what
        the column's name says already is left out."""
        if column.is_free or column.kind in ("baseline", "repaired", "table"):
            return []
        view, listed = self.rule_view(column), list(column.scenario.changes)
        named = column.scenario.name.partition("@")[2]
        if listed and listed[0] == named:
            listed = listed[1:]
        return [change_text(view, change) for change in listed]

    def heads(self) -> list[str]:
        """Letter and title of each column."""
        return [f"{self.letter(one)} {self.title(one)}" for one in self.compared.columns]

    def status(self, column: Column) -> str:
        """Its status in words, with the gap where one is proven."""
        said = self.words(STATUSES[column.status])
        if column.reads is None or column.solution is None:
            return said
        if (way := not_searched(column.solution)) is not None:
            return self.words(way[0])
        if column.gap is None:
            return self.words("compare.status.unbounded", status=said)
        key = _GAPS[column.solution.source or "solver"]
        return self.words(key, status=said, gap=gap_text(column.gap))

    def why(self, column: Column) -> list[str]:
        """Why a column has no allocation, and what would have to give way."""
        if column.reads is not None:
            return []
        key = "compare.infeasible" if column.status == "infeasible" else "compare.no-answer"
        return [self.words(key), *(reason[self.lang] for reason in column.reasons)]

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
    def _rule_views(self) -> dict[str, RuleView]:
        return {
            one.name: RuleView(one.scenario, read_labels(one.scenario.programme), self.words)
            for one in self.compared.columns
        }

    def rule_view(self, column: Column) -> RuleView:
        """Titles and numbers of a column's own rules."""
        return self._rule_views[column.name]

    def rule_title(self, rule: str) -> str:
        """The title of a rule, by the first column that has it."""
        for column in (self.compared.reference, *self.compared.columns):
            title = self.rule_view(column).title(rule)
            if title != rule:
                return title
        return rule

    def rule_sentence(self, rule: str) -> str:
        """What a rule asks for in the reference, else in the first column that has it."""
        for column in (self.compared.reference, *self.compared.columns):
            if said := self.rule_view(column).sentence(rule):
                return said
        return ""

    def rule_state(self, row: RuleRow) -> str:
        """Its state in one or two words: met, not met, binding, switched off."""
        if row.state in _STATES:
            return self.words(_STATES[row.state])
        if row.state == "kept" and row.binding:
            return self.words("compare.state.binding")
        if row.state == "kept" and row.near:
            return self.words("compare.state.near")
        scenario = self.compared.column(row.column).scenario
        state = row.state if row.state in STATES else None
        return verdict_word(grounds_of(scenario, row.rule), state, self.lang)

    def slack(self, row: RuleRow) -> str:
        """Room left at the tightest limit, in the rule's own unit; '' where nothing was read."""
        if row.tightest is None:
            return ""
        return self.rule_view(self.compared.column(row.column)).slack(row.tightest)

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
        rule_view = self.rule_view(column)
        wide: list[str] = []
        found: dict[str, list[str]] = {}
        every = len(column.scenario.programme.counties)
        for held in held_by(column):
            sign = "" if held.finding.slack >= 0 else self.words("compare.held.broken")
            said = rule_view.title(held.finding.rule) + sign
            group = [v for name, v in held.finding.key if name not in ("county",)]
            if not held.counties or len(held.counties) == every:
                wide.append(said)
                continue
            if group and len(held.counties) < every:
                said = self.words(
                    "compare.held.place", rule=said, place=rule_view.group(held.finding)
                )
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


# What several outputs of a comparison say: remarks, differences with their marks, inputs.


NO_ROOM = (WHOLE_UNITS, STEP, "eligibility", "locks")
"""Reserved findings that never leave room: shown where broken."""


def marks_in_use(view: ComparisonView) -> list[Mark]:
    """The marks that some number bears."""
    compared = view.compared
    moved = [row.mark for row in compared.moved_rows]
    return [*(row.mark for row in compared.outcome_rows), *moved]


def remarks(view: ComparisonView) -> list[str]:
    """Sentences on what is shared, what is another response, and what is no finding."""
    words, compared = view.words, view.compared
    found = [*_calibrations(view), *_alarms(view)]
    for row in compared.world.apart:
        column = compared.column(row.column)
        found.append(
            words(
                _APART[row.what],
                letter=view.letter(column),
                here=_few(view, row.only_here),
                there=_few(view, row.only_in_reference),
            )
        )
    others = [one for one in compared.others if compared.has_other_response(one)]
    whole = [one for one in others if one.reads is not None and one.reads.under_reference]
    if whole:
        letters = _letters(view, [view.letter(one) for one in whole])
        reference = view.letter(compared.reference)
        found.append(words("compare.other-response", letters=letters, reference=reference))
    has_metrics = bool(compared.world.metrics)
    for mark, key in (("tie", "compare.note.tie"), ("gap", "compare.note.gap")):
        like = [view.letter(one) for one in compared.others if compared.marks[one.name] == mark]
        like = like if has_metrics else []
        if like:
            reference = view.letter(compared.reference)
            found.append(words(key, letters=_letters(view, like), reference=reference))
    if has_metrics and any(one.is_searched for one in compared.columns):
        found.append(words("compare.note.single"))
    found += filter(None, [index_line(view.rule_view(compared.reference))])
    for one in compared.columns:
        if one.reads is not None and one.reads.audit.broken_rules:
            found.append(breaks_which(view.rule_view(one), view.letter(one), one.reads.audit))
    return found


def _calibrations(view: ComparisonView) -> list[str]:
    """What each calibration in use says of itself, with the columns that use it."""
    columns: dict[str, list[str]] = {}
    for one in view.compared.columns:
        chosen = calibration_of(one.scenario)
        if chosen is not None and chosen.note is not None:
            columns.setdefault(chosen.note.of(view.lang), []).append(view.letter(one))
    if len(columns) == 1 and len(next(iter(columns.values()))) == len(view.compared.columns):
        return list(columns)
    return [
        view.words("compare.of", letters=_letters(view, letters), text=note)
        for note, letters in columns.items()
    ]


def _letters(view: ComparisonView, letters: Sequence[str]) -> str:
    return view.words("compare.letters").join(letters)


def _alarms(view: ComparisonView) -> list[str]:
    """Columns whose rules are broken, or in use without anybody having read their clause."""
    found = []
    for one in view.compared.columns:
        broken = one.reads.audit.broken_rules if one.reads else ()
        for key, names in (("draft.broken", broken), ("draft.unread", unread_rules(one.scenario))):
            if names:
                titles = _few(view, [view.rule_title(name) for name in names])
                said = view.words(key, count=len(names), titles=titles)
                found.append(view.words("compare.of", letters=view.letter(one), text=said))
    return found


_APART = {
    "counties": "compare.apart.counties",
    "tasks": "compare.apart.tasks",
    "metrics": "compare.apart.metrics",
    "units": "compare.apart.units",
}


def _few(view: ComparisonView, names: Sequence[str]) -> str:
    if not names:
        return view.words("none")
    shown = view.words("list").join(names[:_FEW])
    rest = len(names) - _FEW
    return view.words("and-more", titles=shown, count=rest) if rest > 0 else shown


_FEW = 5


def difference_text(view: ComparisonView, row: OutcomeRow) -> str:
    """The difference of one metric as it is to be read: by one response, with its mark."""
    metric = next(one for one in view.compared.world.metrics if one.id == row.metric)
    less = shown_difference(metric, row)
    if less is None:
        return "-"
    sign = view.mark(row.mark)
    text = signed(plain(less, 0 if metric.whole else 1))
    return f"{text}{' ' + sign if sign else ''}"


def shown_difference(metric: Metric, row: OutcomeRow) -> Fraction | None:
    """How much more than in the reference, by one response: of people and firms, whole ones as they
    are shown."""
    own = row.by_reference if row.difference_by_reference is not None else row.value
    if row.difference is None or own is None or row.reference is None:
        return None
    return metric.shown(own) - metric.shown(row.reference)


def input_matrix(view: ComparisonView) -> list[tuple[str, list[str]]]:
    """(place in words, what stands there in each column) of every difference that is no wording."""
    compared = view.compared
    rows: dict[str, dict[str, InputRow]] = {}
    for row in compared.input_rows:
        if row.sort != "wording":
            rows.setdefault(view.words.told(row.path), {})[row.column] = row
    found = []
    for path, by_column in rows.items():
        before = next(iter(by_column.values())).reference
        cells = [
            view.input_value(by_column[one.name].value if one.name in by_column else before)
            for one in compared.columns
        ]
        said = place_text(view.rule_view(compared.reference), path, view.rule_title)
        found.append((said, cells))
    return found
