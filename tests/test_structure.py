"""The shape of the house: who imports whom, what things are called, how large they are."""

from __future__ import annotations

from statistics import median

from tests.source_tree import (
    circles,
    classes_alike,
    early_imports,
    importers,
    late_imports,
    modules_alike,
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
MOST_MODULES = 303
MEDIAN_LINES = 170


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


def test_there_are_few_modules_and_they_are_full() -> None:
    assert len(TREE) <= MOST_MODULES
    assert median(text.count("\n") for text in TREE.values()) >= MEDIAN_LINES


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


def test_only_the_solvers_room_and_its_doors_import_a_solver() -> None:
    assert importers(TREE, SOLVERS, SOLVER_ROOMS) == []


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
