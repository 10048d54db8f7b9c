"""The proof by cases of a record, every bound of a case worked out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from models.case_proof import NAME, CaseProof, case_proof_csv, read_case_proof
from models.errors import InputError
from models.finding import group_text
from models.record.manifest import NAME as MANIFEST
from models.scenario import Scenario
from optimizer.audit.case_bounds import bounded
from optimizer.audit.limits import limit_forms
from optimizer.verify.replayed_manifest import plain
from optimizer.verify.replayed_tables import Difference, Replayed, compared_table

_ABOUT = (0, 1, 6, 7, 8, 9)
"""Columns that say what a line is about."""


def check_cases(
    scenario: Scenario, points: Mapping[str, Fraction], content: bytes, told: Fraction | None
) -> tuple[Replayed, Fraction | None]:
    """Whether the cases hold all allocations, and their bounds are those that their prices make;
    with that the bound, where all is as it is due. `told`: what the manifest says of it."""
    try:
        proof = read_case_proof(content)
    except InputError as error:
        wrong = (Difference(NAME, place=one.path, message=one.message) for one in error.problems)
        return Replayed(NAME, 0, tuple(wrong)), None
    if strangers := tuple(_strangers(scenario, proof)):
        return Replayed(NAME, 0, strangers), None
    made = bounded(scenario, points, proof)
    due = b"" if made is None else case_proof_csv(made)
    checked = compared_table(NAME, content, due, _ABOUT)
    if made is None or checked.differences:
        return checked, None
    if told == made.bound:
        return checked, made.bound
    texts = plain(told) or "", plain(made.bound) or ""
    other = Difference(MANIFEST, place="certificate.by_case", found=texts[0], due=texts[1])
    return replace(checked, differences=(other,)), None


def _strangers(scenario: Scenario, proof: CaseProof) -> Iterator[Difference]:
    """Counties, tasks and limits that the scenario does not have."""
    counties, tasks = scenario.programme.counties.index, set(scenario.programme.tasks.index)
    for number, case in enumerate(proof.cases):
        answer = case.answer
        if answer and not (answer.county in counties and set(answer.tasks) <= tasks):
            named = " ".join((answer.county, *answer.tasks))
            yield Difference(NAME, place=f"case {number}", message=f"'{named}' is unknown")
    known = {(form.rule, form.key) for form in limit_forms(scenario)} | {("budget", ())}
    for number, prices in enumerate(proof.prices):
        for one in prices:
            if (one.rule, one.key) not in known or one.side not in ("lower", "upper"):
                named = " ".join((one.rule, group_text(one.key), one.side))
                yield Difference(NAME, place=f"prices {number}", message=f"'{named}' is unknown")
