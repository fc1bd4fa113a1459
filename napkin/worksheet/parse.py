"""A reader's formula, read from text by a whitelist over Python's own syntax tree."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final
from warnings import catch_warnings

from sympy import (
    Expr,
    Integer,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    ceiling,
    exp,
    floor,
    log,
    sqrt,
)
from sympy.core.relational import Eq, Ge, Gt, Le, Lt, Ne
from sympy.logic.boolalg import Boolean

from ..errors import FormulaSyntaxError, UnknownNameError
from ..formulas.formula import Formula
from ..quantities.quantity import lookup

_LONGEST: Final = 2_000  # characters
_DEEPEST: Final = 40  # levels of brackets, or of the tree
_MOST_NODES: Final = 300
_MOST_SIDES: Final = 8  # of one Min or Max: SymPy compares each with each
_LARGEST_EXPONENT: Final = 64
_HIGHEST_DEGREE: Final = 100
_MOST_DIGITS: Final = 400
_HELP: Final = (
    "A formula reads 'target = expression', with code names, numbers, + - * / **, "
    "Min, Max, sqrt, log, exp, ceiling, floor, and 'a if x < y else b'."
)
_OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Any]] = {
    ast.Lt: Lt,
    ast.LtE: Le,
    ast.Gt: Gt,
    ast.GtE: Ge,
    ast.Eq: Eq,
    ast.NotEq: Ne,
}
FUNCTIONS: Final[dict[str, Any]] = {
    "Min": Min,
    "Max": Max,
    "sqrt": sqrt,
    "log": log,
    "exp": exp,
    "ceiling": ceiling,
    "floor": floor,
}
_ROUNDING: Final = ("ceiling", "floor")


def parse(text: str) -> Formula:
    """Read a formula from text.

    Parameters
    ----------
    text : str
        ``"target = expression"`` in code names of quantities. Allowed are numbers,
        ``+ - * / **``, ``Min``, ``Max``, ``sqrt``, ``log``, ``exp``, ``ceiling``,
        ``floor`` and ``a if x < y else b``.

    Returns
    -------
    Formula
        With the reader as its source. Units are checked where it is assumed.

    Raises
    ------
    FormulaSyntaxError
        With the place, if the text is anything else, too long, too deep, or would
        make a number too large to hold. Nothing of the text is ever executed.

    Examples
    --------
    >>> parse("kv_bytes_per_token = 2 * n_layers * n_kv_heads * d_head * bytes_per_kv / 2")
    kv_bytes_per_token = bytes_per_kv*d_head*n_kv_heads*n_layers
    """
    _check_text(text)
    left, equals, right = text.partition("=")
    if not equals or right.startswith("="):
        raise _wrong(text, len(left), "there is no 'target = expression' here")
    name = left.strip()
    target = _Reader(text, 0).quantity(name, left.index(name) if name else 0)
    expression = _read(text, len(left) + 1)
    return Formula(target, expression, why="as you wrote it", source="the reader's own")


def parse_expression(text: str) -> Expr:
    """Read an expression from text.

    Parameters
    ----------
    text : str
        In code names of quantities, as on the right side of what `parse` reads.

    Returns
    -------
    Expr
        In the symbols of the registry.

    Raises
    ------
    FormulaSyntaxError
        As `parse` does.

    Examples
    --------
    >>> parse_expression("memory / bandwidth")
    memory/bandwidth
    """
    _check_text(text)
    return _read(text, 0)


def _read(text: str, start: int) -> Expr:
    """Read the expression that begins at a place of the text."""
    right = text[start:]
    start += len(right) - len(right.lstrip())
    try:
        with catch_warnings(action="ignore"):  # of "2inner": the error says where it is
            tree = ast.parse(right.strip(), mode="eval")
    except SyntaxError as reason:
        place = start + max(0, (reason.offset or 1) - 1)
        raise _wrong(text, place, "this is no expression") from None
    except (ValueError, MemoryError, RecursionError):
        raise _wrong(text, start, "this is no expression") from None
    return _Reader(text, start).read(tree.body)


def _wrong(text: str, place: int, why: str) -> FormulaSyntaxError:
    """Build the error that shows where in the text it is."""
    first = max(0, place - 30)
    shown = ascii(text[first : place + 30])[1:-1]
    return FormulaSyntaxError(f"at character {place + 1} of {shown!r}: {why}. {_HELP}")


def _check_text(text: str) -> None:
    """Refuse what Python's own parser should not even see."""
    if not isinstance(text, str):
        raise FormulaSyntaxError(f"a formula is text, got {type(text).__name__}. {_HELP}")
    if len(text) > _LONGEST:
        raise _wrong(text, _LONGEST, f"it is longer than {_LONGEST} characters")
    depth = 0
    for place, letter in enumerate(text):
        if not " " <= letter <= "~":
            raise _wrong(text, place, "only plain letters, digits and signs may stand here")
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth > _DEEPEST:
            raise _wrong(text, place, f"more than {_DEEPEST} brackets are open")


