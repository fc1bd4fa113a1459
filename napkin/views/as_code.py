"""The Python that rebuilds a worksheet."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr, Symbol

from ..formulas.variants import Bundle
from ..quantities.own import declaration
from ..quantities.quantity import listed
from ..quantities.units import scale_of
from ..worksheet.assumptions import CHOICES, Change, Choice, Given
from ..worksheet.napkin import Napkin


def write_number(value: Expr) -> str:
    """Write a number as Python reads it, for example ``20_000``."""
    return f"{int(value):_}" if value.is_Integer else repr(float(value))


def as_code(n: Napkin, moved: str | Iterable[str] = (), ending: str = "") -> str:
    """Return the Python that rebuilds a worksheet, after the quantities that a reader declared."""
    named = [f"{kind}={_write_choice(n.choices[kind])}" for kind in CHOICES if kind in n.choices]
    left_out = listed(moved)
    typed = [
        f"{symbol}={_write_given(symbol, given)}"
        for symbol, given in n.typed.items()
        if symbol.name not in left_out
    ]
    changes = [_write_change(change) for change in n.changes]
    later = [*typed, *([ending] if ending else [])]
    calls = [named, [*changes, *later]] if changes else [[*named, *typed]]
    if ending and not changes:
        calls.append([ending])
    worksheet = "nk.Napkin(" + ").assume(".join(", ".join(call) for call in calls) + ")"
    return "\n".join([*map(declaration, n.own_quantities), worksheet])


def _write_choice(choice: Choice) -> str:
    """Write an entry by the name that was typed, a switch as it is."""
    return repr(choice.entry if isinstance(choice.entry, bool) else choice.typed)


def _write_given(symbol: Symbol, given: Given) -> str:
    """Write a number in the quantity's own unit, or a range as text."""
    numbers = [write_number(n / scale_of(symbol)) for n in given.ends or (given.value,)]
    return repr(" to ".join(numbers)) if given.ends else numbers[0]


def _write_change(change: Change) -> str:
    """Write a bundle by its name, a formula as text."""
    return repr(change.name if isinstance(change, Bundle) else str(change))
