"""How a wrong answer is wrong, without giving the right one."""

from __future__ import annotations

from math import isclose, log
from typing import Final

from sympy import Expr, Integer, cancel

from ..errors import NapkinError
from ..formulas import BASE
from ..quantities.dimensions import dimension_of
from ..quantities.units import words
from .answers import names, plain

_BINARY: Final = [2.0 ** (10 * power) / 1000.0**power for power in (1, 2, 3, 4)]


def near(given: float, expected: float, tolerance: float) -> bool:
    """Say whether a number is close to another."""
    return abs(given - expected) <= tolerance * abs(expected)


def off_number(given: float, expected: float, unit: str) -> str:
    """Say how a wrong number is wrong."""
    if given <= 0 < expected:
        return "the answer is above zero"
    ratio = given / expected if expected else float("inf")
    thousands = log(ratio, 1000)
    if round(thousands) and isclose(thousands, round(thousands), abs_tol=0.002):
        return f"that is off by thousands: check the prefix (a bare number counts as {unit})"
    if unit == "1" and near(ratio, 100, 0.02):
        return "that is right in percent, but a share was asked for: write the sign, as in '5%'"
    if "byte" in unit and any(near(ratio, f, 5e-3) or near(1 / ratio, f, 5e-3) for f in _BINARY):
        return "that is off as GiB are from GB: check which of the two you have"
    if near(given * expected, 1, 0.02):
        return "that is upside down"
    if near(given, expected, 0.05):
        return "that is near: give three digits, and do not round before the end"
    size = "far too" if not 0.1 < ratio < 10 else "too"
    return f"that is {size} {'large' if ratio > 1 else 'small'}"


def off_formula(given: Expr, expected: Expr) -> str:
    """Say how a wrong formula is wrong."""
    extra = sorted(given.free_symbols - expected.free_symbols, key=str)
    if extra and extra[0] in BASE:
        return (
            f"your answer has `{extra[0]}` in it: put in what that stands for, until nothing but "
            f"{names(expected)} is left"
        )
    if extra:
        return f"the answer does not depend on `{extra[0]}`, but on {names(expected)}"
    try:
        unit = words(dimension_of(given))
    except NapkinError as reason:
        return f"its units do not go together: {str(reason).rstrip('.')}"
    wanted = words(dimension_of(expected))
    if unit not in (wanted, words(dimension_of(plain(expected)))):
        asked = "a plain number" if wanted == "1" else f"in {wanted}"
        return f"it comes out in {unit}, but should be {asked}".replace(" in 1,", " as a number,")
    mine, right = plain(given), plain(expected)
    missing = right.free_symbols - mine.free_symbols
    if missing:
        return f"it does not depend on `{min(map(str, missing))}`, and the answer does"
    if cancel(mine / right).is_number:
        return "it is off by a constant factor or a sign: count again what is multiplied"
    point = {s: Integer(7 + 2 * i) for i, s in enumerate(sorted(mine.free_symbols, key=str))}
    there = ", ".join(f"{symbol} = {value}" for symbol, value in point.items())
    return f"with {there} yours gives {float(mine.xreplace(point)):.4g}: work that case out by hand"
