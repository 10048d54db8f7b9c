"""The shape of the house: who imports whom, what things are called, how large they are."""

from __future__ import annotations

import pytest

from tests.source_tree import (
    Size,
    circles,
    classes_alike,
    early_imports,
    importers,
    late_imports,
    modules_alike,
    outgrown,
    sizes,
    source_tree,
)

TREE = source_tree()
LATE_EVERYWHERE = {"pandas", "altair", "openpyxl"}
"""What takes so long to load that nothing loads it before it is needed: no reason need be given."""
LATE_ROOMS = {"cli", "commands"}
"""Where lateness is the rule: a verb loads what it needs and no more, and `--help` nothing."""
SOLVERS = {"highspy", "pulp"}
SOLVER_ROOMS = {"optimizer.solvers", "optimizer.pulp_export", "optimizer.pulp_import"}
"""Where solvers are called, and the two doors through which a planner's PuLP model goes."""
ALIKE = (
    {"commands.compare", "optimizer.compare"},
    {"commands.desk", "desk"},
    {"commands.solve", "optimizer.solve"},
    {"commands.study", "optimizer.study"},
)
"""Modules that may share their last name: a verb's module and its engine."""
CEILINGS = {
    "allot": Size(1, 157, 69),
    "cli": Size(1, 232, 124),
    "commands": Size(12, 2256, 1222),
    "desk": Size(4, 468, 331),
    "desk.pages": Size(13, 2135, 1515),
    "desk.state": Size(12, 2295, 1565),
    "models": Size(38, 9447, 6318),
    "models.record": Size(3, 1065, 677),
    "models.workbook": Size(11, 2546, 1783),
    "optimizer": Size(13, 2991, 1844),
    "optimizer.audit": Size(13, 3159, 2167),
    "optimizer.baselines": Size(3, 537, 334),
    "optimizer.compare": Size(8, 1845, 1151),
    "optimizer.formulation": Size(8, 2550, 1655),
    "optimizer.infeasibility": Size(10, 2239, 1577),
    "optimizer.sensitivity": Size(10, 2593, 1783),
    "optimizer.solvers": Size(21, 5008, 3509),
    "optimizer.strategies": Size(13, 3076, 2111),
    "optimizer.study": Size(32, 8219, 5410),
    "optimizer.verify": Size(7, 1198, 794),
    "reports": Size(10, 1515, 959),
    "reports.documents": Size(20, 5105, 2919),
    "reports.excel": Size(14, 4340, 3159),
    "reports.html": Size(8, 1791, 1091),
    "reports.view": Size(15, 3045, 1921),
    "reports.word": Size(3, 800, 466),
}
"""What there may be of each package. Later work lowers these, and never raises one."""
SLACK = 0.03
"""By how much of its ceiling a package may be smaller before the ceiling has to follow."""


@pytest.mark.slow
def test_no_module_imports_itself_through_others() -> None:
    assert circles(TREE) == []


def test_a_circle_of_imports_is_seen_though_it_is_late_or_for_types_only() -> None:
    tree = {
        "models.a": "from models import b",
        "models.b": "def f():\n    import models.c",
        "models.c": "if TYPE_CHECKING:\n    from models.a import A",
        "models.d": "from models.a import A\nimport json",
    }
    assert circles(tree) == [
        "models.a: imports itself through models.b → models.c → models.a",
        "models.b: imports itself through models.c → models.a → models.b",
        "models.c: imports itself through models.a → models.b → models.c",
    ]
    assert circles({**tree, "models.c": ""}) == []


def test_no_two_public_classes_share_a_name() -> None:
    assert classes_alike(TREE) == []


def test_two_classes_of_one_name_are_seen_unless_one_is_private() -> None:
    tree = {"a": "class Desk: ...\nclass _Own: ...", "b": "class Desk: ...\nclass _Own: ..."}
    assert classes_alike(tree) == ["a: class Desk is also b", "b: class Desk is also a"]


def test_no_two_modules_share_their_last_name() -> None:
    assert modules_alike(TREE, *ALIKE) == []


