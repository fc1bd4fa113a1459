"""Ranges in, ranges out: seeded draws of the givens, and which of them matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt
from typing import TYPE_CHECKING, Any

from sympy import Expr, Float

from ..catalog import bands
from ..errors import DoesNotFitError, DomainError, NapkinError
from ..quantities.given import between, coherent, in_unit
from ..quantities.quantity import lookup
from ..quantities.value import Value
from ..worksheet.arrays import compile_with_fit
from ..worksheet.napkin import Napkin, expect_napkin

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Uncertainty:
    """The spread of a result."""

    target: str
    p5: Value
    p50: Value
    p95: Value
    causes: tuple[tuple[str, float], ...]
    fits: float
    samples: NDArray[Any] = field(repr=False, compare=False)

    def __str__(self) -> str:
        name, share = self.causes[0]
        part = "most" if share > 0.5 else "the largest part"
        most = f"{name} causes {part} of the spread: {share:.0%} of the variance of ranks"
        lines = [
            f"{self.target}: {self.p5} (p5), {self.p50} (p50), {self.p95} (p95)",
            most if share else "none of the ranges moves it",
        ]
        if self.fits < 1:
            share = max(1 - self.fits, 0.001)
            few = "fewer than " if 1 - self.fits < share else ""
            lines.append(f"{few}{share:.1%} of the draws do not fit and are left out")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {line}" for line in str(self).splitlines())


def uncertainty(
    n: Napkin, target: str, samples: int = 10_000, seed: int = 20, **ranges: Any
) -> Uncertainty:
    """Draw givens from ranges and look at the spread of a result.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    target : str
        The result.
    samples : int
        Number of draws.
    seed : int
        Of the random generator: the same seed gives the same bits.
    **ranges
        By code name: a pair (low, high), drawn uniformly; a text such as ``"4k to 40k"``, 90 %
        of a log-normal distribution; or a frozen SciPy distribution in the quantity's own
        unit. Ranges that the worksheet holds are drawn too, and so is the error of a
        calibrated prediction.

    Returns
    -------
    Uncertainty
        Quantiles p5, p50 and p95, and which given moves it most, by the
        squared rank correlation of given and result.

    Raises
    ------
    DomainError
        If a range is none, or reaches outside the domain of its quantity.
    DoesNotFitError
        If not one draw fits.
    """
    expect_napkin(n, "uncertainty")
    import numpy as np
    from scipy.stats import spearmanr

    ranges = {**_known(n, target), **ranges}
    whole = all(isinstance(count, int) for count in (samples, seed))
    if not ranges or not whole or samples < 2 or seed < 0:
        raise NapkinError(
            "uncertainty needs ranges, such as context=(4_000, 40_000), two or more samples and a "
            "seed of at least 0, both whole numbers."
        )
    generator = np.random.default_rng(seed)
    draws = {name: _draw(name, given, samples, generator) for name, given in ranges.items()}
    call, *_ = compile_with_fit(n, [target], list(draws))
    results, *fits = call(*draws.values())
    good = np.logical_and.reduce([np.isfinite(results), *fits])
    if not good.any():
        raise DoesNotFitError(f"not one of {samples} draws fits in memory: narrow the ranges.")
    kept = results[good]
    unit = lookup(target).unit
    p5, p50, p95 = (Value(Float(float(q)), unit) for q in np.quantile(kept, [0.05, 0.5, 0.95]))
    squares = {name: _square(spearmanr, draw[good], kept) for name, draw in draws.items()}
    total = sum(squares.values()) or 1.0
    causes = sorted(((name, s / total) for name, s in squares.items()), key=lambda c: -c[1])
    return Uncertainty(str(target), p5, p50, p95, tuple(causes), float(good.mean()), kept)


def _known(n: Napkin, target: str) -> dict[str, Any]:
    """Return the ranges that were typed, and the errors of predictions, that a target needs."""
    needed = n.formulas.order(lookup(target).symbol)
    found: dict[str, Any] = {
        s.name: _log_normal(s.name, given.ends, 0.9)
        for s, given in n.typed.items()
        if given.ends and s in needed
    }
    if n.choices.get("calibrated") and n.choices["calibrated"].entry:
        for name, (low, high) in bands().items():
            if lookup(name).symbol in needed and lookup(name).symbol not in n.givens:
                found[name] = _log_normal(name, (Float(low), Float(high)), 0.8)
    return found


def _log_normal(name: str, ends: tuple[Expr, Expr], share: float) -> Any:
    """Return the log-normal distribution with a share of it between two ends."""
    from scipy.stats import lognorm, norm

    low, high = (float(in_unit(name, end)) for end in ends)
    spread = log(high / low) / (2 * norm.ppf((1 + share) / 2))
    return lognorm(spread, scale=sqrt(low * high))


def _square(spearmanr: Any, draw: NDArray[Any], kept: NDArray[Any]) -> float:
    if draw.min() == draw.max() or kept.min() == kept.max():
        return 0.0
    return float(spearmanr(draw, kept).statistic ** 2)


def _draw(name: str, given: Any, samples: int, generator: Any) -> NDArray[Any]:
    import numpy as np

    domain = lookup(name).domain
    values: NDArray[Any]
    if ends := between(name, given):
        given = _log_normal(name, ends, 0.9)
    if hasattr(given, "rvs"):
        values = np.asarray(given.rvs(size=samples, random_state=generator), float)
    elif isinstance(given, tuple) and len(given) == 2:
        low, high = (float(in_unit(name, coherent(name, end))) for end in given)
        if low > high:
            raise DomainError(f"{name}: the range {given} ends before it begins.")
        values = generator.uniform(low, high, samples)
        if domain.integer:  # each whole number of the range as likely as the other
            values = generator.integers(int(low), int(high), samples, endpoint=True)
    else:
        raise DomainError(
            f"{name}: a range is a text such as '4k to 40k', a pair (low, high) or a SciPy "
            f"distribution, got {given!r:.80}."
        )
    if domain.integer:
        values = np.round(values)
    if not (domain.within(values) & np.isfinite(values)).all():
        raise DomainError(
            f"{name} must be {domain.words}, but some draws are not: narrow the distribution."
        )
    return values
