"""Chances and counts that SymPy has no function for, or no stable one.

Each is a SymPy function that formulas use. It's evaluated in double precision, in forms whose
digits don't cancel, so it also works for a thousand slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import count
from math import ceil, exp, fsum, inf, lgamma, log, log1p, nan, pi, sqrt
from operator import mul
from statistics import NormalDist
from typing import Any, ClassVar, Final

from sympy import Expr, Float, Function, Integer

MOST_GPUS: Final = 1024
"""Advice never names more GPUs than this for one replica."""
_SMALL: Final = 1e-16  # what a term adds to 1 without being seen
_CROWD: Final = 1e6  # places from which a limit theorem gives as many digits as the sums


class _Numeric(Function):
    """A function of plain numbers, evaluated in double precision."""

    implementation: ClassVar[Callable[..., float]]

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the slope by one argument, which is evaluated by a central difference."""
        return Slope(Integer(NUMERIC.index(type(self))), Integer(argindex), *self.args)

    def _eval_evalf(self, prec: int) -> Expr | None:
        if not all(arg.is_number for arg in self.args):
            return None
        return Float(type(self).implementation(*(float(arg) for arg in self.args)), precision=prec)


def _slope(place: float, argument: float, *args: float) -> float:
    function, index = NUMERIC[int(place)].implementation, int(argument) - 1
    low, high = list(args), list(args)
    step = args[index] * 1e-5 or 1e-5
    low[index] -= step
    high[index] += step
    return (function(*high) - function(*low)) / (2 * step)


def _fraction(first: float, steps: Iterable[tuple[float, float]]) -> float:
    """Return 1 / (first + a / (b + c / (d + ...))) of the steps (a, b), (c, d), ... (Lentz)."""
    ratio, inverse = 1 / _SMALL**10, 1 / first
    value = inverse
    for above, below in steps:
        inverse = 1 / (below + above * inverse or _SMALL**10)
        ratio = below + above / ratio or _SMALL**10
        value *= ratio * inverse
        if not abs(ratio * inverse - 1) > 4 * _SMALL:  # a NaN ends it too
            break
    return value


def _chance(events: float, mean: float) -> float:
    """Return the Poisson probability of a number of events, which may be broken (Loader 2000)."""
    if mean <= 0:
        return nan if mean < 0 else float(events == 0)
    if events < 16:
        return exp(events * log(mean) - mean - lgamma(events + 1))
    off, square = mean / events - 1, events**2
    grown = log1p(off) if off > -0.5 else log(mean / events)
    stirling = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / events
    return exp(events * (grown - off) - stirling) / sqrt(2 * pi * events)


def _erlang_b(servers: float, load: float) -> float:
    if not servers >= 0:  # where the weights do not fit, a formula leaves less than none
        return nan
    if load > servers + 1:  # the upper incomplete gamma function, as a continued fraction
        steps = ((k * (servers + 1 - k), load - servers + 2 * k) for k in count(1))
        return 1 / (load * _fraction(load - servers, steps))
    term, below, places = 1.0, 0.0, servers
    while term > _SMALL * below:  # the lower one, as a series
        places += 1
        term *= load / places
        below += term
    full = _chance(servers, load)
    return full / (1 - full * below)


def _erlang_c(servers: float, load: float) -> float:
    if not servers >= 0:
        return nan
    if load >= servers:
        return 1.0
    blocked = _erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


def _overflow(users: float, slots: float, duty_cycle: float) -> float:
    if not slots >= 0:
        return nan
    if users <= slots:
        return 0.0
    more, rest = slots + 1, users - slots
    if duty_cycle * (users + 3) > slots + 2:  # the other side is the short one
        return 1 - _incomplete_beta(rest, more, 1 - duty_cycle)
    return _incomplete_beta(more, rest, duty_cycle)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function, for `x` below the mean."""
    n = a + b
    first = _chance(a, n * x) * _chance(b, n * (1 - x)) / _chance(n, n) * b / n
    return first * _fraction(1, _beta_steps(a, b, x))


def _beta_steps(a: float, b: float, x: float) -> Iterator[tuple[float, float]]:
    for k in count():
        at = a + 2 * k
        yield -(a + k) * (a + b + k) * x / (at * (at + 1)), 1
        yield (k + 1) * (b - k - 1) * x / ((at + 1) * (at + 2)), 1


def _rising_root(rises: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Return where a rising function reaches a level, between `low` and `high` or beyond."""
    at_low, at_high = rises(low) - level, rises(high) - level
    if at_low >= 0:
        return low
    while at_high < 0:
        if not 0 < high < 1e300:
            return inf
        high *= 2
        at_high = rises(high) - level
    return _root(lambda x: rises(x) - level, (low, at_low), (high, at_high))


