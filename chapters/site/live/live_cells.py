# SPDX-License-Identifier: Apache-2.0
"""Cells that run in the page, as a notebook would run them."""

import ast
import contextlib
import io
from typing import Any

from sympy import Basic

import napkin as nk
from napkin.formulas.formula import latex_of

spaces: dict[str, dict[str, Any]] = {}
"""The names of each page's cells."""


def _shown(value: Any) -> dict[str, str]:
    """Return a value in every form that it has, as a notebook would."""
    found = {"text/plain": repr(value)}
    if isinstance(value, Basic):
        found["text/latex"] = f"$\\displaystyle {latex_of(value)}$"
    for kind in ("html", "markdown", "latex"):
        method = getattr(value, f"_repr_{kind}_", None)
        made = method() if callable(method) else None
        if made:
            found[f"text/{kind}"] = made
    return found


class _Absent:
    """Stands for a library that the page does not have, until something uses it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, part: str) -> Any:
        raise ImportError(f"{self.name} is not in the page", name=self.name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        raise ImportError(f"{self.name} is not in the page", name=self.name)


def _execute(statement: ast.stmt, names: dict[str, Any]) -> None:
    """Run a statement; a library that is not there is missed only where it is used."""
    try:
        exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)
    except ImportError as reason:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            raise
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            names[name] = _Absent(reason.name or name)


def run(code: str, space: str) -> dict[str, Any]:
    """Run a cell; its last expression is its value. Cells of one space share their names."""
    names = spaces.setdefault(space, {"__name__": "__main__"})
    printed, result = io.StringIO(), dict[str, Any]()
    try:
        tree = ast.parse(code, "<cell>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            for statement in tree.body:
                _execute(statement, names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
                if value is not None:
                    result["value"] = _shown(value)
    except ImportError as reason:
        result["absent"] = (reason.name or str(reason)).partition(".")[0]
    except SyntaxError as reason:
        result["error"] = f"SyntaxError: {reason.msg} (line {reason.lineno})"
    except BaseException as reason:
        where = "" if isinstance(reason, nk.NapkinError) else _line_of(reason)
        result["error"] = f"{type(reason).__name__}: {reason}{where}"
    result["printed"] = printed.getvalue()
    return result


def _line_of(reason: BaseException) -> str:
    here, lines = reason.__traceback__, []
    while here:
        if here.tb_frame.f_code.co_filename == "<cell>":
            lines.append(here.tb_lineno)
        here = here.tb_next
    return f" (line {lines[-1]})" if lines else ""
