"""Random small programmes with random rules of every form, as scenario files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.worlds import rule

METRICS = ("jobs", "cost")
QUICK: dict[str, Any] = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
_TASKS = ("t1", "t2", "t3", "t4", "t5")


def checked(
    examples: int,
    made: st.SearchStrategy[dict[str, Any]],
    check: Callable[[dict[str, Any]], str],
    least: Mapping[str, float],
) -> None:
    """Check random worlds. `check` says what became of a world, and `least` of what share of all
    it must say so: where nearly all are refused or in conflict, a test that passes says nothing."""
    told: Counter[str] = Counter()

    @settings(max_examples=examples, **QUICK)
    @given(made)
    def each(parts: dict[str, Any]) -> None:
        told[check(parts)] += 1

    each()
    for what, share in least.items():
        assert told[what] >= share * told.total(), told


@st.composite
def worlds(
    draw: st.DrawFn,
    counties: int = 12,
    tasks: int = 5,
    budget: int = 120,
    rules: int = 4,
    fewest: int = 0,
) -> dict[str, Any]:
    """Arguments of `tests.worlds.write_world`."""
    places = {
        f"c{i:02}": {
            "heads": draw(st.integers(1, 50)),
            "floor": draw(st.integers(0, 3)),
            "hilly": draw(st.booleans()),
            "zone": draw(st.sampled_from(["north", "south"])),
        }
        for i in range(draw(st.integers(1, counties)))
    }
    works = {
        name: {"most": draw(st.sampled_from(["0.3", "0.5", "1"])), "kind": kind, "least": 2}
        for name, kind in zip(
            _TASKS[: draw(st.integers(1, tasks))], ["hard", "soft"] * 3, strict=False
        )
    }
    money = draw(st.integers(1, budget))
    body: dict[str, Any] = {
        "budget": money,
        "lot": draw(st.sampled_from([None, None, 1, 3, {"column": "least"}])),
        "objective": {
            "weights": {"jobs": draw(st.sampled_from([1, 2])), "cost": draw(_cost_weights)},
            "normalise": "none",
        },
        "rules": [
            {**draw(_rules(list(places), list(works))), "id": f"r{i}"}
            for i in range(draw(st.integers(fewest, rules)))
        ],
    }
    if draw(st.integers(0, 4)) == 0:
        body["locks"] = [{"county": "c00", "task": "t1", "amount": min(3, money)}]
    if draw(st.integers(0, 4)) == 0:
        body["ineligible"] = [{"where": {"task": "t2"}, "reason": "no"}] if len(works) > 1 else []
    programme = {
        "metrics": [{"id": name, "title": name, "unit": name} for name in METRICS],
        "tasks": {"file": "tasks.yaml", "columns": {"most": "number", "least": "number"}},
    }
    return {
        "scenario": body,
        "counties": places,
        "tasks": works,
        "tiers": draw(_tiers(list(places), list(works))),
        "programme": programme,
    }


def careful(parts: dict[str, Any]) -> dict[str, Any]:
    """The world with a safety margin on each target under an outcome that may have one."""
    rules = [
        {**one, "margin": "10%"}
        if one["measure"] in METRICS and "equal" not in one and "soft" not in one
        else one
        for one in parts["scenario"]["rules"]
    ]
    return {**parts, "scenario": {**parts["scenario"], "rules": rules}}


@st.composite
def banded(draw: st.DrawFn, made: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A world with one rule more, which holds money or a metric near what the baseline gives."""
    parts = draw(made)
    body, sense = parts["scenario"], draw(st.sampled_from(["at_least", "at_most"]))
    per = draw(st.sampled_from([[], ["county"], ["task"], ["county", "task"], ["zone"]]))
    part = {
        "times": draw(st.sampled_from(["1/3", "0.5", "1", "5/3"])),
        "of": "baseline",
        "per": draw(st.sampled_from([[], per])),
        "where": draw(_wheres(list(parts["counties"]), list(parts["tasks"]))),
    }
    fields = {"measure": draw(st.sampled_from(["amount", "jobs"])), "per": per, sense: part}
    if draw(st.booleans()):
        fields["per_head"] = "heads"
    if draw(st.booleans()):
        body["reference_budget"] = max(1, int(body["budget"]) // 2)
    return {**parts, "scenario": {**body, "rules": [*body["rules"], rule(id="band", **fields)]}}


_cost_weights = st.sampled_from([0, 0, "-0.1", "-1", "0.5"])


@st.composite
def _tiers(draw: st.DrawFn, places: list[str], works: list[str]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for place in places:
        for work in works:
            steps = draw(st.integers(0, 3))
            rates = sorted(draw(st.lists(_rates, min_size=steps, max_size=steps)), reverse=True)
            costs = sorted(draw(st.lists(_rates, min_size=steps, max_size=steps)), reverse=True)
            for k in range(steps):
                width = draw(st.integers(1, 8))
                rows.append([place, work, k + 1, width, f"{rates[k]}e-3", f"{costs[k]}e-3"])
    return rows


_rates = st.integers(0, 2500)


@st.composite
def _rules(draw: st.DrawFn, places: list[str], works: list[str]) -> dict[str, Any]:
    """One rule of a random form; bounds are small so that many worlds stay feasible."""
    measure = draw(st.sampled_from(["amount", "amount", *METRICS, "cells", "counties"]))
    per = draw(st.sampled_from([[], ["county"], ["task"], ["county", "task"], ["zone"], ["hilly"]]))
    sense = draw(st.sampled_from(["at_least", "at_most", "at_most", "equal"]))
    fields: dict[str, Any] = {
        "measure": measure,
        "per": per,
        "where": draw(_wheres(places, works)),
    }
    if measure in ("amount", "jobs") and draw(st.integers(0, 3)) == 0:
        fields["per_head"] = "heads"
    bound = draw(_bounds(sense, per, "per_head" in fields))
    fields[sense] = bound
    plain = not isinstance(bound, dict | list)
    if sense == "equal":
        fields["within"] = draw(st.sampled_from([1, 2, "2.5"]))
    if sense == "at_least" and plain and "county" in per and draw(st.booleans()):
        fields["if_funded"] = True
    if draw(st.integers(0, 4)) == 0:
        fields["soft"] = {"price": draw(st.sampled_from(["0.01", "1", "20"]))}
    return rule(**fields)


@st.composite
def _wheres(draw: st.DrawFn, places: list[str], works: list[str]) -> dict[str, Any]:
    return draw(
        st.sampled_from(
            [
                {},
                {},
                {"county": places[0]},
                {"task": works},
                {"task": works[0]},
                {"heads": {"min": 0}},
                {"county": places, "task": works[-1]},
            ]
        )
    )


@st.composite
def _bounds(draw: st.DrawFn, sense: str, per: list[str], per_head: bool) -> Any:
    small = {
        "at_least": st.integers(0, 2),
        "at_most": st.integers(1, 40),
        "equal": st.integers(0, 6),
    }
    number = draw(small[sense])
    if per_head:
        number = f"{number}/20"
    share = draw(st.sampled_from(["0.1", "1/3", "0.5"]))
    forms: list[Any] = [
        number,
        number,
        {"share": share, "of": "amount"},
        {"share": share, "of": "budget"},
        {"times": "1.5", "of": draw(st.sampled_from(["jobs", "cost", "cells", "amount"]))},
        [number, {"share": share, "of": "amount", "where": {"task": "t1"}}],
    ]
    if "task" in per:
        forms.append({"share": {"column": "most"}, "of": "budget"})
        forms.append({"share": share, "of": "amount", "per": ["task"]})
    if "county" in per:
        forms.append({"column": "floor"})
        forms.append({"column": "floor", "times": 2})
        forms.append({"share": share, "of": "amount", "per": ["county"]})
    if "zone" in per or "county" in per:
        forms.append({"column": "floor", "sum": True})
    return draw(st.sampled_from(forms))
