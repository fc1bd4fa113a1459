"""The shape of the package: arrows one way, light to import, small modules, no strings run."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest
from numpydoc.validate import validate

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
        assert quantity.own or getattr(napkin.notation, name) == quantity.symbol
        assert quantity.meaning
        assert not quantity.meaning.endswith(".")
        assert name.isidentifier()
        assert not name.startswith("_")


FACES = {"napkin": napkin, "napkin.catalog": napkin.catalog, "napkin.views": napkin.views}
FACE = [f"{module}.{name}" for module, face in FACES.items() for name in face.__all__]


def _handed_out() -> Iterator[tuple[str, object]]:
    """Yield what readers call, and the methods of what they get, each under its own name."""
    for name in FACE:
        module, _, last = name.rpartition(".")
        thing = getattr(FACES[module], last)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield name, thing
        if inspect.isclass(thing) and thing.__module__.startswith("napkin"):
            for part, method in vars(thing).items():
                if inspect.isfunction(method) and not part.startswith("_"):
                    yield f"{name}.{part}", method


# Codes of numpydoc: one summary line may be enough, on the line of the quotes; examples stand
# where they teach; fields of a class, and what a line says already, are not listed again.
LEFT_OPEN = {"ES01", "EX01", "GL01", "GL08", "PR01", "PR02", "RT01", "SA01", "SS05", "YD01"}


@pytest.mark.parametrize("name", dict(_handed_out()))
def test_what_readers_call_is_documented_in_full(name: str) -> None:
    thing = dict(_handed_out())[name]
    found = validate(f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}")
    assert not [error for error in found["errors"] if error[0] not in LEFT_OPEN]
    if inspect.isfunction(thing):
        taken = [p for p in inspect.signature(thing).parameters if p not in ("self", "cls")]
        text = inspect.getdoc(thing) or ""
        section = text.partition("Parameters\n----------")[2].partition("\n-----")[0]
        assert not [parameter for parameter in taken if parameter not in section]


@pytest.mark.parametrize("module", MODULES)
def test_everything_else_has_its_sentence(module: str) -> None:
    loaded = import_module(module)
    assert loaded.__doc__
    for name, thing in vars(loaded).items():
        own = getattr(thing, "__module__", "") == module and not name.startswith("_")
        if own and (inspect.isfunction(thing) or inspect.isclass(thing)):
            assert inspect.getdoc(thing), f"{module}.{name}"


def test_public_names_are_as_type_checkers_see_them() -> None:
    tree = ast.parse(MODULES["napkin"].read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    names = {
        alias.name
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names | {"notation"} == set(napkin.__all__)
    with pytest.raises(AttributeError, match="napkin has no 'sweeep'"):
        _ = napkin.sweeep
