"""Answers of readers, read in any form that a person would write."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

from sympy import Eq, Expr, Float, Integer, Rational

from ..errors import AgreementError, FormulaSyntaxError, NapkinError, UnitError
from ..formulas.agreement import agree
from ..formulas.formula import Formula
from ..quantities.given import coherent, parse_text
from ..quantities.notation import flops_per_mac
from ..quantities.quantity import REGISTRY
from ..quantities.units import conversion
from ..quantities.value import Value, exact_number
from ..worksheet.parse import FUNCTIONS, parse_expression

_COUNTED: Final = re.compile(r"\s*(times|x|×|parameters|rows|conversations)$")
_SIGNS: Final = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "²": "**2", "^": "**"})
_TWO: Final = {flops_per_mac: Integer(2)}  # a multiply-add may be written as 2


def read_number(answer: Any, unit: str) -> float:
    """Return an answer as a number in a unit; a bare number is taken to be in it."""
    named = "a plain number" if unit == "1" else unit
    answer = _alone(answer)
    if isinstance(answer, Eq):
        answer = next((side for side in answer.args if side.is_number), answer)
    if isinstance(answer, bool):
        raise UnitError(f"{answer} is no number: answer with {named}.")
    if isinstance(answer, Formula | Eq) or (isinstance(answer, Expr) and answer.free_symbols):
        raise UnitError(
            f"{answer} is a formula, but the question asks for a number: put the values in, "
            f"for example with n[...], and answer with {named}."
        )
    value = _from_text(answer, named) if isinstance(answer, str) else answer
    if isinstance(value, Value):
        if value.unit != unit and not (value.unit == "1" and isinstance(answer, str)):
            try:
                factor = conversion(value.unit, unit)
            except UnitError:
                factor = None
            if factor is None or unit == "1":
                raise UnitError(f"{answer} is in {value.unit}, but the question asks for {named}.")
            value = Value(value.number * factor, unit)
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
    """Return an answer as an expression in the symbols of the book."""
    answer = _alone(answer)
    if isinstance(answer, str):
        text = answer.translate(_SIGNS).rpartition("=")[2].strip()
        for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\()", text):
            _check_name(name, expected)
        answer = parse_expression(text)
    elif isinstance(answer, Formula):
        answer = answer.expression
    elif isinstance(answer, Eq):
        sides = [side for side in answer.args if not side.is_Symbol]
        if len(sides) > 1:
            raise FormulaSyntaxError("That is an equation: solve it for what the question asks.")
        answer = (sides or answer.args[1:])[0]
    if not isinstance(answer, Expr) or answer.is_number:
        kind = "a number" if isinstance(answer, Expr | int | float | Value) else "no formula"
        raise FormulaSyntaxError(
            f"That is {kind}: {answer!s:.60}. The question asks for a formula in {names(expected)}."
        )
    for symbol in sorted(answer.free_symbols, key=str):
        _check_name(symbol.name, expected)
    own = {symbol: REGISTRY[symbol.name].symbol for symbol in answer.free_symbols}
    given = answer.xreplace(own).doit()
    given = given.xreplace({number: _exact(number) for number in given.atoms(Float)})
    loose = given.free_symbols - expected.free_symbols - _TWO.keys()
    known = {s: REGISTRY[s.name].default for s in loose}
    return given.xreplace({s: coherent(s, v) for s, v in known.items() if v is not None})


def names(expression: Expr) -> str:
    """Return the code names of an expression's symbols, for a sentence."""
    return ", ".join(f"`{name}`" for name in sorted(map(str, expression.free_symbols)))


def plain(expression: Expr) -> Expr:
    """Write a multiply-add as the two operations that it is."""
    return expression.xreplace(_TWO)


def same_formula(given: Expr, other: Expr) -> bool:
    """Say whether two expressions are the same formula."""
    try:
        agree(plain(given), plain(other))
    except (AgreementError, TypeError, ValueError, ArithmeticError):
        return False
    return True


def _alone(answer: Any) -> Any:
    """Take the only element out of a list: `solve` returns one."""
    return answer[0] if isinstance(answer, list | tuple) and len(answer) == 1 else answer


def _from_text(text: str, named: str) -> Value:
    right = _COUNTED.sub("", text.rpartition("=")[2].strip())
    share = re.sub(r"\s*(%|percent)$", "", right)
    try:
        value = parse_text(share)
    except UnitError as reason:
        try:  # arithmetic, as people type it
            number = parse_expression(share)
        except NapkinError:
            number = None
        if number is None or not number.is_number:
            told = str(reason).split(". ")[0]
            raise UnitError(f"{told}. Answer with a number, or with its unit: {named}.") from None
        value = Value(number, "1")
    return value if share == right else Value(value.number / 100, value.unit)


def _check_name(name: str, expected: Expr) -> None:
    """Raise for a name that the book does not have, with the one that was meant."""
    if name in REGISTRY or name in FUNCTIONS:
        return
    for symbol in expected.free_symbols:
        if re.sub(r"\\mathrm|[{}\\]", "", REGISTRY[symbol.name].shown) == name:
            raise FormulaSyntaxError(
                f"In formulas `{name}` is printed for `{symbol}`: write the code name."
            )
    raise FormulaSyntaxError(
        f"`{name}` is no symbol of the book: write the answer in {names(expected)}, imported from "
        "napkin.notation, or as text."
    )


def _exact(number: Float) -> Rational:
    """Return the fraction that somebody meant who wrote 2.667."""
    typed = Rational(str(number))
    near = typed.limit_denominator(100)
    return near if abs(near - typed) <= abs(typed) / 1000 else typed
