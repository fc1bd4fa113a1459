"""What a symbol means: the kind of entry that the registry of quantities holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sympy import Symbol

from ..errors import unknown


@dataclass(frozen=True)
class Domain:
    """The values that a quantity may take.

    Parameters
    ----------
    words : str
        The rule in words, for error messages.
    low, high : float
        The ends of the interval.
    open_low, open_high : bool
        Whether the end itself is excluded.
    integer : bool
        Whether only whole numbers are allowed.
    """

    words: str
    low: float = 0
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False
    integer: bool = False

    def within(self, numbers: Any) -> Any:
        """Say which numbers lie between the ends.

        Parameters
        ----------
        numbers : number or array
            One number, also of SymPy, or an array of any library.

        Returns
        -------
        bool or array
            True where the interval holds them; whether they are whole is not asked.
        """
        above = numbers > self.low if self.open_low else numbers >= self.low
        below = numbers < self.high if self.open_high else numbers <= self.high
        return above & below


POSITIVE: Final = Domain("a number above 0", open_low=True)
NON_NEGATIVE: Final = Domain("a number of at least 0")
FRACTION: Final = Domain("a fraction above 0 and at most 1", high=1, open_low=True)
PROBABILITY: Final = Domain(
    "a probability above 0 and below 1", high=1, open_low=True, open_high=True
)
AT_LEAST_ONE: Final = Domain("a number of at least 1", low=1)
SHARE: Final = Domain("a share from 0 to 1", high=1)
COUNT: Final = Domain("a whole number of at least 1", low=1, integer=True)
WHOLE: Final = Domain("a whole number of at least 0", integer=True)
SWITCH: Final = Domain("0 or 1", high=1, integer=True)
ANY: Final = Domain("a number", low=float("-inf"))


@dataclass(frozen=True)
class Quantity:
    """What a symbol means.

    Parameters
    ----------
    name : str
        Code name: the SymPy symbol's name and the keyword of ``Napkin(...)``.
    unit : str
        Unit in which values are given and shown, for example ``"USD/h"``.
    meaning : str
        One phrase for readers.
    shown : str
        Shown symbol, in LaTeX.
    domain : Domain
        Allowed values.
    default : float, str or None
        The value assumed when nobody gives one, or None.
    config_key : str
        The key in a Hugging Face ``config.json``, if there is one.
    hint : str
        What to do where it is missing, beside giving it.
    ideal : bool
        Whether its default is what makes a worksheet ideal, and is shown with it.
    own : bool
        Whether a reader declared it.
    assumption : str
        What SymPy may assume of its symbol: the book's are positive.
    """

    name: str
    unit: str
    meaning: str
    shown: str
    domain: Domain = POSITIVE
    default: float | str | None = None
    config_key: str = ""
    hint: str = ""
    ideal: bool = False
    own: bool = False
    assumption: str = "positive"

    @property
    def symbol(self) -> Symbol:
        """The SymPy symbol of this quantity."""
        return Symbol(self.name, **{self.assumption: True})


REGISTRY: Final[dict[str, Quantity]] = {}


def declare(
    name: str,
    unit: str,
    meaning: str,
    shown: str,
    domain: Domain = POSITIVE,
    default: float | str | None = None,
    key: str = "",
    hint: str = "",
    ideal: bool = False,
) -> Symbol:
    """Enter a quantity of the book into the registry, and return its symbol."""
    if name in REGISTRY:
        raise ValueError(f"{name} is declared twice")
    REGISTRY[name] = Quantity(name, unit, meaning, shown, domain, default, key, hint, ideal)
    return REGISTRY[name].symbol


def lookup(name: str | Symbol) -> Quantity:
    """Return what a symbol means.

    Parameters
    ----------
    name : str or Symbol
        Code name, or the symbol itself.

    Returns
    -------
    Quantity
        Its entry in the registry.

    Raises
    ------
    UnknownNameError
        If no quantity has that name; the closest names are in the message.

    Examples
    --------
    >>> lookup("bandwidth").unit
    'byte/s'
    """
    try:
        return REGISTRY[str(name)]
    except KeyError:
        raise unknown("quantity", str(name), REGISTRY) from None


def listed(names: str | Symbol | Iterable[str | Symbol]) -> list[str | Symbol]:
    """Return names as a list: one name alone is one name, not its letters."""
    return [names] if isinstance(names, str | Symbol) else list(names)
