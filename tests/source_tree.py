"""The source as data: what each module imports, defines and lacks; and what is wrong with that.

A tree is module name → its text, so that a check can be shown a tree made up in a test. Every check
gives the faults that it finds, one sentence each, which starts with the module's name.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TOPS = ("allot.py", "cli.py", "commands", "desk", "models", "optimizer", "reports")
Tree = Mapping[str, str]
"""Dotted module name → its source."""


def source_tree() -> dict[str, str]:
    """The modules of this project; a package stands under its own name."""
    tops = [ROOT / top for top in TOPS]
    files = [file for top in tops for file in ([top] if top.is_file() else top.rglob("*.py"))]
    return {_module(file): file.read_text(encoding="utf-8") for file in sorted(files)}


@cache
def parsed(source: str) -> ast.Module:
    """A module's syntax; nothing here changes it."""
    return ast.parse(source)


class Size(NamedTuple):
    """How much there is to read: modules, lines, statements."""

    modules: int
    lines: int
    statements: int


def sizes(tree: Tree) -> dict[str, Size]:
    """Package → its size, down to the second level; a module outside any is its own package."""
    homes = defaultdict(list)
    for name, text in tree.items():
        first, *rest = name.split(".")
        inner = rest and any(other.startswith(f"{first}.{rest[0]}.") for other in tree)
        homes[f"{first}.{rest[0]}" if inner else first].append(text)
    return {home: _size(texts) for home, texts in sorted(homes.items())}


def _size(texts: list[str]) -> Size:
    nodes = [node for text in texts for node in ast.walk(parsed(text))]
    statements = sum(isinstance(node, ast.stmt) for node in nodes)
    return Size(len(texts), sum(text.count("\n") for text in texts), statements)


def outgrown(tree: Tree, ceilings: Mapping[str, Size], slack: float) -> list[str]:
    """Packages that are above their ceiling, or further below it than `slack` of it (0..1)."""
    found = sizes(tree)
    faults = [f"{home}: has no ceiling" for home in found if home not in ceilings]
    for home, ceiling in ceilings.items():
        has = found.get(home, Size(0, 0, 0))
        for what, most, now in zip(Size._fields, ceiling, has, strict=True):
            if now > most:
                faults.append(f"{home}: {now} {what}, and may have {most}")
            elif now < most - max(1, most * slack):
                faults.append(f"{home}: {now} {what}; lower the ceiling of {most} to that")
    return faults


def circles(tree: Tree) -> list[str]:
    """Modules that import themselves through others, if only for types or inside a function."""
    edges = {name: _imported(name, tree) for name in tree}
    found = ((name, _way_back(name, edges)) for name in tree)
    return [f"{name}: imports itself through {' → '.join(way)}" for name, way in found if way]


def classes_alike(tree: Tree) -> list[str]:
    """Public classes that share their name with one of another module."""
    homes = defaultdict(list)
    for name in tree:
        for node in parsed(tree[name]).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    return _shared(homes, "class ")


def modules_alike(tree: Tree, *pairs: Collection[str]) -> list[str]:
    """Modules that share the last part of their name, but for `pairs` of them that may."""
    homes = defaultdict(list)
    for name in tree:
        homes[name.rsplit(".")[-1]].append(name)
    allowed = [set(pair) for pair in pairs]
    return _shared({last: names for last, names in homes.items() if set(names) not in allowed}, "")


def late_imports(tree: Tree, always: Collection[str], rooms: Collection[str]) -> list[str]:
    """Imports inside functions without a comment on them or above them that gives the reason.

    None is asked of the packages that are `always` imported late, nor within `rooms`.
    """
    return [
        f"{name}: line {node.lineno} imports late and gives no reason"
        for name in tree
        if name.split(".")[0] not in rooms
        for node in _late(parsed(tree[name]))
        if _packages(node).isdisjoint(always) and not _reasoned(node, tree[name].splitlines())
    ]


def early_imports(tree: Tree, always: Collection[str]) -> list[str]:
    """Modules that load, as soon as they are imported, a package that is `always` imported late."""
    return [
        f"{name}: line {node.lineno} loads {package} at once"
        for name in tree
        for node in _at_once(parsed(tree[name]))
        for package in sorted(_packages(node) & set(always))
    ]


def importers(tree: Tree, packages: Collection[str], rooms: Collection[str]) -> list[str]:
    """Modules outside `rooms` that import one of `packages`."""
    return [
        f"{name}: line {node.lineno} imports {package}"
        for name in tree
        if not any(f"{name}.".startswith(f"{room}.") for room in rooms)
        for node in ast.walk(parsed(tree[name]))
        for package in sorted(_packages(node) & set(packages))
    ]


def _module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, tree: Tree) -> set[str]:
    """The modules of the tree that one names in its imports, wherever they stand."""
    named: set[str] = set()
    for node in ast.walk(parsed(tree[name])):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                named.add(inner if inner in tree else node.module)
    return named & set(tree)


def _way_back(start: str, edges: Mapping[str, set[str]]) -> list[str]:
    """The shortest way from a module through its imports to itself; [] if there is none."""
    ways = {name: [name] for name in sorted(edges[start])}
    for way in (queue := list(ways.values())):
        if way[-1] == start:
            return way
        for name in sorted(edges[way[-1]] - set(ways)):
            ways[name] = [*way, name]
            queue.append(ways[name])
    return []


def _shared(homes: Mapping[str, list[str]], kind: str) -> list[str]:
    return [
        f"{name}: {kind}{shared} is also {', '.join(other for other in names if other != name)}"
        for shared, names in homes.items()
        for name in names
        if len(names) > 1
    ]


def _packages(node: ast.AST) -> set[str]:
    """The top-level packages that an import names; none of another node."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.split(".")[0]}
    return set()


def _late(module: ast.Module) -> list[ast.stmt]:
    """The imports inside functions, in the order of their lines."""
    functions = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    found = {
        node.lineno: node
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return [found[line] for line in sorted(found)]


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: nothing inside functions, nothing for types only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _at_once(child)


def _reasoned(node: ast.stmt, lines: list[str]) -> bool:
    """Whether a comment stands on an import's lines, or above it and the imports before it."""
    here = lines[node.lineno - 1 : node.end_lineno]
    if any("#" in line.replace("# noqa", "") for line in here):
        return True
    for line in reversed(lines[: node.lineno - 1]):
        if line.strip().startswith("#"):
            return True
        if not line.strip().startswith(("import ", "from ")):
            return False
    return False


# What is said to people, in English, where it is raised.

_NOT_TOLD = {"TypeError", "AssertionError", "RuntimeError", "AttributeError", "Text", "compile"}
"""What only a programmer meets, wording in both languages, and patterns."""
_IN_WORDS = re.compile(r"Xx [a-z]{2,}|[a-z]{2,}[,:;]? +(?:Xx|[A-Za-z]{2,})")


def sentences(source: str) -> dict[str, int]:
    """English sentences in a module → the line; what is filled in is written {}."""
    reader = _Sentences()
    reader.visit(parsed(source))
    return reader.found


class _Sentences(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # A docstring.
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if getattr(node.func, "id", getattr(node.func, "attr", "")) not in _NOT_TOLD:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name not in ("__repr__", "_repr_html_"):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if getattr(node.value, "id", "") != "Literal":
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        self._take("".join(map(str, parts)), node.lineno)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._take(node.value, node.lineno)

    def _take(self, text: str, line: int) -> None:
        if _IN_WORDS.search(re.sub(r"'?\{\}'?", " Xx ", text).replace("  ", " ")):
            self.found.setdefault(text, line)
