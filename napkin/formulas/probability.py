"""Probabilities of a full house that SymPy has no stable function for.

Each is a SymPy function: it stands in formulas, and is evaluated by SciPy, through
logarithms of the gamma function, so that a thousand places are no trouble.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from sympy import Expr, Float, Function


class _Numeric(Function):
    """A function of plain numbers that SciPy evaluates."""

    implementation: ClassVar[Callable[..., float]]

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the slope by one argument, which is evaluated by a central difference."""
        kind = type(self)
        name = f"{kind.__name__}By{argindex}"
        return type(name, (_Numeric,), {"implementation": staticmethod(_slope(kind, argindex))})(
            *self.args
        )

    def _eval_evalf(self, prec: int) -> Expr | None:
        if not all(arg.is_number for arg in self.args):
            return None
        return Float(type(self).implementation(*(float(arg) for arg in self.args)), precision=prec)


def _slope(kind: type[_Numeric], argindex: int) -> Callable[..., float]:
    def slope(*args: float) -> float:
        low, high = list(args), list(args)
        step = args[argindex - 1] * 1e-5
        low[argindex - 1] -= step
        high[argindex - 1] += step
        return (kind.implementation(*high) - kind.implementation(*low)) / (2 * step)

    return slope


def _erlang_b(servers: float, load: float) -> float:
    from math import exp, lgamma, log

    from scipy.special import gammaincc

    upper = gammaincc(servers + 1, load)
    if upper > 1e-280:
        return float(exp(servers * log(load) - load - lgamma(servers + 1)) / upper)
    # So far above the places that the tail is no float: recursion over the places, inverted.
    rest = servers % 1
    inverse = 1 + rest / load * (1 + (rest - 1) / load)
    for places in range(1, int(servers) + 1):
        inverse = 1 + (rest + places) / load * inverse
    return 1 / inverse


def _erlang_c(servers: float, load: float) -> float:
    if load >= servers:
        return 1.0
    blocked = _erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


def _overflow(users: float, slots: float, duty_cycle: float) -> float:
    from scipy.special import betainc

    return 0.0 if users <= slots else float(betainc(slots + 1, users - slots, duty_cycle))


def _rising_root(rises: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Return where a rising function reaches a level, between `low` and `high` or beyond."""
    from scipy.optimize import brentq

    if rises(low) >= level:
        return low
    while rises(high) < level:
        if high > 1e300:
            return float("inf")
        high *= 2
    return float(brentq(lambda x: rises(x) - level, low, high, xtol=1e-300, rtol=1e-13))


def _users_at_overflow(slots: float, duty_cycle: float, target: float) -> float:
    return _rising_root(
        lambda n: _overflow(n, slots, duty_cycle), target, slots, slots / duty_cycle
    )


def _load_at_wait(servers: float, target: float) -> float:
    return _rising_root(lambda a: _erlang_c(servers, a), target, servers * 1e-12, servers)


class ErlangB(_Numeric):
    """Probability that all `servers` are taken under an offered `load` (Erlang B)."""

    implementation = staticmethod(_erlang_b)


class ErlangC(_Numeric):
    """Probability of waiting for one of `servers` under an offered `load` (Erlang C)."""

    implementation = staticmethod(_erlang_c)


class BinomialOverflow(_Numeric):
    """Probability that of `users`, each active with `duty_cycle`, more than `slots` are."""

    implementation = staticmethod(_overflow)


class UsersAtOverflow(_Numeric):
    """Users at which `BinomialOverflow` reaches a target: (slots, duty_cycle, target)."""

    implementation = staticmethod(_users_at_overflow)


class LoadAtWait(_Numeric):
    """Offered load at which `ErlangC` reaches a target: (servers, target)."""

    implementation = staticmethod(_load_at_wait)


NUMERIC: Final = (ErlangB, ErlangC, BinomialOverflow, UsersAtOverflow, LoadAtWait)
"""Functions that SciPy computes: no algebra knows them."""

FUNCTIONS: Final[dict[str, Any]] = {kind.__name__: kind.implementation for kind in NUMERIC}
"""The implementations by name, for compiled closed forms."""
