"""The limits as linear forms come to what the audit reads, on any allocation."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.allocation import Allocation
from models.errors import InputError
from models.finding import Finding
from models.scenario import Scenario, load
from models.selection import Block
from optimizer.audit import audit
from optimizer.audit.limits import LimitForm, Measured, limit_forms
from optimizer.audit.measure import Reading, read_measures
from tests.random_worlds import worlds
from tests.rule_cases import readings
from tests.worlds import write_world

CALM: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def read_by(reading: Reading, form: LimitForm) -> tuple[Any, ...] | None:
    """(rule, key, value, lower, upper, heads) as the form gives them; None if not to be read."""

    def read(of: Measured) -> Fraction:
        return reading.value(of.measure, Block((), of.counties, of.tasks))

    if form.only_if is not None and not read(form.only_if):
        return None
    limits = [None if side is None else side.value(read) for side in (form.lower, form.upper)]
    return (form.rule, form.key, form.value.value(read), *limits, form.heads)


def as_read(finding: Finding) -> tuple[Any, ...]:
    limits = (finding.lower, finding.upper)
    return (finding.rule, finding.key, finding.value, *limits, finding.heads)


def check(scenario: Scenario, allocation: Allocation) -> None:
    reading = read_measures(scenario, allocation)
    found = [row for form in limit_forms(scenario) if (row := read_by(reading, form))]
    rules = {rule.id for rule in scenario.rules}
    expected = [as_read(f) for f in audit(scenario, allocation).findings if f.rule in rules]
    assert found == expected


@settings(max_examples=150, **CALM)
@given(worlds(), st.data())
def test_a_form_comes_to_what_the_audit_reads(parts: dict[str, Any], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load(write_world(Path(folder), **parts))
        except InputError:
            assume(False)
        counties, tasks = scenario.programme.shape
        cell = st.one_of(st.integers(0, 40), st.fractions(0, 40, max_denominator=12))
        amounts = data.draw(st.lists(cell, min_size=counties * tasks, max_size=counties * tasks))
        rows = [amounts[at : at + tasks] for at in range(0, len(amounts), tasks)]
        check(scenario, Allocation.of(rows))


def test_every_form_of_a_rule_that_was_worked_by_hand_comes_out_alike(tmp_path: Path) -> None:
    cases = [case for case in readings() if case.rule() is not None]
    assert len(cases) > 100
    for number, case in enumerate(cases):
        scenario = case.build(tmp_path / str(number))
        check(scenario, case.allocation(scenario))
