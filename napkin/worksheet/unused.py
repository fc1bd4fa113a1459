"""What a reader gave and a result does not use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sympy import Symbol

from ..quantities.quantity import listed, lookup
from .evaluation import reached

if TYPE_CHECKING:
    from .napkin import Napkin


def unused(n: Napkin, targets: str | Symbol | Iterable[str | Symbol] | None = None) -> list[str]:
    """Name the typed values that targets and their conditions do not depend on, in a sentence.

    Without targets, it names the values that no formula of the worksheet uses. An empty list says
    that everything is used. A count of zero counts as used, because it drops its term.
    """
    if targets is None:
        used = {symbol for formula in n.formulas.values() for symbol in formula.symbols}
        used |= n.formulas.keys()
    else:
        used = set[Symbol]()
        for target in listed(targets):
            used |= reached(n.formulas, lookup(target).symbol).keys()
    idle = [str(s) for s, given in n.typed.items() if s not in used and given.value != 0]
    return [f"{', '.join(idle)} given, but not used here"] if idle else []
