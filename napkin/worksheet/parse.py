"""Read a reader's formula from text, by a whitelist over Python's syntax tree."""

from __future__ import annotations

import ast
import operator
from typing import Any, Final
from warnings import catch_warnings

from sympy import Expr, Max, Min, Piecewise, Rational, Symbol, ceiling, exp, floor, log, sqrt
from sympy.core.relational import Eq, Ge, Gt, Le, Lt, Ne

from ..errors import FormulaSyntaxError, UnknownNameError
from ..formulas.formula import Formula
from ..quantities.quantity import lookup

_LONGEST: Final = 2_000  # characters
_LARGEST: Final = 64  # exponent, level of nesting
_HIGHEST_DEGREE: Final = 100
_LARGEST_LOGARITHM: Final = 1000
_HELP: Final = (
    "A formula reads 'target = expression', with code names, numbers, + - * / **, "
    "Min, Max, sqrt, log, exp, ceiling, floor, and 'a if x < y else b'."
)
_OPERATORS: Final[dict[type[ast.AST], Any]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul},
    **{ast.Div: operator.truediv, ast.Pow: operator.pow},
    **{ast.USub: operator.neg, ast.UAdd: operator.pos},
    **{ast.Lt: Lt, ast.LtE: Le, ast.Gt: Gt, ast.GtE: Ge, ast.Eq: Eq, ast.NotEq: Ne},
}
FUNCTIONS: Final[dict[str, Any]] = {
    **{"Min": Min, "Max": Max, "sqrt": sqrt, "log": log, "exp": exp},
    **{"ceiling": ceiling, "floor": floor},
}


def parse(text: str) -> Formula:
    """Read a formula, ``"target = expression"`` in code names of quantities.

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
    target = _quantity(name, text, left.index(name))
    expression = _read(text, len(left) + 1)
    return Formula(target, expression, why="as you wrote it", source="the reader's own")


def parse_expression(text: str) -> Expr:
    """Read an expression, as on the right side of what `parse` reads.

    Examples
    --------
    >>> parse_expression("memory / bandwidth")
    memory/bandwidth
    """
    _check_text(text)
    return _read(text, 0)


def _wrong(text: str, place: int, why: str) -> FormulaSyntaxError:
    first = max(0, place - 30)
    shown = ascii(text[first : place + 30])[1:-1]
    return FormulaSyntaxError(f"at character {place + 1} of {shown!r}: {why}. {_HELP}")


def _check_text(text: str) -> None:
    if not isinstance(text, str):
        raise FormulaSyntaxError(f"a formula is text, got {type(text).__name__}. {_HELP}")
    if len(text) > _LONGEST:
        raise _wrong(text, _LONGEST, f"it is longer than {_LONGEST} characters")
    if not (text.isascii() and text.isprintable()):
        raise _wrong(text, 0, "only plain letters, digits and operators are allowed here")


def _quantity(name: str, text: str, place: int) -> Symbol:
    try:
        return lookup(name).symbol
    except UnknownNameError as reason:
        why = f"{str(reason).rstrip('.')}, or declare your own with nk.quantity"
        raise _wrong(text, place, why) from None


def _read(text: str, start: int) -> Expr:
    """Read the expression that begins at an offset of the text."""
    start += len(text[start:]) - len(text[start:].lstrip())
    try:
        with catch_warnings(action="ignore"):  # of "2inner": the error says where it is
            tree = ast.parse(text[start:].strip(), mode="eval")
    except SyntaxError as reason:
        raise _wrong(text, start + max(0, (reason.offset or 1) - 1), "no expression") from None
    except (ValueError, MemoryError, RecursionError):
        raise _wrong(text, start, "this is no expression") from None

    def read(node: ast.expr, depth: int = 0) -> Any:
        def wrong(why: str) -> FormulaSyntaxError:
            return _wrong(text, start + node.col_offset, why)

        def below(*nodes: ast.expr) -> list[Any]:
            return [read(part, depth + 1) for part in nodes]

        if depth > _LARGEST:
            raise wrong("this is too deep")
        match node:
            case ast.Name():
                return _quantity(node.id, text, start + node.col_offset)
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                value = Rational(repr(number)) if abs(number) < 1e300 else None
            case ast.UnaryOp(op=op) if type(op) in _OPERATORS:
                value = _OPERATORS[type(op)](*below(node.operand))
            case ast.BinOp(op=op) if type(op) in _OPERATORS:
                left, right = below(node.left, node.right)
                if isinstance(op, ast.Pow) and not right.is_number and left.has(exp):
                    raise wrong("an exponent within an exponent grows too fast")
                if isinstance(op, ast.Pow) and right.is_number and abs(right) > _LARGEST:
                    raise wrong(f"an exponent above {_LARGEST} is too large")
                value = _OPERATORS[type(op)](left, right)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
                if not 1 <= len(node.args) <= (8 if name in ("Min", "Max") else 1):
                    raise wrong(f"{name} takes a different number of arguments")
                value = FUNCTIONS[name](*below(*node.args))
            case ast.IfExp(
                test=ast.Compare(left=one, ops=[op], comparators=[two]), body=yes, orelse=no
            ):
                one, two, then, otherwise = below(one, two, yes, no)
                return Piecewise((then, _OPERATORS[type(op)](one, two)), (otherwise, True))
            case _:
                raise wrong(f"{type(node).__name__} is not allowed")
        if value is not None and (why := _why_too_large(value)):
            raise wrong(why)
        if value is None or (value.is_number and not (value.is_finite and value.is_real)):
            raise wrong("this is not a finite real number")
        if value.is_Rational and max(value.p.bit_length(), value.q.bit_length()) > 1400:
            raise wrong("the number has too many digits")
        return value

    return read(tree.body)


def _why_too_large(value: Expr) -> str:
    """Say why later steps with a value would exhaust memory; an empty text if they would not."""
    arguments = [part.args[0] for part in value.atoms(exp)]
    if any(number.is_number and abs(number) > _LARGEST_LOGARITHM for number in arguments):
        return "the exponential is too large"
    if _exponentials(value) > (0 if isinstance(value, ceiling | floor) else 1):
        return "an exponential within another one, or rounded, grows too fast"
    if _degree(value) > _HIGHEST_DEGREE:
        return f"powers of powers above degree {_HIGHEST_DEGREE} are too large"
    return ""


def _exponentials(value: Any) -> int:
    """Count how deep exponentials are nested."""
    opens = isinstance(value, exp) or (value.is_Pow and not value.exp.is_number)
    return int(opens) + max(map(_exponentials, value.args), default=0)


def _degree(value: Any) -> Any:
    """Return the degree of a polynomial before expansion; irrationals count as symbols."""
    if not value.args:
        return 0 if value.is_Rational else 1
    if value.is_Mul:
        return sum(map(_degree, value.args))
    if value.is_Pow:
        return _degree(value.base) * (max(1, abs(value.exp)) if value.exp.is_number else 1)
    return max(map(_degree, value.args))
