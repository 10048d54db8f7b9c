"""Deadlines that a programme's papers have to keep, and the days that they are read on."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from models.rule import Clause
from models.strict_yaml import NO_TEXT, EitherText, Strict

EVENTS = ("approved", "drafted", "decided", "posted", "removed", "issued")
"""What has a date: the budget approved by the people's congress, the plan drafted and decided, the
paper posted and taken down, the money passed on."""
Dates = Mapping[str, datetime.date]
"""Event → its day; events that are left out are not known."""

_DAY = re.compile(r"\d{1,2}-\d{1,2}")


def _event(value: object) -> object:
    if value not in EVENTS:
        raise ValueError(f"an event is one of {', '.join(EVENTS)}")
    return value


def _day_of_year(value: object) -> object:
    if value is None:
        return value
    text = str(value)
    if not _DAY.fullmatch(text):
        raise ValueError(f"'{text}' is no day of a year; write month and day: 03-31")
    month, day = map(int, text.split("-"))
    datetime.date(2001, month, day)  # 29 February is no deadline of every year.
    return text


Event = Annotated[str, BeforeValidator(_event)]


class Deadline(Strict):
    """One time limit: days after an event, days for which a paper stands, or a day of the year."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    title: EitherText
    event: Event
    after: Event | None = None
    """The event from which the days are counted."""
    at_most: Annotated[int, Field(ge=0)] | None = None
    """Days after `after`, at most."""
    at_least: Annotated[int, Field(ge=0)] | None = None
    """Days after `after`, at least."""
    latest: Annotated[str | None, BeforeValidator(_day_of_year)] = None
    """The last day, of the programme's year: 03-31."""
    clause: Clause | None = None
    reason: EitherText = NO_TEXT
    """Why it is taken so, where no clause that was read says it."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Deadline:
        if [self.at_most, self.at_least, self.latest].count(None) != 2:
            raise ValueError("a deadline has one of at_most, at_least, latest")
        if (self.latest is None) != (self.after is not None):
            raise ValueError("days are counted after an event, and a day of the year is not")
        if not self.was_read and not self.reason.zh:
            raise ValueError("a deadline that no clause read states needs a reason")
        return self

    @property
    def was_read(self) -> bool:
        """Whether a clause that was read states it; else it is an assumption."""
        clause = self.clause
        return clause is not None and clause.seen and clause.states_number


@dataclass(frozen=True)
class DeadlineRead:
    """A deadline held against the dates that are known."""

    deadline: Deadline
    days: int | None
    """From `after` to the event; None where one of them is not known."""
    holds: bool | None
    """None where a date is not known."""


def read_deadline(deadline: Deadline, dates: Dates, year: int | None) -> DeadlineRead:
    """Whether a deadline is kept; `year`: that of the programme, without which no day of it is
    known."""
    event = dates.get(deadline.event)
    if deadline.latest is not None:
        if event is None or year is None:
            return DeadlineRead(deadline, None, None)
        month, day = map(int, deadline.latest.split("-"))
        return DeadlineRead(deadline, None, event <= datetime.date(year, month, day))
    start = dates.get(deadline.after or "")
    if event is None or start is None:
        return DeadlineRead(deadline, None, None)
    days = (event - start).days
    if deadline.at_most is not None:
        return DeadlineRead(deadline, days, 0 <= days <= deadline.at_most)
    return DeadlineRead(deadline, days, days >= (deadline.at_least or 0))
