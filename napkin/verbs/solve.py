"""The value of a given at which a quantity reaches a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import NapkinError
from ..quantities.given import coherent, in_unit
from ..quantities.quantity import lookup
from ..quantities.value import Value
from ..worksheet.napkin import Napkin, expect_napkin
from ..worksheet.solving import roots


@dataclass(frozen=True)
class Solution:
    """A root, and how it was found."""

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
        One quantity and the value that it should have, such as ``users_per_gpu=300``.

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
    [context = 6,080 token/sequence (exact)]
    """
    expect_napkin(n, "solve")
    if len(target) != 1:
        raise NapkinError(f"solve takes one target, such as users_per_gpu=300, got {target}.")
    (name, wanted), symbol = next(iter(target.items())), lookup(unknown).symbol
    found = roots(n, symbol, name, coherent(name, wanted))
    return [Solution(unknown, in_unit(symbol, root), how, room) for root, how, room in found]