class _Reader:
    """Builds the SymPy expression of one syntax tree, node by node."""

    def __init__(self, text: str, start: int) -> None:
        self.text, self.start, self.nodes = text, start, 0

    def wrong(self, node: ast.AST, why: str) -> FormulaSyntaxError:
        return _wrong(self.text, self.start + getattr(node, "col_offset", 0), why)

    def quantity(self, name: str, place: int) -> Symbol:
        try:
            return lookup(name).symbol
        except UnknownNameError as reason:
            why = f"{str(reason).rstrip('.')}, or declare your own with nk.quantity"
            raise _wrong(self.text, self.start + place, why) from None

    def read(self, node: ast.AST, depth: int = 0) -> Expr:
        """Return the expression of a node."""
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > _DEEPEST:
            raise self.wrong(node, "this is too long or too deep")
        if isinstance(node, ast.Name):
            return self.quantity(node.id, node.col_offset)
        if isinstance(node, ast.Constant):
            return self.number(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            value = self.read(node.operand, depth + 1)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            left, right = self.read(node.left, depth + 1), self.read(node.right, depth + 1)
            if isinstance(node.op, ast.Pow):
                return self.power(node, left, right)
            if type(node.op) in _OPERATORS:
                return self.checked(node, _OPERATORS[type(node.op)](left, right))
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        if isinstance(node, ast.IfExp):
            condition = self.condition(node.test, depth + 1)
            then, otherwise = self.read(node.body, depth + 1), self.read(node.orelse, depth + 1)
            return Piecewise((then, condition), (otherwise, True))
        raise self.wrong(node, f"{type(node).__name__} is not allowed")

    def number(self, node: ast.Constant) -> Expr:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(node, f"{type(value).__name__} is not a number")
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise self.wrong(node, "the number is not finite")
        return self.checked(
            node, Integer(value) if isinstance(value, int) else Rational(repr(value))
        )

    def power(self, node: ast.AST, base: Expr, exponent: Expr) -> Expr:
        if exponent.is_number:
            size = abs(exponent)
            digits = max(1, _digits(base)) * size
            if size > _LARGEST_EXPONENT or (base.is_number and digits > _MOST_DIGITS):
                raise self.wrong(node, f"an exponent above {_LARGEST_EXPONENT} is too large")
        elif base.has(exp) or exponent.has(exp) or _has_open_power(exponent):
            raise self.wrong(node, "an exponent within an exponent grows too fast")
        result = base**exponent
        if result.is_Pow and result.exp.is_number and abs(result.exp) > _LARGEST_EXPONENT:
            raise self.wrong(node, f"an exponent above {_LARGEST_EXPONENT} is too large")
        return self.checked(node, result)

    def call(self, node: ast.Call, depth: int) -> Expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords:
            raise self.wrong(node, f"only {', '.join(FUNCTIONS)} may be called")
        args = [self.read(argument, depth + 1) for argument in node.args]
        if not (1 <= len(args) <= (_MOST_SIDES if name in {"Min", "Max"} else 1)):
            raise self.wrong(node, f"{name} takes another number of arguments")
        if name in {"exp", *_ROUNDING} and any(
            arg.has(exp) or _has_open_power(arg) for arg in args
        ):
            raise self.wrong(node, f"{name} of an exponential grows too fast")
        if name == "exp" and args[0].is_number and abs(args[0]) > 1000:
            raise self.wrong(node, "the exponential is too large")
        try:
            return self.checked(node, FUNCTIONS[name](*args))
        except (TypeError, ValueError):
            raise self.wrong(node, f"{name} has no value here") from None

    def condition(self, node: ast.AST, depth: int) -> Boolean:
        if (
            isinstance(node, ast.Compare)
            and len(node.ops) == 1
            and type(node.ops[0]) in _COMPARISONS
        ):
            left = self.read(node.left, depth + 1)
            right = self.read(node.comparators[0], depth + 1)
            if not (left.has(Piecewise) or right.has(Piecewise)):
                return _COMPARISONS[type(node.ops[0])](left, right)
        raise self.wrong(node, "a condition compares two expressions, as in x < y")

    def checked(self, node: ast.AST, value: Expr) -> Expr:
        if value.is_number and not (value.is_finite and value.is_real):
            raise self.wrong(node, "this is not a finite real number")
        if value.is_Rational and _digits(value) > _MOST_DIGITS:
            raise self.wrong(node, f"the number has more than {_MOST_DIGITS} digits")
        if _degree(value) > _HIGHEST_DEGREE:
            raise self.wrong(node, f"powers of powers above degree {_HIGHEST_DEGREE} are too large")
        return value


def _degree(value: Any) -> Any:
    """Return the degree of a polynomial before it is multiplied out; irrationals count as names."""
    if not value.args:
        return 0 if value.is_Rational else 1
    if value.is_Mul:
        return sum(_degree(arg) for arg in value.args)
    if value.is_Pow:
        return _degree(value.base) * (max(1, abs(value.exp)) if value.exp.is_number else 1)
    return max(_degree(arg) for arg in value.args)


def _digits(value: Expr) -> int:
    """Return about how many decimal digits a rational number has."""
    if not value.is_Rational:
        return 0
    return int(max(int(value.p).bit_length(), int(value.q).bit_length()) * 0.30103)


def _has_open_power(expression: Expr) -> bool:
    return any(not power.exp.is_number for power in expression.atoms(type(Symbol("x") ** 2)))
