"""Answers of readers: read in any form, compared, and told apart."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from sympy import Eq, Expr, Float, Integer, Rational, Symbol, cancel

from ..conversion import conversion
from ..errors import AgreementError, FormulaSyntaxError, NapkinError, UnitError
from ..formula import Formula, agree
from ..notation import flops_per_mac
from ..parse import parse, parse_expression
from ..quantity import REGISTRY
from ..units import dimension_of, words
from ..value import Value, coherent, exact_number, parse_text

_TWO: Final = {flops_per_mac: Integer(2)}  # a multiply-add may be written as 2


def read_number(answer: Any, unit: str) -> float:
    """Return an answer as a number in a unit; a bare number is taken to be in it.

    Parameters
    ----------
    answer : number, str or Value
        What a reader gave.
    unit : str
        The unit that the question asks for.

    Returns
    -------
    float
        The number.

    Raises
    ------
    UnitError
        If it is no number, or in another unit, with what would be one.
    """
    named = "a plain number" if unit == "1" else unit
    if isinstance(answer, bool):
        raise UnitError(f"{answer} is no number: answer with {named}.")
    if isinstance(answer, Formula | Eq) or (isinstance(answer, Expr) and answer.free_symbols):
        raise UnitError(
            f"{answer} is a formula, but the question asks for a number: put the values in, "
            f"for example with n[...], and answer with {named}."
        )
    value = parse_text(answer) if isinstance(answer, str) else answer
    if isinstance(value, Value):
        if value.unit != "1" or not isinstance(answer, str):
            try:
                return float(value.number * conversion(value.unit, unit))
            except UnitError:
                raise UnitError(
                    f"{answer} is in {value.unit}, but the question asks for {named}."
                ) from None
        value = value.number
    try:
        number = float(exact_number(value))
    except (NapkinError, TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number):
        raise UnitError(
            f"{answer!r} is no finite number: answer with {named}, as a number or as text "
            f"with its unit."
        )
    return number


def read_formula(answer: Any, expected: Expr) -> Expr:
    """Return an answer as an expression in the symbols of the book.

    Parameters
    ----------
    answer : Expr, Eq, Formula or str
        What a reader gave; of an equation the right side counts.
    expected : Expr
        The answer: what it does not mention and the book assumes is put in.

    Returns
    -------
    Expr
        The reader's expression.

    Raises
    ------
    FormulaSyntaxError
        If it is no formula, or has symbols that are not of the book.
    """
    names = _names(expected)
    if isinstance(answer, str):
        answer = parse(answer).expression if "=" in answer else parse_expression(answer)
    elif isinstance(answer, Formula):
        answer = answer.expression
    elif isinstance(answer, Eq):
        answer = answer.rhs
    if not isinstance(answer, Expr) or answer.is_number:
        kind = "a number" if isinstance(answer, Expr | int | float | Value) else "no formula"
        raise FormulaSyntaxError(f"{answer!r} is {kind}, but the question asks for one in {names}.")
    strange = [s for s in answer.free_symbols if s.name not in REGISTRY]
    if strange:
        raise FormulaSyntaxError(
            f"`{min(map(str, strange))}` is no symbol of the book: write the answer in {names}, "
            "imported from napkin.notation."
        )
    own = {symbol: REGISTRY[symbol.name].symbol for symbol in answer.free_symbols}
    given = answer.xreplace(own).doit()
    given = given.xreplace({number: Rational(str(number)) for number in given.atoms(Float)})
    return _assumed(given, expected.free_symbols)


def _names(expression: Expr) -> str:
    return ", ".join(f"`{name}`" for name in sorted(map(str, expression.free_symbols)))


def _assumed(expression: Expr, kept: set[Symbol]) -> Expr:
    """Put in what the book assumes for symbols that the question does not mention."""
    loose = {s: REGISTRY[s.name].default for s in expression.free_symbols - kept}
    known = {s: coherent(s, value) for s, value in loose.items() if value is not None}
    return expression.xreplace(known)


def same_formula(given: Expr, other: Expr) -> bool:
    """Say whether two expressions are the same formula.

    Parameters
    ----------
    given, other : Expr
        In the symbols of the book; a multiply-add may be written as 2.

    Returns
    -------
    bool
        True if algebra, or thirty points, tell no difference.
    """
    try:
        agree(given.xreplace(_TWO), other.xreplace(_TWO))
    except AgreementError:
        return False
    return True


def near(given: float, expected: float, tolerance: float) -> bool:
    """Say whether a number is close to another.

    Parameters
    ----------
    given, expected : float
        The two.
    tolerance : float
        Largest relative error.

    Returns
    -------
    bool
        True if it is.
    """
    return abs(given - expected) <= tolerance * abs(expected)


def off_number(given: float, expected: float) -> str:
    """Say how a wrong number is wrong, without giving the right one.

    Parameters
    ----------
    given, expected : float
        The two.

    Returns
    -------
    str
        Half a sentence.
    """
    if given <= 0 < expected:
        return "the answer is above zero"
    ratio = given / expected if expected else float("inf")
    size = "far too" if not 0.1 < ratio < 10 else "too"
    return f"that is {size} {'large' if ratio > 1 else 'small'}"


def off_formula(given: Expr, expected: Expr) -> str:
    """Say how a wrong formula is wrong, without giving the right one.

    Parameters
    ----------
    given, expected : Expr
        The two.

    Returns
    -------
    str
        Half a sentence.
    """
    extra = given.free_symbols - expected.free_symbols
    if extra:
        return (
            f"your answer has `{min(map(str, extra))}` in it: put in what that stands for, until "
            f"nothing but {_names(expected)} is left"
        )
    wanted = words(dimension_of(expected))
    try:
        unit = words(dimension_of(given))
    except NapkinError as reason:
        return f"its units do not go together: {str(reason).rstrip('.')}"
    if unit not in (wanted, words(dimension_of(expected.xreplace(_TWO)))):
        return f"it comes out in {unit}, but should be in {wanted}"
    missing = expected.free_symbols - given.free_symbols
    if missing - _TWO.keys():
        return f"it does not depend on `{min(map(str, missing))}`, and the answer does"
    ratio = cancel(given.xreplace(_TWO) / expected.xreplace(_TWO))
    if ratio.is_number:
        return "it is off by a constant factor: count again what is multiplied"
    return "it has the right symbols and unit, but another form: try it with small numbers"
