"""The largest value at which one quantity does not exceed another: a closed form or a root.

The search of `worksheet.solving` is another one, because it takes any quantity at any level.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from sympy import (
    Add,
    Dummy,
    Expr,
    Float,
    Integer,
    Max,
    Min,
    Mul,
    Piecewise,
    Poly,
    PolynomialError,
    Subs,
    Symbol,
    fraction,
    lambdify,
    oo,
    together,
    true,
)
from sympy.logic.boolalg import Boolean

from .probability import FUNCTIONS

_DIGITS: Final = 30
_STEP: Final = 8.0
_STEPS: Final = range(-9, 28)  # the search grid: powers of eight


class Largest(Expr):
    """The largest value of an unknown at which one expression does not exceed another.

    Formulas hold it as an unevaluated root. Bracketing evaluates it, and the implicit function
    theorem gives its derivative. The unknown is a bound symbol, not a free one.
    """

    is_commutative = True
    is_extended_real = True

    @property
    def bound_symbols(self) -> list[Symbol]:
        """The unknown, under its bound name."""
        return [self.args[0]]

    @property
    def free_symbols(self) -> set[Symbol]:
        """The symbols of both sides, except the unknown."""
        symbols: set[Symbol] = self.args[1].free_symbols | self.args[2].free_symbols
        return symbols - {self.args[0]}

    def _eval_derivative(self, symbol: Symbol) -> Expr:
        bound, left, right = self.args
        off = left - right
        # Not substituted: SymPy would compare long sums with each other at each Max.
        return Subs(-off.diff(symbol) / off.diff(bound), bound, self)

    def _eval_evalf(self, prec: int) -> Expr | None:
        return None if self.free_symbols else _bracketed(*self.args)

    def _sympystr(self, printer: Any) -> str:
        bound, left, right = self.args
        return f"Largest({bound}, {printer._print(left)} <= {printer._print(right)})"

    def _latex(self, printer: Any) -> str:
        bound, left, right = map(printer._print, self.args)
        return rf"\max\left\{{{bound} \;\middle|\; {left} \le {right}\right\}}"

    def _code(self, printer: Any) -> str:
        bound, left, right = self.args
        names = sorted(map(str, self.free_symbols))
        inside = ", ".join([str(bound), *names])
        body = printer._print(left - right)
        return f"largest(lambda {inside}: {body}, {', '.join(names)})"

    _numpycode = _pythoncode = _code

    def _javascript(self, printer: Any) -> str:
        bound, left, right = self.args
        return f"largest(({bound}) => {printer._print(left - right)})"


@lru_cache(maxsize=1024)
def _bracketed(bound: Symbol, left: Expr, right: Expr) -> Expr:
    """Return the root to 30 digits."""
    import mpmath

    with mpmath.workdps(_DIGITS + 5):
        off = lambdify([bound], left - right, modules=[FUNCTIONS, "mpmath"])
        root = largest_allowed(off, mpmath.mpf(1), mpmath.mpf(10) ** -_DIGITS)
        return oo if root == float("inf") else Float(root, _DIGITS) if root else Integer(0)


def largest_allowed(off: Callable[..., Any], one: Any = 1.0, width: Any = 1e-16) -> Any:
    """Return the largest x with ``off(x) <= 0``, from a grid search and then bisection.

    Returns zero if no point of the grid qualifies, and infinity if the last one does. `one` sets
    the type of the numbers, and `width` the relative width of the last bracket.
    """
    places = [one * _STEP**power for power in _STEPS]
    allowed = [x for x in places if _holds(off, x)]
    if not allowed:
        return one * 0
    if allowed[-1] == places[-1]:
        return float("inf")
    low, high = allowed[-1], allowed[-1] * _STEP
    while high - low > low * width and low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _holds(off, middle) else (low, middle)
    return low


def largest_of_arrays(off: Callable[..., Any], *args: Any) -> Any:
    """Solve whole arrays at once in double precision; ``off(x, *args)`` must rise with x."""
    import numpy as np
    from scipy.optimize.elementwise import find_root

    low: Any = np.zeros(np.broadcast_shapes(*(np.shape(arg) for arg in args)))
    places = _STEP ** np.array(_STEPS[::2], float)  # a root finder needs no narrower bracket
    for place in places:
        allowed = off(place, *args) <= 0
        if not np.any(allowed):  # nor will it be further up
            break
        low = np.where(allowed, place, low)
    inside = (low > 0) & (low < places[-1])
    root = np.where(low > 0, np.inf, 0.0)
    if inside.any():
        many = [place for place, arg in enumerate(args) if np.ndim(arg)]

        def at(x: Any, *arrays: Any) -> Any:
            own = dict(zip(many, arrays, strict=True))
            return off(x, *(own.get(place, arg) for place, arg in enumerate(args)))

        spread = tuple(np.broadcast_to(args[place], low.shape)[inside] for place in many)
        root[inside] = find_root(at, (low[inside], low[inside] * _STEP**2), args=spread).x
    return root


def _holds(off: Callable[[Any], Any], x: Any) -> bool:
    try:
        found = off(x)
        return bool(found <= 0)
    except (ZeroDivisionError, ValueError, TypeError, OverflowError):
        return False


def bound_of(unknown: Symbol) -> Symbol:
    """Return the bound symbol of an unknown, under a name that no quantity may have."""
    return Symbol(f"{unknown}_", positive=True)


@lru_cache(maxsize=512)
def largest_at_most(unknown: Symbol, left: Expr, right: Expr) -> tuple[Expr, Boolean]:
    """Return the largest unknown at which `left` does not exceed `right`, and its condition.

    The result is a closed form if ``left - right`` is piecewise linear in the unknown and rises
    with it. Otherwise it is a `Largest`, which bracketing evaluates.
    """
    x = Dummy(str(unknown), positive=True)
    solver = _Solver(x)
    found = solver.solve((left - right).xreplace({unknown: x}), Integer(0))
    if found is not None:
        return found, solver.condition
    bound = bound_of(unknown)
    sides = [side.xreplace({unknown: bound}) for side in (left, right)]
    return Largest(bound, *sides), true


class _Solver:
    """Splits a rising ``Max`` into a ``Min`` over its branches until each branch is linear."""

    def __init__(self, x: Symbol) -> None:
        self.x = x
        self.condition: Boolean = true

    def solve(self, expression: Expr, limit: Expr) -> Expr | None:
        """Return the largest x with expression <= limit, or None if it has no closed form."""
        x = self.x
        if not expression.has(x):
            return Piecewise((oo, expression <= limit), (0, True))
        if isinstance(expression, Max | Min):
            parts = [self.solve(branch, limit) for branch in expression.args]
            over = Min if isinstance(expression, Max) else Max
            # Not evaluated: SymPy would compare long quotients with each other.
            return None if None in parts else over(*dict.fromkeys(parts), evaluate=False)
        if isinstance(expression, Add):
            for term in expression.args:
                branches, sign = _branches(term, x)
                if branches:
                    rest = expression - term
                    pushed = [branch + rest for branch in branches]
                    return self.solve(sign(*pushed, evaluate=False), limit)
        branches, kind = _branches(expression, x)
        if branches:
            return self.solve(kind(*branches, evaluate=False), limit)
        return self._linear(expression, limit)

    def _linear(self, expression: Expr, limit: Expr) -> Expr | None:
        above, below = fraction(together(expression - limit))
        if not below.is_positive:
            return None
        try:
            slope, rest = Poly(above, self.x).all_coeffs()
        except (PolynomialError, ValueError):  # not a polynomial of the first degree
            return None
        if slope.is_negative or slope.has(Max, Min) or rest.has(self.x):
            return None
        if not slope.is_positive:
            self.condition &= slope > 0
        return -rest / slope


def _branches(term: Expr, x: Symbol) -> tuple[list[Expr], Any]:
    """Return the branches of a Max or Min, times any factor without x; none for other terms."""
    factor, inner = term.as_independent(x) if isinstance(term, Mul) else (Integer(1), term)
    if not isinstance(inner, Max | Min):
        return [], Max
    if not (factor.is_positive or factor.is_negative):
        return [], Max
    kind = Min if isinstance(inner, Max) is bool(factor.is_negative) else Max
    return [factor * branch for branch in inner.args], kind