def _root(
    function: Callable[[float], float], new: tuple[float, float], other: tuple[float, float]
) -> float:
    """Return a root between two points (x, value) of unequal sign (Chandrupatla 1997)."""
    share = 0.5
    while True:
        x = new[0] + share * (other[0] - new[0])
        last, new = new, (x, function(x))
        if (new[1] > 0) != (last[1] > 0):
            last, other = other, last
        (a, at_a), (b, at_b), (c, at_c) = new, other, last
        least = 1e-13 * abs(a) / abs(b - a) if b != a else 1
        if at_a == 0 or not least <= 0.5:  # a NaN ends it too
            return a if abs(at_a) < abs(at_b) else b
        across, up = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
        share = 0.5
        if up**2 < across and (1 - up) ** 2 < 1 - across:  # then a parabola is trusted
            share = at_a / (at_b - at_a) * at_c / (at_b - at_c)
            share += (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
        share = min(max(share, least), 1 - least)


def _users_at_overflow(slots: float, duty_cycle: float, target: float) -> float:
    if not slots >= 0:
        return nan
    if slots > _CROWD:  # the normal quantile, with its skewness (Cornish and Fisher 1938)
        z = NormalDist().inv_cdf(1 - target)
        places = slots + 0.5 - (1 - 2 * duty_cycle) * (z**2 - 1) / 6
        spread = z * sqrt(1 - duty_cycle)
        return ((sqrt(spread**2 + 4 * places) - spread) / 2) ** 2 / duty_cycle
    return _rising_root(
        lambda n: _overflow(n, slots, duty_cycle), target, slots, (slots + 1) / duty_cycle
    )


def _load_at_wait(servers: float, target: float) -> float:
    if not servers > 0:
        return nan
    if servers > _CROWD:  # Halfin and Whitt 1981
        normal = NormalDist()
        spare = _rising_root(
            lambda b: -1 / (1 + b * normal.cdf(b) / normal.pdf(b)), -target, 1e-9, 8
        )
        return servers - spare * sqrt(servers)
    return _rising_root(lambda a: _erlang_c(servers, a), target, servers * 1e-12, servers)


@lru_cache(maxsize=256)
def _visits(experts: float, active: float, skew: float) -> tuple[tuple[float, float], ...]:
    """Return each expert as a share of one, the last may be broken, and its chance of a visit.

    A token's chances are proportional to popularity, at most 1, and add up to `active`.
    """
    ranks = range(1, ceil(experts) + 1)
    shares = [min(1.0, experts - rank + 1) for rank in ranks]
    weights = [rank**-skew for rank in ranks]
    rest, left = sum(map(mul, shares, weights)), active
    chances: list[float] = []
    for share, weight in zip(shares, weights, strict=True):
        certain = len(chances) < left and left * weight >= rest
        chances.append(1.0 if certain else left * weight / rest)
        if certain:
            rest, left = rest - share * weight, left - share
    return tuple(zip(shares, chances, strict=True))


def _experts_touched(experts: float, active: float, tokens: float, skew: float) -> float:
    chances = _visits(float(experts), float(active), float(skew))
    tokens = float(tokens)
    return fsum(share * (1 - (1 - chance) ** tokens) for share, chance in chances)


def _fewest_gpus(least: float, once: float, each: float, shards: float, *shared: float) -> float:
    for gpus in range(max(1, ceil(least)), MOST_GPUS + 1):
        evenly = all(parts == inf or parts % gpus == 0 for parts in shared)
        evenly &= shards == inf or max(gpus, shards) % min(gpus, shards) == 0
        if evenly and gpus > once and gpus >= (once + each * max(1, gpus / shards)) * (1 - 1e-12):
            return float(gpus)
    return inf


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


class ExpertsTouched(_Numeric):
    """Experts that `tokens` visit, `active` each; popularity falls as the rank to the `-skew`."""

    implementation = staticmethod(_experts_touched)


class FewestGpus(_Numeric):
    """GPUs that share all parts evenly and hold `once` and `each`, in units of one GPU.

    Arguments are the least GPUs, what they hold once, what each sequence adds, the shards of a
    cache, which more GPUs may hold in copies, and the parts that each GPU must have whole.
    Infinite if more than `MOST_GPUS` are needed, or more than share the parts.
    """

    implementation = staticmethod(_fewest_gpus)


class Slope(_Numeric):
    """Slope of a function: its place in `NUMERIC`, the argument that moves, all arguments."""

    implementation = staticmethod(_slope)


NUMERIC: Final[tuple[type[_Numeric], ...]] = (
    ErlangB,
    ErlangC,
    BinomialOverflow,
    UsersAtOverflow,
    LoadAtWait,
    ExpertsTouched,
    FewestGpus,
    Slope,
)
"""Functions that are computed in double precision: no algebra knows them."""

FUNCTIONS: Final[dict[str, Any]] = {kind.__name__: kind.implementation for kind in NUMERIC}
"""The implementations by name, for compiled closed forms."""
