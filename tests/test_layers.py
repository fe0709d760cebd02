"""The import graph has an order, and no circle hides in a function or a string."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "stepeval"
MODULES = sorted(PACKAGE.rglob("*.py"))

CORE_ONLY = ("suite", "client", "execution", "scorers", "store", "simulator")
MAY_IMPORT: dict[str, set[str]] = {
    "core": {"core"},
    "stats": {"stats"},
    "analysis": {"analysis", "stats", "core"},
    "report": {"report", "analysis", "core"},
    "exchange": {"exchange", "analysis", "core"},
    "api": {*CORE_ONLY, "api", "core", "stats", "analysis", "report", "exchange"},
    "cli": {"cli", "api", "core"},
    "pytest_plugin": {"api", "core"},
    **{room: {room, "core"} for room in CORE_ONLY},
}
HOME = re.compile(r"^stepeval\.[\w.]+(:\w+)?$")  # "stepeval.scorers.text:Exact"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Every stepeval module a file names: imports wherever they stand, and lazy homes."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("stepeval"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room they come from"
            if node.module and node.module.startswith("stepeval"):
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and HOME.match(str(node.value)):
            yield str(node.value).partition(":")[0]


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else None


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    own = room(module_name(path))
    if own is None:
        return  # the package's own front door: names, resolved on use
    wrong = {name for name in imported(path) if room(name) not in {None, *MAY_IMPORT[own]}}
    assert not wrong, f"{module_name(path)} may not import {sorted(wrong)}"


def test_the_import_graph_has_no_circle() -> None:
    known = {module_name(path) for path in MODULES}
    graph = {
        module_name(path): {name for name in imported(path) if name in known} - {module_name(path)}
        for path in MODULES
        if module_name(path) != "stepeval"
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, naming the circle


@pytest.mark.parametrize("path", [p for p in MODULES if "core" in p.parts], ids=module_name)
def test_core_needs_only_the_standard_library(path: Path) -> None:
    roots = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.split(".")[0])
    assert roots <= {*sys.stdlib_module_names, "stepeval"}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_stays_readable(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400, "find the concept that wants its own file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= 60, f"{node.name} has {lines} lines"


def test_nothing_unpickles_or_evaluates() -> None:
    """Run files, caches and datasets come from strangers; none of these is safe on them."""
    banned_modules = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    banned_calls = {"eval", "exec", "read_pickle", "to_pickle"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert not banned_modules & {alias.name for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in banned_modules, path
            elif isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", None))
                assert called not in banned_calls, f"{path}:{node.lineno}"


def test_each_module_imports_alone_and_without_a_warning() -> None:
    """A circle, or a name that only exists once something else was imported, fails here."""
    names = [module_name(path) for path in MODULES if path.name != "__main__.py"]
    script = "import subprocess, sys\nimport importlib\nimportlib.import_module(sys.argv[1])\n"
    running = []
    for name in names:
        running.append(
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", script, name],
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        if len(running) == 4:
            _finish(running)
    _finish(running)


def _finish(running: list["subprocess.Popen[str]"]) -> None:
    while running:
        process = running.pop()
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, f"{process.args!r}: {errors}"
