"""Two worksheets: which givens and formulas differ, and what that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sympy import Symbol

from ..errors import NapkinError
from ..formulas.formula import Formula
from ..quantities.table import Table
from ..quantities.value import Value, in_unit
from ..worksheet.napkin import Napkin, expect_napkin

_WIDEST: Final = 48  # of a formula in the table; `formulas` has it whole
_USUAL: Final = (
    "weight_bytes",
    "kv_bytes_per_sequence",
    "concurrent_sequences",
    "decode_step_time",
    "tokens_per_second",
    "ttft",
    "users_per_gpu",
    "cost_per_user_month",
    "cost_per_million_tokens",
)


@dataclass(frozen=True)
class Comparison:
    """What differs between two worksheets."""

    givens: tuple[tuple[str, str, str], ...]
    formulas: tuple[tuple[str, str, str], ...]
    results: tuple[tuple[str, str, str, str], ...]

    def _table(self) -> Table:
        rows = [
            *(("result", *row) for row in self.results),
            *(("given", *row, "") for row in self.givens),
            *(("formula", name, _cut(one), _cut(other), "") for name, one, other in self.formulas),
        ]
        return Table(("what", "name", "first", "second", "second/first"), rows)

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_markdown_(self) -> str:
        return self._table()._repr_markdown_()


def compare(first: Napkin, second: Napkin, targets: Sequence[str] = _USUAL) -> Comparison:
    """Compare two worksheets.

    Parameters
    ----------
    first, second : Napkin
        The worksheets.
    targets : sequence of str
        Results to compare; those that neither can compute are left out.

    Returns
    -------
    Comparison
        Givens and formulas that differ, and the results side by side.
    """
    expect_napkin(first, "compare")
    expect_napkin(second, "compare")
    targets = [targets] if isinstance(targets, str) else targets
    givens = []
    for symbol in sorted({*first.givens, *second.givens}, key=str):
        one, other = (
            in_unit(symbol, n.givens[symbol].value) if symbol in n.givens else None
            for n in (first, second)
        )
        if one != other:
            givens.append((str(symbol), _given(one), _given(other)))
    formulas = []
    ours, theirs = first.formulas.packaged, second.formulas.packaged
    for symbol in sorted({*ours, *theirs}, key=str):
        if _packaged(first, symbol) != _packaged(second, symbol):
            formulas.append((str(symbol), _told(first, symbol), _told(second, symbol)))
    results = [row for target in targets for row in _result(first, second, target)]
    return Comparison(tuple(givens), tuple(formulas), tuple(results))


def _given(value: Value | None) -> str:
    return "–" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _packaged(n: Napkin, symbol: Symbol) -> str:
    node = n.formulas.packaged.get(symbol)
    return "–" if node is None else str(node).removeprefix(f"{symbol} = ")


def _told(n: Napkin, symbol: Symbol) -> str:
    """Return a formula as it holds here, and what is solved as the question that it answers."""
    plain = isinstance(n.formulas.packaged.get(symbol), Formula)
    return str(n.formulas[symbol].expression) if plain else _packaged(n, symbol)


def _result(first: Napkin, second: Napkin, target: str) -> list[tuple[str, str, str, str]]:
    one, other = _value(first, target), _value(second, target)
    if isinstance(one, Value) and isinstance(other, Value):
        ratio = f"{float(other / one):.3g}" if one else "–"
        return [(target, str(one), str(other), ratio)]
    return (
        []
        if not (isinstance(one, Value) or isinstance(other, Value))
        else [(target, str(one), str(other), "")]
    )


def _value(n: Napkin, target: str) -> Value | str:
    """Return the value, or the kind of error in its place."""
    try:
        return n[target]
    except NapkinError as reason:
        return type(reason).__name__.removesuffix("Error")
