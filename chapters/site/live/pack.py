# SPDX-License-Identifier: Apache-2.0
"""Runs in the interpreter of the page, when the site is built: sources in, .pyc files out."""

import ast
import fnmatch
from collections.abc import Collection

# Python has this function, but its stubs don't: a .pyc is told valid by a hash, not by a date.
from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined]
from importlib.util import source_hash
from types import CodeType
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# What no page of the book needs. Units, vectors and categories stay: SymPy imports them when it
# solves, simplifies or prints.
DROP = (
    *("*/tests/*", "*/benchmarks/*", "sympy/physics/*", "sympy/parsing/autolev/*"),
    *("sympy/parsing/latex/*", "sympy/parsing/c/*", "sympy/parsing/fortran/*"),
    *("sympy/diffgeom/*", "sympy/galgebra*", "sympy/sandbox/*", "sympy/crypto/*", "sympy/stats/*"),
    *("sympy/liealgebras/*", "sympy/holonomic/*", "sympy/conftest.py"),
    *("sympy/polys/numberfields/resolvent_lookup.py", "sympy/integrals/rubi/*"),
)
KEEP = ("sympy/physics/__init__.py", "sympy/physics/matrices.py", "sympy/physics/units/*")


def _is_left_out(name: str) -> bool:
    kept = any(fnmatch.fnmatch(name, pattern) for pattern in KEEP) and "/tests/" not in name
    return not kept and any(fnmatch.fnmatch(name, pattern) for pattern in DROP)


def _without_docs(tree: ast.Module) -> ast.Module:
    """Empty the docstrings; leave assertions as they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                first.value.value = "" if isinstance(first.value.value, str) else first.value.value
    return tree


def _without_lines(code: CodeType) -> CodeType:
    """Drop the tables from byte code to lines: two fifths of the packed size."""
    parts = [_without_lines(c) if isinstance(c, CodeType) else c for c in code.co_consts]
    # Not an empty table, on which `traceback` fails: "no location", eight units a byte.
    eights, rest = divmod(len(code.co_code) // 2, 8)
    table = b"\xff" * eights + (bytes([0xF8 | rest - 1]) if rest else b"")
    return code.replace(co_linetable=table, co_consts=tuple(parts))


def pack(source: str, out: str, whole: Collection[str]) -> None:
    """Compile an archive; the packages that are named keep docstrings and line numbers."""
    with ZipFile(source) as sources, ZipFile(out, "w") as target:
        for name in sorted(sources.namelist()):
            if _is_left_out(name):
                continue
            data = sources.read(name)
            if name.endswith(".py"):
                keeps = name.removesuffix(".py").split("/")[0] in whole
                tree = ast.parse(data, name)
                code = compile(
                    tree if keeps else _without_docs(tree), name, "exec", dont_inherit=True
                )
                code = code if keeps else _without_lines(code)
                data = bytes(_code_to_hash_pyc(code, source_hash(data), checked=False))
                name += "c"
            entry = ZipInfo(name, (2020, 1, 1, 0, 0, 0))  # the same bytes every time
            target.writestr(entry, data, ZIP_DEFLATED, 9)
