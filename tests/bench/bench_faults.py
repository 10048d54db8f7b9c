"""Deliberate faults, one at a time in a copy of the tree: how many do the tests notice?

    python tests/bench/bench_faults.py --tests .venv/bin/python --seed 0 --faults 40

Faults are Cosmic Ray's: a comparison, a sign, a number, an `and`, a `break` changed. It is nothing
that this project depends on: install `cosmic-ray` into an environment of its own, which runs this,
and name the one that runs the tests. Of each chosen module as many faults are drawn; the tests
that import it go first, then all quick ones. What no test notices is printed as a difference; the
exit code is 1 below 95 %. A fault that changes no answer counts as one that was not noticed.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from measuring import ROOT, say

CHOSEN = ("models/case_proof.py", "optimizer/audit", "optimizer/verify", "reports/numbers.py")
"""Checkers of proofs and of rules, and the texts of numbers: where a silent fault costs most."""
NOTICED = 0.95
PATIENCE = 900
"""Seconds for the tests with one fault; one that never ends was noticed."""
QUICK = ["-n2", "-m", "not slow"]
KINDS = re.compile(
    r"core/(ReplaceComparisonOperator_(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq|Lt_Gt|Gt_Lt)"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Add|Div_Mul|FloorDiv_Mul)"
    r"|ReplaceUnaryOperator_Delete_(USub|Not)|AddNot|NumberReplacer|ZeroIterationForLoop"
    r"|ReplaceTrueWithFalse|ReplaceFalseWithTrue|ReplaceAndWithOr|ReplaceOrWithAnd"
    r"|ReplaceBreakWithContinue|ReplaceContinueWithBreak)"
)


@dataclass(frozen=True)
class Fault:
    """One place of one file where one thing is changed."""

    file: str
    operator: str
    occurrence: int

    def text(self, source: str) -> str | None:
        """The file with the fault; None where nothing can be changed."""
        operator: Operator = get_operator(self.operator)()
        return mutate_code(source, operator, self.occurrence)


class _Places(Visitor):
    """Counts the places of one operator."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.count = 0

    def visit(self, node: object) -> object:
        self.count += sum(1 for _ in self.operator.mutation_positions(node))
        return node


def faults_of(file: Path) -> list[Fault]:
    """Every fault that can be put into a file, in order."""
    tree = get_ast(file.read_text("utf-8"))
    found = []
    for name in filter(KINDS.fullmatch, operator_names()):
        places = _Places(get_operator(name)())
        places.walk(tree)
        at = str(file.relative_to(ROOT))
        found += [Fault(at, name, number) for number in range(places.count)]
    return found


def drawn(chosen: list[str], number: int, seed: int) -> list[Fault]:
    """So many faults, from each file in turn."""
    files = [file for one in chosen for file in _files(ROOT / one)]
    random = Random(seed)
    stacks = [faults_of(file) for file in files]
    for stack in stacks:
        random.shuffle(stack)
    random.shuffle(stacks)
    turns = max(map(len, stacks), default=0)
    return [stack[turn] for turn in range(turns) for stack in stacks if turn < len(stack)][:number]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def stages(file: str) -> Iterator[list[str]]:
    """Arguments of pytest, narrow first: the tests that import the module, then all quick ones."""
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package, _, last = module.rpartition(".")
    imports = re.compile(rf"from {module} import|from {package} import .*\b{last}\b")
    tests = sorted((ROOT / "tests").glob("test_*.py"))
    if direct := [f"tests/{one.name}" for one in tests if imports.search(one.read_text("utf-8"))]:
        yield ["-n0", *direct]
    yield QUICK


def noticed(fault: Fault, copy: Path, python: str) -> bool:
    """Whether a test fails, or never ends, with a fault."""
    place = copy / fault.file
    right = place.read_text("utf-8")
    wrong = fault.text(right)
    if wrong is None:
        return True
    place.write_text(wrong, "utf-8")
    try:
        return any(_fails(words, copy, python) for words in stages(fault.file))
    finally:
        place.write_text(right, "utf-8")


def _fails(words: list[str], copy: Path, python: str) -> bool:
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *words]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}
    try:
        return bool(
            subprocess.run(
                command, cwd=copy, env=environment, capture_output=True, timeout=PATIENCE
            ).returncode
        )
    except subprocess.TimeoutExpired:
        return True


def difference(fault: Fault) -> str:
    """What the fault changes, as a difference between two texts."""
    source = (ROOT / fault.file).read_text("utf-8")
    lines = difflib.unified_diff(
        source.splitlines(), (fault.text(source) or "").splitlines(), fault.file, fault.operator
    )
    return "\n".join(lines)


def main() -> int:
    """0 where enough was noticed, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", default=sys.executable, help="the Python that runs the tests")
    parser.add_argument("--seed", type=int, default=0, help="which faults (0)")
    parser.add_argument("--faults", type=int, default=40, help="how many (40)")
    parser.add_argument("chosen", nargs="*", default=list(CHOSEN), help="files or folders")
    asked = parser.parse_args()
    python = str(Path(asked.tests).absolute())
    faults = drawn(asked.chosen, asked.faults, asked.seed)
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made) / "copy"
        left_out = shutil.ignore_patterns(".*", "out", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        if _fails(QUICK, copy, python):
            sys.exit("The quick tests fail without a fault.")
        missed = []
        for number, fault in enumerate(faults, 1):
            seen = noticed(fault, copy, python)
            missed += [] if seen else [fault]
            say(f"{number}/{len(faults)} {fault} {'noticed' if seen else 'MISSED'}")
    for fault in missed:
        say(difference(fault))
    share = 1 - len(missed) / max(len(faults), 1)
    say(f"seed {asked.seed}: {len(faults) - len(missed)} of {len(faults)} noticed ({share:.0%})")
    return 0 if share >= NOTICED else 1


if __name__ == "__main__":
    sys.exit(main())
