"""The shape of the code itself: who may import whom, how modules open, how long things are.

import-linter checks the layers (pyproject.toml); here stands what it cannot see.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("wallpaper", "serving", "tune", "dashboard")
APPLICATIONS = ("wallpaper.cli", "serving", "tune", "dashboard")
OUTERMOST = (
    *(
        "cli/",
        "cli.py",
        "__main__.py",
        "recorded.py",
        "tracking.py",
        "delivery.py",
        "provenance.py",
        "mlflow_plugin.py",
        "cluster.py",
    ),
)
"""The parts of the library that know an application library; all others are the core."""
BLOCKED = ("mlflow", "ray", "optuna", "nicegui", "click", "tqdm", "plotly", "pandas", "psutil")

SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
CORE = [
    name
    for name in SOURCES
    if name.startswith("wallpaper/") and not name.removeprefix("wallpaper/").startswith(OUTERMOST)
]
ALL_SOURCES = pytest.mark.parametrize("name", list(SOURCES))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def forks(tree: ast.AST) -> Iterator[ast.With]:
    """Blocks that give the global random state back: `with torch.random.fork_rng(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and "fork_rng" in ast.unparse(node.items[0]):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the signature to the end, docstring included."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def imported(tree: ast.AST) -> set[str]:
    """Dotted names of the modules that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def python(code: str) -> str:
    """What a fresh interpreter prints; the test fails with its traceback if it does."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_there_is_something_to_look_at() -> None:
    assert {"wallpaper/plane/groups.py", "wallpaper/symmetry/projection.py"} <= set(CORE)


@ALL_SOURCES
def test_a_module_opens_with_what_it_is(name: str) -> None:
    lines = [line for line in (ast.get_docstring(TREES[name]) or "").splitlines() if line.strip()]
    least = 1 if name.endswith("__init__.py") else 2
    assert least <= len(lines) <= 6, f"{name}: its docstring must have {least}-6 lines, but has {len(lines)}"


@pytest.mark.parametrize("path", [*SOURCES, *(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("*.py"))])
def test_a_file_is_one_subject(path: str) -> None:
    count = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert count <= 300, f"{path}: a file must have at most 300 lines, but has {count}"


@ALL_SOURCES
def test_no_function_is_long(name: str) -> None:
    assert {f.name: length(f) for f in functions(TREES[name]) if length(f) > 60} == {}


def test_most_functions_are_short() -> None:
    lengths = sorted(length(f) for tree in TREES.values() for f in functions(tree))
    assert statistics.median(lengths) <= 10
    assert statistics.quantiles(lengths, n=20)[-1] <= 45


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_at_the_top(name: str) -> None:
    hidden = [
        f"{function.name}, line {node.lineno}"
        for function in functions(TREES[name])
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


@pytest.mark.parametrize("name", CORE)
def test_the_core_seeds_nothing_globally(name: str) -> None:
    forked = {id(node) for fork in forks(TREES[name]) for node in ast.walk(fork)}
    nodes = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.Call) and id(node) not in forked]
    calls = {ast.unparse(node.func) for node in nodes}
    assert calls & {"torch.manual_seed", "torch.seed", "random.seed", "np.random.seed", "numpy.random.seed"} == set()


@ALL_SOURCES
def test_applications_never_import_each_other(name: str) -> None:
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    own = {package for package in APPLICATIONS if f"{module}.".startswith(f"{package}.")}
    own |= {"wallpaper.cli"} if module == "wallpaper.__main__" else set()
    others = [
        target
        for target in imported(TREES[name])
        for package in APPLICATIONS
        if f"{target}.".startswith(f"{package}.") and package not in own
    ]
    assert others == []


def test_the_import_linter_sees_every_package() -> None:
    """A package that is on disk but not in its list would be unchecked."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert settings["root_packages"] == [package for package in PACKAGES if any((ROOT / package).glob("*.py"))]


def test_the_core_runs_without_the_application_libraries() -> None:
    """Training must run on a machine that has torch and numpy but no tracker, search or page."""
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in CORE]
    code = f"""
import importlib, importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
for module in {modules!r}:
    importlib.import_module(module)
print(len({modules!r}), "imported")
"""
    assert python(code) == f"{len(modules)} imported"


def test_importing_the_package_is_light() -> None:
    """`wallpaper --help` and the MLflow plug-in import it: torch must not come along."""
    heavy = "{'torch', 'numpy', 'scipy', 'matplotlib', 'mlflow'} & set(sys.modules)"
    assert python(f"import sys, wallpaper; print(wallpaper.__version__, sorted({heavy}))").endswith("[]")
