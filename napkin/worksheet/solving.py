"""The values of a given at which a quantity reaches a target: exact roots, or bracketed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, pairwise, product
from math import copysign, isclose, isfinite, nan
from typing import Any, Final

from sympy import (
    Expr,
    Float,
    Max,
    Min,
    Piecewise,
    Poly,
    Rational,
    Symbol,
    cancel,
    fraction,
    lambdify,
    real_roots,
)

from ..errors import DoesNotFitError, DomainError, NoSolutionError
from ..formulas.graph import graph_of
from ..formulas.probability import FUNCTIONS
from ..formulas.roots import largest_allowed
from ..quantities.given import allows, in_unit, somewhere
from ..quantities.quantity import lookup
from ..quantities.units import scale_of
from ..quantities.value import Value
from .evaluation import evaluate, fits, without_conditions
from .napkin import Napkin

_MOST_BRANCHES: Final = 256
_LARGEST_DEGREE: Final = 6
_GRID: Final = 1_000
_WIDEST: Final = (1e-12, 1e24)
_BISECTIONS: Final = 200
_MOST_ROOTS: Final = 10


def roots(n: Napkin, symbol: Symbol, name: str, goal: Expr) -> list[tuple[Expr, str, bool]]:
    """Return each root, the smallest first, with how it was found and whether it fits."""
    form = _in_unknown(n, name, symbol)
    if symbol not in form.free_symbols:
        raise NoSolutionError(
            f"{name} does not depend on {symbol} here: it is {in_unit(name, form)} throughout."
        )
    points = _points(form, symbol)
    _refuse_plateau(points, form, name, goal, symbol)
    exact = _exact_roots(form, goal, symbol)
    how = "bracketed root" if exact is None else "exact"
    places = sorted(_bracketed_roots(points, form, goal, symbol) if exact is None else exact)
    if len(places) > _MOST_ROOTS:  # a level, uneven in the last digits of a search
        raise _plateau(name, goal, symbol, places[len(places) // 2])
    found = []
    for root in places:
        room = _has_room(n, name, symbol, root) if _allowed(symbol, root) else None
        if room is not None:
            found.append((root, how, room))
    if not found:
        raise NoSolutionError(_why_none(points, name, goal, symbol))
    return found


def _in_unknown(n: Napkin, name: str, symbol: Symbol) -> Expr:
    """Return the target in the unknown alone, every other number put in, exactly."""
    target = lookup(name).symbol
    if target not in n.formulas:
        raise NoSolutionError(f"no formula computes {name} here, so nothing can be solved for it.")
    opened = n.assume(**{symbol.name: somewhere(symbol)})
    numbers = {s: value for s, value in opened.numbers.items() if s != target}
    graph = graph_of(opened.formulas.packaged, numbers, opened.formulas.hints)
    form = graph.in_terms_of(target, symbol)
    values: dict[Symbol, Expr] = {}
    for other in sorted(form.free_symbols - {symbol}, key=str):
        # What fits depends on the unknown, which has no value yet.
        found = without_conditions(graph, numbers, other)
        if found is None:
            found = evaluate(graph, numbers, other)[other]
        values[other] = found
    return form.xreplace(values)


def _points(form: Expr, symbol: Symbol) -> list[tuple[float, float]]:
    """Return the target over a grid of the domain of the unknown, in coherent units."""
    domain, scale = lookup(symbol).domain, float(scale_of(symbol))
    low, high = max(domain.low, _WIDEST[0]), min(domain.high, _WIDEST[1])
    grid = [low * (high / low) ** (step / (_GRID - 1)) for step in range(_GRID)]
    if domain.low <= 0 and not domain.open_low:
        grid = [*(-x for x in reversed(grid) if domain.low < 0), 0.0, *grid]
    function = _numeric(form, symbol)
    return [(x * scale, function(x * scale)) for x in grid]


def _numeric(form: Expr, symbol: Symbol) -> Callable[[float], float]:
    """Compile a form for plain numbers; where it has no value it is NaN."""
    call = lambdify([symbol], form, modules=[FUNCTIONS, {"largest": _largest}, "math"])

    def function(x: float) -> float:
        try:
            found = call(x)
            return float(found) if isinstance(found, int | float) else nan
        except (ZeroDivisionError, ValueError, OverflowError):
            return nan

    return function


def _largest(off: Callable[..., float], *args: float) -> Any:
    return largest_allowed(lambda x: off(x, *args))


def _refuse_plateau(
    points: list[tuple[float, float]], form: Expr, name: str, goal: Expr, symbol: Symbol
) -> None:
    """Raise where a whole range of the unknown solves the equation: no root is the root."""
    wanted = float(goal)
    hits = [Rational(x) for x, y in points if isclose(y, wanted, rel_tol=1e-12, abs_tol=0)]
    ends = [hits[0], hits[-1]] if len(hits) > 1 else []
    if ends and all(form.xreplace({symbol: end}) == goal for end in ends):  # exactly, at both
        raise _plateau(name, goal, symbol, ends[0])


def _plateau(name: str, goal: Expr, symbol: Symbol, place: Expr) -> NoSolutionError:
    return NoSolutionError(
        f"{name} is {in_unit(name, goal)} over a whole range of {symbol}, at "
        f"{in_unit(symbol, place)} for example: something else decides it there, see binding."
    )


def _allowed(symbol: Symbol, root: Expr) -> bool:
    domain = lookup(symbol).domain
    number = in_unit(symbol, root).number
    return allows(domain, number) or (domain.integer and domain.low <= number <= domain.high)


def _exact_roots(form: Expr, goal: Expr, symbol: Symbol) -> set[Expr] | None:
    """Solve each branch of the Min and Max, and keep what solves the whole; None if it cannot."""
    roots: set[Expr] = set()
    for branch in _branches(form):
        if branch is None or not branch.is_rational_function(symbol):
            return None
        top = fraction(cancel(branch - goal))[0]
        if symbol not in top.free_symbols:
            continue
        polynomial = Poly(top, symbol)
        if polynomial.degree() > _LARGEST_DEGREE or not all(
            c.is_Rational for c in polynomial.coeffs()
        ):
            return None
        for root in real_roots(polynomial):
            number = root if root.is_Rational else Float(root.evalf(30), 30)
            if _reaches(form, goal, symbol, number):
                roots.add(number)
    return roots


def _branches(form: Expr) -> Iterator[Expr | None]:
    """Yield the form with each Min, Max and Piecewise replaced by each of its sides in turn."""
    choices = sorted(form.atoms(Min, Max, Piecewise), key=lambda choice: choice.count_ops())
    if not choices:
        yield form
        return
    combinations = product(*(range(len(choice.args)) for choice in choices))
    for count, picked in enumerate(islice(combinations, _MOST_BRANCHES + 1)):
        if count == _MOST_BRANCHES:
            yield None
        branch = form
        for choice, index in zip(reversed(choices), reversed(picked), strict=True):
            side = choice.args[index]
            side = side.expr if isinstance(choice, Piecewise) else side
            branch = branch.xreplace({choice: side})
        yield branch if not branch.atoms(Min, Max, Piecewise) else None


def _reaches(form: Expr, goal: Expr, symbol: Symbol, root: Expr) -> bool:
    value = form.xreplace({symbol: root})
    return bool(value.is_comparable and abs(value - goal) <= abs(goal) * Rational(1, 10**20))


def _bracketed_roots(
    points: list[tuple[float, float]], form: Expr, goal: Expr, symbol: Symbol
) -> list[Expr]:
    """Return the places where the target crosses the goal between two points of the grid."""
    wanted, function = float(goal), _numeric(form, symbol)
    roots = [x for x, y in points if y == wanted]
    for (low, before), (high, after) in pairwise(points):
        off = (before - wanted, after - wanted)
        if not all(map(isfinite, off)) or off[0] * off[1] >= 0:
            continue
        root = _bisect(function, wanted, low, high)
        size = abs(wanted) or max(map(abs, off))
        if abs(function(root) - wanted) < 1e-6 * size:  # a jump is no root
            whole = lookup(symbol).domain.integer and abs(root - round(root)) < 1e-9 * root
            roots.append(round(root) if whole else root)
    return [Float(root) for root in roots]


def _bisect(function: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    side = copysign(1, function(low) - wanted)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if (function(middle) - wanted) * side > 0 else (low, middle)
    return (low + high) / 2


def _has_room(n: Napkin, name: str, symbol: Symbol, root: Expr) -> bool | None:
    """Say whether the root fits; None if the worksheet has no answer there."""
    number = in_unit(symbol, root).number
    if not allows(lookup(symbol).domain, number):
        number = number.ceiling() if hasattr(number, "ceiling") else Float(int(number) + 1)
    there = n.assume(**{symbol.name: Value(number, lookup(symbol).unit)})
    try:
        there.values(name)
        return fits(there.formulas, there.numbers, symbol)
    except DoesNotFitError:
        return False
    except DomainError:
        return None


def _why_none(points: list[tuple[float, float]], name: str, goal: Expr, symbol: Symbol) -> str:
    reached = [y for _, y in points if isfinite(y)]
    if not reached:
        return f"{name} has no finite value for any {symbol} that was tried."
    low, high = (in_unit(name, Float(end)) for end in (min(reached), max(reached)))
    return (
        f"no value of {symbol} makes {name} {in_unit(name, goal)}: on the points tried "
        f"it goes from {low} to {high}. "
        "If it ends in a plateau, something else binds there: see binding."
    )