def test_two_modules_of_one_name_are_seen_unless_they_are_a_known_pair() -> None:
    tree = {"commands.study": "", "optimizer.study": "", "a.prices": "", "b.prices": ""}
    pair = {"commands.study", "optimizer.study"}
    assert modules_alike(tree, pair) == [
        "a.prices: prices is also b.prices",
        "b.prices: prices is also a.prices",
    ]
    assert len(modules_alike({**tree, "reports.study": ""}, pair)) == 5


def test_no_package_outgrows_its_ceiling_and_each_ceiling_follows_what_shrinks() -> None:
    assert outgrown(TREE, CEILINGS, SLACK) == []


def test_a_package_that_grew_shrank_or_is_new_is_seen() -> None:
    tree = {"cli": "a = 1\n", "m": "", "m.a": "b = 2\nc = 3\n", "m.p": "", "m.p.q": "\n" * 9}
    right = {"cli": Size(1, 1, 1), "m": Size(2, 2, 2), "m.p": Size(2, 9, 0)}
    assert sizes(tree) == right
    assert outgrown(tree, right, SLACK) == []
    assert outgrown(tree, {**right, "m": Size(2, 1, 2)}, SLACK) == ["m: 2 lines, and may have 1"]
    assert outgrown(tree, {**right, "m.p": Size(4, 9, 0)}, SLACK) == [
        "m.p: 2 modules; lower the ceiling of 4 to that"
    ]
    assert outgrown(tree, {key: right[key] for key in ("cli", "m")}, SLACK) == [
        "m.p: has no ceiling"
    ]
    assert outgrown({"cli": "a = 1\n"}, {**right}, SLACK)[0] == (
        "m: 0 modules; lower the ceiling of 2 to that"
    )


@pytest.mark.slow
def test_every_late_import_gives_its_reason() -> None:
    assert late_imports(TREE, LATE_EVERYWHERE, LATE_ROOMS) == []


def test_a_late_import_without_a_reason_is_seen() -> None:
    mute = "def f():\n    from a import (\n        b,\n    )\n    import pandas"
    told = "def f():\n    # Costs a second.\n    import b\n    import c\n    import d  # Cheap."
    marked = "class A:\n    def f(self):\n        import b  # noqa: F401"
    tree = {"mute": mute, "told": told, "marked": marked, "cli": mute}
    found = [fault.split(" imports")[0] for fault in late_imports(tree, {"pandas"}, {"cli"})]
    assert found == ["mute: line 2", "marked: line 3"]


def test_what_is_slow_to_load_is_never_loaded_with_a_module() -> None:
    assert early_imports(TREE, LATE_EVERYWHERE) == []


def test_a_slow_package_that_is_loaded_at_once_is_seen() -> None:
    late = "if TYPE_CHECKING:\n    import pandas\ndef f():\n    import pandas"
    tree = {"a": "try:\n    import pandas.core\nexcept ImportError: ...", "b": late}
    assert early_imports(tree, {"pandas"}) == ["a: line 2 loads pandas at once"]


@pytest.mark.slow
def test_only_the_solvers_room_and_its_doors_import_a_solver() -> None:
    assert importers(TREE, SOLVERS, SOLVER_ROOMS) == []


@pytest.mark.slow
def test_only_python_m_allot_imports_the_command_line() -> None:
    assert importers(TREE, {"cli"}, {"cli", "allot"}) == []


def test_a_solver_imported_elsewhere_is_seen_wherever_it_stands() -> None:
    text = "def f():\n    from pulp.apis import A"
    tree = {"optimizer.solvers": text, "optimizer.solvers.b": text, "optimizer.solversc": text}
    assert importers(tree, {"pulp"}, {"optimizer.solvers"}) == [
        "optimizer.solversc: line 2 imports pulp"
    ]


def test_the_tree_that_is_checked_has_every_room() -> None:
    rooms = {module.split(".")[0] for module in TREE}
    assert rooms >= {"cli", "commands", "models", "optimizer", "reports"}
