"""A rule as one row of a sheet: its fields in words, and words back as fields.

Only what was changed in a row is laid over the full text that stands beside it, so that a row as
it was written changes nothing, whatever the form of its rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import did_you_mean
from models.exact import parse_exact
from models.metadata import Labels
from models.naming import Naming
from models.programme import Programme
from models.rule import BASELINE, SENSES
from models.table import Table
from models.workbook.fund_cells import plain
from models.workbook.fund_words import (
    BASIS,
    EACH,
    MEASURES,
    NOT,
    OF,
    PER,
    SEE_FULL,
    YES_NO,
    Said,
    meant,
    word,
)
from models.workbook.sheet_table import number_text

Row = dict[str, str]
"""Column of the sheet of rules → what stands there."""
_AND, _LIST = ("；", "; "), ("、", ", ")
"""Between conditions, and between names, in Chinese and in English; either is read."""
_COMPARED = re.compile(r"(.+?)\s*(≥|≤|>=|<=|＝|=)\s*(.+)")
_BOUND = ("at_least", "at_most", "equal", "share", "times")
_PLACES = ("county", "area", "task")


@dataclass(frozen=True)
class WordedRules:
    """Rules of one programme in the words of one language."""

    programme: Programme
    labels: Labels
    lang: str

    @property
    def naming(self) -> Naming:
        return Naming.of(self.programme)

    @property
    def area(self) -> str | None:
        """The column of counties that has a column of its own in the sheet."""
        return self.labels.group_by

    def row(self, rule: Mapping[str, Any]) -> Row:
        """A rule, as a document writes it, in words; empty for what it does not say."""
        clause = rule.get("clause") or {}
        where, basis = rule.get("where") or {}, str(rule.get("basis"))
        confirmed = rule.get("confirmed") or {}
        texts = {
            "id": str(rule.get("id", "")),
            "title": self.text(rule.get("title")),
            "enabled": self.flag(str(rule.get("enabled", "true"))),
            "measure": self.measure(str(rule.get("measure", ""))),
            "per": self.per(rule.get("per")),
            **{place: self.conditions(self.mine(where, place)) for place in _PLACES},
            "per_head": self.column(str(rule.get("per_head") or "")),
            "within": plain(rule.get("within")),
            "basis": word(BASIS[basis], self.lang) if basis in BASIS else "",
            "document": str(clause.get("document", "")),
            "article": str(clause.get("article", "")),
            "source": self.text(rule.get("number_from")),
            "reason": self.text(rule.get("reason")),
            **{column: str(confirmed.get(key) or "") for column, key in _CONFIRMED.items()},
            **self.bound(rule),
        }
        return {key: text.strip() for key, text in texts.items()}

    def text(self, value: Any) -> str:
        if isinstance(value, Mapping):
            return str(value.get(self.lang) or "")
        return str(value or "")

    def flag(self, value: str) -> str:
        return word(YES_NO[value != "true"], self.lang)

    def measure(self, name: str) -> str:
        if name in MEASURES:
            return word(MEASURES[name], self.lang)
        titles = {one.id: one.title.of(self.lang) for one in self.programme.file.metrics}
        return titles.get(name, name)

    def column(self, name: str) -> str:
        return self.labels.column(name, self.lang) if name else ""

    def per(self, per: Any) -> str:
        columns = tuple([per] if isinstance(per, str) else per or ())
        if columns in PER:
            return word(PER[columns], self.lang)
        return word(_LIST, self.lang).join(word(EACH, self.lang) + self.column(n) for n in columns)

    def mine(self, where: Mapping[str, Any], place: str) -> dict[str, Any]:
        """The conditions that stand in one column of the sheet."""
        return {name: cond for name, cond in where.items() if self.place(name) == place}

    def place(self, column: str) -> str:
        if column == self.area:
            return "area"
        return "task" if self.programme.tasks.kind(column) else "county"

    def conditions(self, where: Mapping[str, Any]) -> str:
        return word(_AND, self.lang).join(
            part for name in where for part in self.condition(name, where[name])
        )

    def condition(self, column: str, cond: Any) -> Iterator[str]:
        label = self.column(column)
        if isinstance(cond, Mapping):
            signs = {"min": "≥", "max": "≤"}
            yield from (f"{label}{signs[end]}{cond[end]}" for end in signs if end in cond)
            return
        values = [str(one) for one in (cond if isinstance(cond, list) else [cond])]
        if self.kind(column) == "boolean" and len(values) == 1:
            yield ("" if values[0] in ("true", "1") else word(NOT, self.lang)) + label
            return
        listed = word(_LIST, self.lang).join(self.value(column, value) for value in values)
        yield listed if column in ("county", "task", self.area) else f"{label}＝{listed}"

    def kind(self, column: str) -> str | None:
        return self.programme.counties.kind(column) or self.programme.tasks.kind(column)

    def value(self, column: str, value: str) -> str:
        """A value in words; as it is written where the words could mean another."""
        if column == "county":
            said = _name(self.programme.counties, value, self.lang)
        elif column == "task":
            at = self.programme.tasks.index.get(value)
            said = value if at is None else self.programme.task_names(self.lang)[at]
        else:
            said = self.labels.value(column, value, self.lang) or value
        return said if self.naming.names(column).get(said, ()) in ((), (value,)) else value

    def bound(self, rule: Mapping[str, Any]) -> Row:
        """The cells of a bound of one part; `see full text` under its sense for another."""
        sense = next((one for one in SENSES if rule.get(one) is not None), None)
        if sense is None:
            return {}
        parts = rule[sense] if isinstance(rule[sense], list) else [rule[sense]]
        plain = self.part(rule, parts[0]) if len(parts) == 1 else None
        if plain is None:
            return {sense: word(SEE_FULL, self.lang)}
        number, *more = plain
        return {sense: number, **dict(more)}

    def part(self, rule: Mapping[str, Any], part: Any) -> tuple[Any, ...] | None:
        """(number,) or (number, (share or times, of what)), in words; None where they fail."""
        if isinstance(part, str):
            return (plain(part),)
        if not isinstance(part, Mapping):
            return None
        if set(part) == {"number"} or set(part) == {"column"}:
            (key,) = part
            return (plain(part[key]) if key == "number" else self.column(str(part[key])),)
        factor = next((key for key in ("share", "times") if key in part), None)
        of = self.of(rule, part) if factor else None
        if factor is None or of is None:
            return None
        number = part[factor]
        if isinstance(number, Mapping):
            number = self.column(str(number.get("column", "")))
        return (plain(number), (factor, of))

    def of(self, rule: Mapping[str, Any], part: Mapping[str, Any]) -> str | None:
        """What a share is of; None where the sheet has no words for it."""
        of, where, per = part.get("of"), part.get("where") or {}, _listed(part.get("per"))
        if of == BASELINE:
            same = per == _listed(rule.get("per")) and where == (rule.get("where") or {})
            whole = "county" in per and per == _listed(rule.get("per")) and not where
            only_counties = not self.mine(rule.get("where") or {}, "task")
            return word(OF[BASELINE], self.lang) if same or (whole and only_counties) else None
        if where or not isinstance(of, str):
            return None
        if of == "amount" and per and per == _listed(rule.get("per")):
            return word(OF["group"], self.lang)
        if per:
            return None
        return word(OF[of], self.lang) if of in OF else self.measure(of)

    # Back from words.

    def patch(
        self, base: Mapping[str, Any], row: Row, add: Callable[[str, str], None]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """(column, fields to lay over `base`) of what a row says otherwise than `base`; `add` takes
        (column, message) of what cannot be read."""
        shown = self.row(base)
        changed = [key for key in shown | row if row.get(key, "") != shown.get(key, "")]
        bounds = [key for key in _BOUND if key in changed]
        for key in [one for one in changed if one not in bounds] + bounds[:1]:
            try:
                fields = self.fields(base, row, key)
            except ValueError as error:
                add(key, str(error))
                continue
            if fields:
                yield key, fields

    def fields(self, base: Mapping[str, Any], row: Row, key: str) -> dict[str, Any]:
        """What one column of a row says; of a bound all its columns together."""
        text = row.get(key, "")
        if key in _BOUND:
            return self.new_bound(base, row)
        if key in _PLACES:
            return self.where(base, key, text)
        if key in _CONFIRMED:
            return _confirmation(base, _CONFIRMED[key], text)
        found: dict[str, Any] = _READERS[key](self, base, text) if key in _READERS else {}
        return found

    def where(self, base: Mapping[str, Any], place: str, text: str) -> dict[str, Any]:
        """The conditions of one column anew; those that stood there are taken away."""
        given = self.parsed(place, text) if text else {}
        gone = dict.fromkeys(self.mine(base.get("where") or {}, place))
        return {"where": {**gone, **given}} if gone or given else {}

    def parsed(self, place: str, text: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for piece in re.split(r"[；;]", text):
            column, cond = self.one_condition(place, piece.strip())
            old = found.get(column)
            both = isinstance(old, dict) and isinstance(cond, dict)
            found[column] = {**old, **cond} if both else cond  # type: ignore[dict-item]
        return found

    def one_condition(self, place: str, text: str) -> tuple[str, Any]:
        own = {"area": self.area or "county"}.get(place, place)
        if text in self.naming.names(own):
            return own, self.naming.code(own, text)
        if (compared := _COMPARED.fullmatch(text)) is not None:
            column = self.naming.known_code("column", compared[1].strip())
            if compared[2] in ("≥", ">=", "≤", "<="):
                end = "min" if compared[2] in ("≥", ">=") else "max"
                return column, {end: number_text(compared[3])}
            return column, self.values(column, compared[3])
        for sign, bare in (("true", text), ("false", _without_not(text))):
            column = self.naming.code("column", bare) if bare else ""
            if self.kind(column) == "boolean":
                return column, sign
        return own, self.values(own, text)

    def values(self, column: str, text: str) -> Any:
        names = [one.strip() for one in re.split("[、,，]", text) if one.strip()]
        codes = [self.known_value(column, name) for name in names]
        return codes[0] if len(codes) == 1 else codes

    def known_value(self, column: str, name: str) -> str:
        """A value by its code; the nearest is said of one that there is not."""
        code = self.naming.code(column, name)
        table = self.programme.counties if self.programme.counties.kind(column) else None
        held = (table or self.programme.tasks).values(column)
        if self.kind(column) == "text" and code not in held:
            known = [*self.naming.names(column), *map(str, dict.fromkeys(held))]
            what = column if column in ("county", "task") else f"value of {self.column(column)}"
            raise ValueError(f"unknown {what} '{name}'{did_you_mean(name, known)}")
        return code

    def new_bound(self, base: Mapping[str, Any], row: Row) -> dict[str, Any]:
        """The bound that the cells of a row say, all of them read again."""
        given = [sense for sense in SENSES if row.get(sense)]
        if len(given) != 1:
            raise ValueError("a rule has one of at_least, at_most, equal")
        (sense,) = given
        gone: dict[str, Any] = {
            other: None for other in SENSES if other != sense and base.get(other) is not None
        }
        number = self.number(row[sense])
        factor = [key for key in ("share", "times") if row.get(key)]
        if len(factor) == 2:
            raise ValueError("a bound is a share or a multiple, not both")
        if not factor:
            return {**gone, sense: number}
        key, words = factor[0], row[factor[0]]
        if key == "share" and isinstance(number, str) and parse_exact(number) > 1:
            raise ValueError(f"a share of {number} is above 1")
        return {**gone, sense: {key: number, **self.reference(base, row, words)}}

    def number(self, text: str) -> Any:
        """A number, or the column of them that is named."""
        try:
            return number_text(text)
        except ValueError:
            code = self.naming.code("column", text)
            if self.kind(code) == "number":
                return {"column": code}
            raise

    def reference(self, base: Mapping[str, Any], row: Row, text: str) -> dict[str, Any]:
        """What a share or a multiple is of."""
        shown = self.row(base)
        same = all(shown.get(key, "") == row.get(key, "") for key in ("share", "times", "per"))
        old = next((base[s] for s in SENSES if isinstance(base.get(s), Mapping)), None)
        if same and old is not None:
            return {key: old[key] for key in ("of", "where", "per") if key in old}
        key = meant(OF, text)
        per = self.columns(row.get("per", ""))
        if key == "group":
            return {"of": "amount", "per": per}
        if key == BASELINE:
            where: dict[str, Any] = {}
            for place in _PLACES:
                where |= self.parsed(place, row[place]) if row.get(place) else {}
            return {"of": BASELINE, "where": where, "per": per}
        return {"of": key or self.known_measure(text)}

    def columns(self, text: str) -> list[str]:
        """The columns of `per` in words."""
        for columns, said in PER.items():
            if text.strip().casefold() in (word.casefold() for word in said):
                return list(columns)
        names = [one.strip().removeprefix(EACH[0]) for one in re.split("[、,，]", text)]
        return [self.naming.known_code("column", name) for name in names if name]

    def known_measure(self, text: str) -> str:
        if (plain := meant(MEASURES, text)) is not None:
            return plain
        words = [self.measure(name) for name in (*MEASURES, *self.programme.metrics)]
        code = self.naming.code("metric", text)
        if code not in self.programme.metrics:
            raise ValueError(f"unknown measure '{text}'{did_you_mean(text, words)}")
        return code

    def both(self, base: Any, text: str) -> Any:
        """A wording that was changed in one language: the other would no longer say the same."""
        return {"zh": text, "en": text} if isinstance(base, Mapping) or base is None else text


def flag_of(text: str) -> str:
    """`true` or `false` for yes or no in either language. Raises ValueError for another word."""
    folded = text.strip().casefold()
    for value, said in zip(("true", "false"), YES_NO, strict=True):
        if folded in (value, *said):
            return value
    raise ValueError(f"'{text}' is neither yes nor no (是, 否)")


def among(words: Mapping[str, Said], text: str) -> str:
    """The key of one of some words. Raises ValueError with the nearest for another."""
    key = meant(words, text)
    if key is None:
        known = [one for said in words.values() for one in said]
        raise ValueError(f"'{text}' is none of the words of the list{did_you_mean(text, known)}")
    return key


_CONFIRMED = {f"confirmed_{key}": key for key in ("by", "on", "text", "number")}
"""Column → its key of what an officer states of a clause."""


def _confirmation(base: Mapping[str, Any], key: str, text: str) -> dict[str, Any]:
    """What an officer states of a clause; without her name she states nothing."""
    if not text and (key == "by" or not base.get("confirmed")):
        return {"confirmed": None} if base.get("confirmed") else {}
    return {"confirmed": {key: text or None}}


def _clause(base: Mapping[str, Any], key: str, text: str) -> dict[str, Any]:
    """A clause that is another was read by nobody."""
    known = isinstance(base.get("clause"), Mapping)
    unread = {"seen": "false", "states_number": "false"} if known else {}
    stated = {"confirmed": None} if base.get("confirmed") else {}
    return {**stated, "clause": {key: text, **unread} if text or key == "article" else None}


_READERS: dict[str, Any] = {
    "title": lambda self, base, text: {"title": self.both(base.get("title"), text)},
    "enabled": lambda self, base, text: {"enabled": flag_of(text)} if text else {},
    "measure": lambda self, base, text: {"measure": self.known_measure(text or "amount")},
    "per": lambda self, base, text: {"per": self.columns(text)},
    "per_head": lambda self, base, text: {
        "per_head": self.naming.known_code("column", text) if text else None
    },
    "within": lambda self, base, text: {"within": number_text(text) if text else None},
    "basis": lambda self, base, text: {"basis": among(BASIS, text)} if text else {},
    "document": lambda self, base, text: _clause(base, "document", text),
    "article": lambda self, base, text: _clause(base, "article", text),
    "source": lambda self, base, text: {"number_from": self.both(base.get("number_from"), text)},
    "reason": lambda self, base, text: {"reason": self.both(base.get("reason"), text)},
}


def _listed(per: Any) -> list[str]:
    return [per] if isinstance(per, str) else list(per or [])


def _name(table: Table, code: str, lang: str) -> str:
    at = table.index.get(code)
    return code if at is None else table.names(lang)[at]


def _without_not(text: str) -> str:
    bare = next((text[len(sign) :] for sign in NOT if text.startswith(sign)), "")
    return bare.strip()
