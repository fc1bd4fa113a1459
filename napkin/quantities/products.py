"""Products of units, in the names that people wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from sympy import Integer, Rational, prod

from .units import coherent_unit, parse_unit


@lru_cache(maxsize=1024)
def product(*factors: tuple[str, int]) -> tuple[str, Rational]:
    """Return the product of units to whole powers.

    Examples
    --------
    >>> product(("USD/h", 1), ("h", 1))
    ('USD', 1)
    >>> product(("GB", 1), ("TB/s", -1))
    ('s', 1/1000)
    """
    powers = _powers(factors)
    alone = len([unit for unit, _ in factors if unit != "1"]) < 2
    if alone or not _mixed(powers):
        return _written(powers), Integer(1)
    scale = prod(parse_unit(name)[1] ** power for name, power in powers.items())
    coherent = ((coherent_unit(parse_unit(name)[0]), power) for name, power in powers.items())
    return _written(_powers(coherent)), scale


def _powers(factors: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the exponent of each name, without those that cancel."""
    powers: Counter[str] = Counter()
    for unit, exponent in factors:
        above, _, below = re.sub("[()]", "", unit).partition("/")
        for side, sign in ((above, exponent), (below, -exponent)):
            for name in filter(None, re.split("[ */]+", side)):
                powers[_singular(name)] += sign
    return {name: power for name, power in powers.items() if power and name != "1"}


def _singular(name: str) -> str:
    return name.removesuffix("s") if parse_unit(name) == ((), 1) else name


def _mixed(powers: dict[str, int]) -> bool:
    """Say whether two names measure the same, as GB and TB, or h and W, or one is a multiple."""
    read = [parse_unit(name) for name in powers]
    bases = [base for dimension, _ in read for base, _ in dimension]
    return len(set(bases)) < len(bases) or any(not of and scale != 1 for of, scale in read)


def _written(powers: dict[str, int]) -> str:
    above = [name for name, power in powers.items() for _ in range(power)]
    below = [f"/{name}" for name, power in powers.items() for _ in range(-power)]
    return " ".join(above or ["1"]) + "".join(below)
