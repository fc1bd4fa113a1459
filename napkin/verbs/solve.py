"""The value of a given at which a quantity reaches a target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from sympy import (
    Expr,
    Float,
    Max,
    Min,
    Poly,
    Rational,
    Symbol,
    cancel,
    fraction,
    real_roots,
)

from ..errors import DoesNotFitError, DomainError, NapkinError, NoSolutionError
from ..quantities.quantity import lookup
from ..quantities.units import scale_of
from ..quantities.value import Value, allows, coherent, in_unit, somewhere
from ..worksheet.napkin import Napkin, expect_napkin

_MOST_BRANCHES: Final = 256
_LARGEST_DEGREE: Final = 6
_GRID: Final = 2_000
_WIDEST: Final = (1e-12, 1e24)


@dataclass(frozen=True)
class Solution:
    """A root, and how it was found.

    Parameters
    ----------
    name : str
        The unknown.
    value : Value
        Its value at the target.
    how : str
        ``"exact"``, or ``"bracketed root"`` to twelve digits.
    fits : bool
        Whether a worksheet with this value has room for it.
    """

    name: str
    value: Value
    how: str
    fits: bool = True

    def __str__(self) -> str:
        note = "" if self.fits else ", which does not fit in memory"
        quantity = lookup(self.name)
        if quantity.domain.integer and not self.value.number.is_Integer:
            note += (
                f"; whole numbers only: {int(self.value.number)} or {int(self.value.number) + 1}"
            )
        return f"{self.name} = {self.value} ({self.how}{note})"

    __repr__ = __str__

    def __float__(self) -> float:
        return float(self.value)


def solve(n: Napkin, unknown: str, **target: Any) -> list[Solution]:
    """Find the values of a given at which a quantity reaches a target.

    Parameters
    ----------
    n : Napkin
        The worksheet; what it gives for the unknown does not matter.
    unknown : str
        The quantity to be found.
    **target
        One quantity and the value that it shall have, as ``users_per_gpu=300``.

    Returns
    -------
    list of Solution
        All roots in the domain of the unknown, the smallest first: exact where SymPy can
        (rational functions and their ``Min`` and ``Max``), else bracketed.

    Raises
    ------
    NoSolutionError
        If no value reaches the target, or if the quantity does not depend on the unknown
        there; with the range that it can reach.

    Examples
    --------
    >>> n = Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8")
    >>> solve(n, "context", concurrent_sequences=100)
    [context = 11,200 token/sequence (exact)]
    """
    expect_napkin(n, "solve")
    if len(target) != 1:
        raise NapkinError(f"solve takes one target, such as users_per_gpu=300, got {target}.")
    (name, wanted), symbol = next(iter(target.items())), lookup(unknown).symbol
    goal = coherent(name, wanted)
    form = _in_unknown(n, name, symbol)
    if symbol not in form.free_symbols:
        raise NoSolutionError(
            f"{name} does not depend on {unknown} here: it is {in_unit(name, form)} throughout."
        )
    _refuse_plateau(n, name, goal, symbol, form)
    exact = _exact_roots(form, goal, symbol)
    how = "bracketed root" if exact is None else "exact"
    roots = _bracketed_roots(n, name, goal, symbol) if exact is None else exact
    found = []
    for root in sorted(roots):
        room = _has_room(n, name, symbol, root) if _allowed(symbol, root) else None
        if room is not None:
            found.append(Solution(unknown, in_unit(symbol, root), how, room))
    if not found:
        raise NoSolutionError(_why_none(n, name, goal, symbol))
    return found


def _refuse_plateau(n: Napkin, name: str, goal: Expr, symbol: Symbol, form: Expr) -> None:
    """Raise where a whole range of the unknown solves the equation: no root is the root."""
    import numpy as np

    grid, reached = _over_domain(n, name, symbol)
    wanted = float(in_unit(name, goal).number)
    hits = grid[np.isclose(reached, wanted, rtol=1e-12, atol=0)]
    ends = (
        [Rational(float(hit)) * scale_of(symbol) for hit in hits[[0, -1]]] if hits.size > 1 else []
    )
    if ends and all(form.xreplace({symbol: end}) == goal for end in ends):  # exactly, at both
        some = in_unit(symbol, ends[0])
        raise NoSolutionError(
            f"{name} is {in_unit(name, goal)} over a whole range of {symbol}, at {some} for "
            "example: something else decides it there, see binding."
        )


def _over_domain(n: Napkin, name: str, symbol: Symbol) -> tuple[Any, Any]:
    """Return a grid over the domain of the unknown, and the target on it."""
    import numpy as np

    domain = lookup(symbol).domain
    grid = np.geomspace(max(domain.low, _WIDEST[0]), min(domain.high, _WIDEST[1]), _GRID)
    if domain.low <= 0 and not domain.open_low:
        below = -grid[::-1] if domain.low < 0 else grid[:0]
        grid = np.concatenate([below, [0.0], grid])
    with np.errstate(all="ignore"):
        return grid, np.asarray(n.function(name, symbol.name)(grid), float)


def _allowed(symbol: Symbol, root: Expr) -> bool:
    domain = lookup(symbol).domain
    number = in_unit(symbol, root).number
    return allows(domain, number) or (domain.integer and domain.low <= number <= domain.high)


def _in_unknown(n: Napkin, name: str, symbol: Symbol) -> Expr:
    """Return the closed form of the target with every other given put in, exactly."""
    opened = n.assume(**{symbol.name: somewhere(lookup(symbol).domain)})
    form = opened.derive(name)
    values = {s: g.value for s, g in opened.givens.items() if s != symbol}
    for other in form.free_symbols - values.keys() - {symbol}:
        values[other] = opened.values(other)[other]
    return form.xreplace(values)


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
    """Yield the form with each Min and Max replaced by each of its sides in turn."""
    choices = sorted(form.atoms(Min, Max), key=lambda choice: choice.count_ops())
    if not choices:
        yield form
        return
    combinations = product(*(range(len(choice.args)) for choice in choices))
    for count, picked in enumerate(islice(combinations, _MOST_BRANCHES + 1)):
        if count == _MOST_BRANCHES:
            yield None
        branch = form
        for choice, index in zip(reversed(choices), reversed(picked), strict=True):
            branch = branch.xreplace({choice: choice.args[index]})
        yield branch if not branch.atoms(Min, Max) else None


def _reaches(form: Expr, goal: Expr, symbol: Symbol, root: Expr) -> bool:
    value = form.xreplace({symbol: root})
    return bool(value.is_comparable and abs(value - goal) <= abs(goal) * Rational(1, 10**20))


def _bracketed_roots(n: Napkin, name: str, goal: Expr, symbol: Symbol) -> list[Expr]:
    import numpy as np
    from scipy.optimize import brentq

    function = n.function(name, symbol.name)
    wanted = float(in_unit(name, goal).number)
    grid, reached = _over_domain(n, name, symbol)
    off = reached - wanted
    with np.errstate(all="ignore"):
        roots = [float(x) for x, y in zip(grid, off, strict=True) if y == 0]
        for low, high, before, after in zip(grid, grid[1:], off, off[1:], strict=False):
            if np.isfinite(before) and np.isfinite(after) and before * after < 0:
                root = brentq(lambda x: float(function(x)) - wanted, low, high, rtol=1e-14)
                size = abs(wanted) or max(abs(before), abs(after))
                if abs(float(function(root)) - wanted) < 1e-6 * size:  # a jump is no root
                    whole = lookup(symbol).domain.integer and abs(root - round(root)) < 1e-9 * root
                    roots.append(round(root) if whole else root)
    return [Float(root) * scale_of(symbol) for root in roots]


def _has_room(n: Napkin, name: str, symbol: Symbol, root: Expr) -> bool | None:
    """Say whether the root fits; None if the worksheet has no answer there."""
    number = in_unit(symbol, root).number
    if not allows(lookup(symbol).domain, number):
        number = number.ceiling() if hasattr(number, "ceiling") else Float(int(number) + 1)
    there = n.assume(**{symbol.name: Value(number, lookup(symbol).unit)})
    try:
        there.values(name)
        return bool(there["batch"] <= there["concurrent_sequences"])
    except DoesNotFitError:
        return False
    except DomainError:
        return None
    except NapkinError:  # what fits cannot be told
        return True


def _why_none(n: Napkin, name: str, goal: Expr, symbol: Symbol) -> str:
    import numpy as np

    _, reached = _over_domain(n, name, symbol)
    reached = reached[np.isfinite(reached)]
    unit = lookup(name).unit
    if not reached.size:
        return f"{name} has no finite value for any {symbol} that was tried."
    low, high = (Value(Float(float(end)), unit) for end in (reached.min(), reached.max()))
    return (
        f"no value of {symbol} makes {name} {in_unit(name, goal)}: on the points tried "
        f"it goes from {low} to {high}. "
        "If it ends in a plateau, something else binds there: see binding."
    )
