"""What a symbol means: the kind of entry that the registry of quantities holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sympy import Symbol

from ..errors import UnknownNameError, unknown


@dataclass(frozen=True)
class Domain:
    """The values that a quantity may take."""

    words: str
    low: float = 0
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False
    integer: bool = False

    def within(self, numbers: Any) -> Any:
        """Say which numbers lie between the ends."""
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
NARROW: Final = Domain("above 0 and at most 4 bytes (four bits are 0.5)", high=4, open_low=True)
COUNT: Final = Domain("a whole number of at least 1", low=1, integer=True)
WHOLE: Final = Domain("a whole number of at least 0", integer=True)
SWITCH: Final = Domain("0 or 1", high=1, integer=True)
ANY: Final = Domain("a number", low=float("-inf"))


@dataclass(frozen=True)
class Quantity:
    """What a symbol means."""

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
    per: tuple[str, ...] = ()
    """Labels that a reader may write below the unit, because the quantity is of one of it."""
    also: tuple[str, ...] = ()
    """What the quantity is called elsewhere: in engines, papers, load tests."""
    bare: Domain | None = None
    """What a number without a unit may be, besides 0, where another one is likely a slip."""

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
    per: tuple[str, ...] = (),
    bare: Domain | None = None,
    also: tuple[str, ...] = (),
) -> Symbol:
    """Enter a quantity of the book into the registry, and return its symbol."""
    if name in REGISTRY:
        raise ValueError(f"{name} is declared twice")
    REGISTRY[name] = Quantity(
        name, unit, meaning, shown, domain, default, key, hint, ideal, per=per, bare=bare, also=also
    )
    return REGISTRY[name].symbol


ELSEWHERE: Final = {
    word: advice
    for advice, words in {
        "assume 'expert_parallel' beside n_gpus, which leaves experts whole": (
            *("ep", "ep_size", "expert_parallel", "expert_parallel_size", "enable_expert_parallel"),
        ),
        "replicas counts servers side by side; for attention alone, assume "
        "'attention_data_parallel' beside n_gpus": ("dp", "dp_size", "data_parallel_size"),
        "write calibrated=True, which brings its constants": ("calibrated",),
        "tpot is the time per output token, ttft the time to first token": ("latency",),
        "no formula here counts stages of layers; n_gpus share each layer, and replicas stand "
        "side by side": ("pp", "pp_size", "pipeline_parallel", "pipeline_parallel_size"),
    }.items()
    for word in words
}
"""What to do instead, by what other projects call it."""


def lookup(name: str | Symbol) -> Quantity:
    """Return what a symbol means.

    Examples
    --------
    >>> lookup("bandwidth").unit
    'byte/s'
    """
    try:
        return REGISTRY[str(name)]
    except KeyError:
        asked = str(name).lower()
        if asked in ELSEWHERE:
            raise UnknownNameError(
                f"there is no quantity {str(name)!r}: {ELSEWHERE[asked]}."
            ) from None
        meant = [q for q in REGISTRY.values() if asked in (*q.also, q.config_key or None)]
        if not meant:
            raise unknown("quantity", str(name), REGISTRY, "nk.symbols() lists them.") from None
        here = " or ".join(f"{q.name} ({q.meaning}, in {q.unit})" for q in meant)
        hints = "".join(f"; {q.hint}" for q in meant if q.hint)
        raise UnknownNameError(
            f"there is no quantity {str(name)!r}: here it is {here}{hints}."
        ) from None


def listed(names: str | Symbol | Iterable[str | Symbol]) -> list[str | Symbol]:
    """Return names as a list: one name alone is one name, not its letters."""
    return [names] if isinstance(names, str | Symbol) else list(names)
