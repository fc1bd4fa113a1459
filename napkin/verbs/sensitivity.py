"""What a result is most sensitive to: elasticities by symbolic derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sympy import Derivative, Expr, Integer, Symbol, ceiling, diff, floor

from ..errors import NapkinError
from ..quantities.given import in_unit
from ..quantities.quantity import SWITCH, lookup
from ..quantities.value import Value
from ..worksheet.evaluation import number
from ..worksheet.napkin import Napkin, expect_napkin


@dataclass(frozen=True)
class Elasticity:
    """How a result answers to one of its givens."""

    name: str
    value: Value
    elasticity: float


@dataclass(frozen=True)
class Sensitivity:
    """The elasticities of a result, the largest first."""

    target: str
    value: Value
    rows: tuple[Elasticity, ...]

    def to(self, given: str | Symbol) -> float:
        """Return how the result answers to one given."""
        name = lookup(given).name
        return next((row.elasticity for row in self.rows if row.name == name), 0.0)

    def sentences(self) -> list[str]:
        """Return a sentence for each row."""
        return [
            f"1 % more {row.name} ({row.value}) makes {self.target} {abs(row.elasticity):.3g} % "
            f"{'higher' if row.elasticity > 0 else 'lower'}"
            for row in self.rows
        ]

    def __str__(self) -> str:
        return "\n".join([f"{self.target} = {self.value}", *self.sentences()])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        lines = "\n".join(f"- {sentence}" for sentence in self.sentences())
        return f"`{self.target}` = {self.value}\n\n{lines}"


def sensitivity(n: Napkin, target: str) -> Sensitivity:
    """Compute how a result answers to each of its givens.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    target : str
        The result.

    Returns
    -------
    Sensitivity
        Elasticities, sorted by size: one percent more of a given changes the result by so
        many percent, everything else unchanged. Switches of a shape are left out; counts
        are treated as if they could change a little.

    Raises
    ------
    NapkinError
        If the value cannot be computed.

    Notes
    -----
    Each formula is differentiated by SymPy, and the derivatives are multiplied along the
    graph from the target down. At a tie of a ``Min`` both sides count half, and what is rounded
    counts as before it was.

    Examples
    --------
    >>> n = Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=20_000)
    >>> for row in sensitivity(n, "kv_bytes_per_sequence").rows[:2]:
    ...     print(row.name, row.elasticity)
    bytes_per_kv 1.0
    context 1.0
    """
    expect_napkin(n, "sensitivity")
    values = n.values(target)
    symbol = lookup(target).symbol
    if values[symbol] == 0:
        raise NapkinError(f"{target} is 0 here, and nothing is a percentage of that.")
    slopes: dict[Symbol, Expr] = {symbol: Integer(1)}
    for node in reversed(list(values)):
        if node in n.givens or node not in n.formulas or node not in slopes:
            continue
        expression = n.formulas[node].expression
        for child in expression.free_symbols:
            step = number(_slope(expression, child), values)
            slopes[child] = slopes.get(child, Integer(0)) + slopes[node] * step
    rows = []
    for name, slope in slopes.items():
        open_end = name in n.givens or name not in n.formulas
        quantity = lookup(name)
        # A count that nobody gave is how the model is built, and no assumption.
        built = quantity.domain.integer and name not in n.givens and not quantity.ideal
        if not open_end or quantity.domain is SWITCH or built or slope == 0 or name == symbol:
            continue
        elasticity = slope * values[name] / values[symbol]
        elasticity = float(elasticity) if elasticity.is_real and elasticity.is_finite else 0.0
        if abs(elasticity) > 1e-12:  # less is what rounding leaves of zero
            rows.append(Elasticity(name.name, in_unit(name, values[name]), elasticity))
    rows.sort(key=lambda row: (-abs(row.elasticity), row.name))
    return Sensitivity(str(target), in_unit(symbol, values[symbol]), tuple(rows))


def _itself(rounded: Expr) -> Expr:
    """Return what is rounded: a step has no slope, but the quantity before it has."""
    return rounded


@lru_cache(maxsize=4096)
def _slope(expression: Expr, symbol: Symbol) -> Expr:
    slope = diff(expression.replace(floor, _itself).replace(ceiling, _itself), symbol)
    if slope.has(Derivative):
        raise NapkinError(f"{expression} has no derivative by {symbol} that SymPy knows.")
    return slope
