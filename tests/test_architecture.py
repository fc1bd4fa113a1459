"""The shape of the package: arrows one way, light to import, small modules, no strings run."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import napkin
from napkin.quantities.quantity import REGISTRY

PACKAGE = Path(napkin.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in FILES}


def _later(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs only when it is called, or only for a type checker."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            yield from ast.walk(node)


def imported(module: str, at_once: bool = False) -> set[str]:
    """Return the modules of the package that a module imports."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    skipped = {id(node) for node in _later(tree)} if at_once else set()
    package = module if MODULES[module].stem == "__init__" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "napkin"}
        if isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            if node.level == 0:
                base = ""
            target = ".".join(part for part in (base, node.module) if part)
            if target.split(".")[0] == "napkin":
                names = {f"{target}.{alias.name}" for alias in node.names}
                found |= {name if name in MODULES else target for name in names}
    return found - {module}


GRAPH = {module: imported(module) for module in MODULES}

# The rooms of the house, the ground floor last: an arrow points down this list.
ROOMS = [
    "__main__",
    "lessons",
    "views",
    "verbs",
    "worksheet",
    "catalog",
    "formulas",
    "quantities",
    "errors",
]
INNER = [module for module in MODULES if module != "napkin"]


def test_the_house_has_these_rooms() -> None:
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert found - {"__pycache__", "__init__"} == set(ROOMS)


@pytest.mark.parametrize("module", INNER)
def test_arrows_run_one_way(module: str) -> None:
    room = ROOMS.index(module.split(".")[1])
    for other in GRAPH[module] - {"napkin"}:
        assert ROOMS.index(other.split(".")[1]) >= room, f"{module} imports {other}"


def test_there_is_no_circle() -> None:
    inner = {module: GRAPH[module] - {"napkin"} for module in INNER}
    assert list(TopologicalSorter(inner).static_order())


def test_no_module_imports_the_package_itself() -> None:
    assert not [module for module in INNER if "napkin" in GRAPH[module]]


def test_nothing_imports_views_or_lessons() -> None:
    outer = ("napkin.views", "napkin.lessons")
    for module in MODULES:
        used = {other for other in GRAPH[module] if other.startswith(outer)}
        if module.startswith(outer):
            continue
        if module == "napkin":
            used = {o for o in imported(module, at_once=True) if o.startswith(outer)}
        assert not used, f"{module} imports {used}"


def test_verbs_do_not_reach_into_each_other() -> None:
    verbs = {module for module in MODULES if module.startswith("napkin.verbs.")}
    verbs -= {"napkin.verbs.uncertainty"}  # a sweep over draws
    assert not [(a, b) for a in verbs for b in verbs & GRAPH[a]]


def test_the_graph_is_read_rightly() -> None:
    assert "napkin.formulas.formula" in GRAPH["napkin.formulas.dollars"]
    assert "napkin.quantities.notation" in GRAPH["napkin.formulas.dollars"]
    assert {"napkin.worksheet.napkin", "napkin.views.prose"} <= GRAPH["napkin"]
    assert "napkin.views.prose" not in imported("napkin", at_once=True)


def _loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    return set(done.stdout.split())


HEAVY = {"numpy", "scipy", "matplotlib", "ipywidgets", "xarray", "pandas", "IPython", "hypothesis"}


def test_import_loads_nothing_heavy() -> None:
    loaded = _loaded_after("import napkin")
    assert "sympy" in loaded
    assert not loaded & HEAVY


def test_reading_exact_numbers_loads_nothing_heavy() -> None:
    loaded = _loaded_after(
        "import napkin as nk\n"
        "n = nk.Napkin(n_params=3, memory='80 GB', bytes_per_weight=2)\n"
        "nk.explain(n, 'weight_bytes')"
    )
    assert not loaded & HEAVY


@pytest.mark.parametrize("module", MODULES)
def test_no_text_is_run_as_code(module: str) -> None:
    forbidden = {"eval", "exec", "sympify", "parse_expr", "S", "__import__"}
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            called = node.func.attr if isinstance(node.func, ast.Attribute) else called
            assert called not in forbidden, f"{module}, line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "sympy":
            assert not forbidden & {alias.name for alias in node.names}


def test_shown_symbols_are_unique() -> None:
    shown = [quantity.shown for quantity in REGISTRY.values()]
    twice = {symbol for symbol in shown if shown.count(symbol) > 1}
    assert not twice


def test_quantities_are_declared_under_their_own_name() -> None:
    for name, quantity in REGISTRY.items():
        assert getattr(napkin.notation, name) == quantity.symbol
        assert quantity.meaning
        assert not quantity.meaning.endswith(".")
        assert name.isidentifier()
        assert not name.startswith("_")


def _public(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
            continue
        if not (inspect.isfunction(thing) or inspect.isclass(thing)):
            continue
        yield name, thing
        if inspect.isclass(thing):
            for part, method in vars(thing).items():
                if inspect.isfunction(method) and not part.startswith("_"):
                    yield f"{name}.{part}", method


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_is_documented(module: str) -> None:
    loaded = import_module(module)
    assert loaded.__doc__
    for name, thing in _public(loaded):
        text = inspect.getdoc(thing)
        assert text, f"{module}.{name}"
        if not inspect.isfunction(thing):
            continue
        signature = inspect.signature(thing)
        taken = [p for p in signature.parameters.values() if p.name not in {"self", "cls", "_"}]
        one_liner = len(text.splitlines()) == 1
        if one_liner:  # a helper whose names say it all
            assert text.endswith("."), f"{module}.{name}"
            continue
        if taken:
            assert "Parameters\n----------" in text, f"{module}.{name}"
            section = text.split("Parameters\n----------")[1].split("\n-----")[0]
            for parameter in taken:
                assert parameter.name in section, f"{module}.{name}: {parameter.name}"
        if signature.return_annotation not in {"None", None, inspect.Signature.empty}:
            stated = "Returns\n-------" in text or "Yields\n------" in text
            assert stated or not taken, f"{module}.{name}"


def test_public_names_are_there() -> None:
    for name in napkin.__all__:
        assert getattr(napkin, name) is not None
    with pytest.raises(AttributeError, match="napkin has no 'sweeep'"):
        _ = napkin.sweeep
