"""Worksheets side by side: which givens and formulas differ, and what that changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from sympy import Symbol

from ..errors import NapkinError
from ..formulas.formula import Formula
from ..quantities.given import in_unit
from ..quantities.quantity import listed
from ..quantities.table import Table
from ..quantities.value import Value
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
    """What differs between worksheets: a column for each, and ratios to the first."""

    names: tuple[str, ...]
    givens: tuple[tuple[str, ...], ...]
    formulas: tuple[tuple[str, ...], ...]
    results: tuple[tuple[str, ...], ...]

    def _table(self) -> Table:
        first, *others = self.names
        empty = [""] * len(others)
        rows = [
            *(("result", *row) for row in self.results),
            *(("given", *row, *empty) for row in self.givens),
            *(("formula", name, *map(_cut, told), *empty) for name, *told in self.formulas),
        ]
        ratios = (f"{other}/{first}" for other in others)
        return Table(("what", "name", *self.names, *ratios), rows)

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_markdown_(self) -> str:
        return self._table()._repr_markdown_()


def compare(*napkins: Napkin, targets: str | Iterable[str] = _USUAL, **named: Napkin) -> Comparison:
    """Compare two or more worksheets.

    Parameters
    ----------
    *napkins : Napkin
        The worksheets; their columns are called first, second, third and so on.
    targets : str or iterable of str
        Results to compare; those that no worksheet can compute are left out.
    **named : Napkin
        More worksheets, each under a name for its column.

    Returns
    -------
    Comparison
        Givens and formulas that differ, and the results side by side, each with its ratio
        to that of the first worksheet.

    Raises
    ------
    NapkinError
        If there are fewer than two worksheets, or something else among them.
    """
    columns = _columns(napkins, named)
    sheets = tuple(columns.values())
    givens = [
        (str(symbol), *("–" if value is None else str(value) for value in values))
        for symbol in sorted({s for n in sheets for s in n.givens}, key=str)
        if _differ(values := [_given(n, symbol) for n in sheets])
    ]
    formulas = [
        (str(symbol), *(_told(n, symbol) for n in sheets))
        for symbol in sorted({s for n in sheets for s in n.formulas.packaged}, key=str)
        if _differ([_packaged(n, symbol) for n in sheets])
    ]
    return Comparison(
        tuple(columns),
        tuple(givens),
        tuple(formulas),
        tuple(row for target in listed(targets) for row in _result(sheets, target)),
    )


def _columns(napkins: Sequence[object], named: Mapping[str, object]) -> dict[str, Napkin]:
    """Name every worksheet, and refuse what is none."""
    if napkins:
        expect_napkin(napkins[0], "compare")
    given = [*zip(_ordinals(), napkins, strict=False), *named.items()]
    for name, n in given:
        if not isinstance(n, Napkin):
            raise NapkinError(
                f"compare takes napkins, but {name} is {n!r:.60}. To say which results to "
                "compare, use targets, as in nk.compare(n, m, targets=['users'])."
            )
    columns = {name: n for name, n in given if isinstance(n, Napkin)}
    if len(columns) < len(given):
        raise NapkinError(
            f"compare got {len(given)} napkins, but two of them have the same name: "
            f"{', '.join(name for name, _ in given)}. Give each another name."
        )
    if len(columns) < 2:
        raise NapkinError(
            f"compare takes two napkins or more, got {len(columns)}. Give another one, as in "
            "nk.compare(n, n.assume(price=2)), or by name, as in nk.compare(today=n, tomorrow=m)."
        )
    return columns


def _ordinals() -> Iterator[str]:
    yield from ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
    yield from (f"napkin {place}" for place in count(9))


def _differ(found: Sequence[Value | str | None]) -> bool:
    return any(one != found[0] for one in found)


def _given(n: Napkin, symbol: Symbol) -> Value | None:
    return in_unit(symbol, n.givens[symbol].value) if symbol in n.givens else None


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _packaged(n: Napkin, symbol: Symbol) -> str:
    node = n.formulas.packaged.get(symbol)
    return "–" if node is None else str(node).removeprefix(f"{symbol} = ")


def _told(n: Napkin, symbol: Symbol) -> str:
    """Return a formula as it holds here, and what is solved as the question that it answers."""
    plain = isinstance(n.formulas.packaged.get(symbol), Formula)
    return str(n.formulas[symbol].expression) if plain else _packaged(n, symbol)


def _result(sheets: Sequence[Napkin], target: str) -> list[tuple[str, ...]]:
    first, *others = values = [_value(n, target) for n in sheets]
    if not any(isinstance(value, Value) for value in values):
        return []
    return [(target, *map(str, values), *(_ratio(first, other) for other in others))]


def _ratio(first: Value | str, other: Value | str) -> str:
    """Return the second over the first, or nothing where either is an error."""
    if isinstance(first, str) or isinstance(other, str):
        return ""
    return f"{float(other / first):.3g}" if first else "–"


def _value(n: Napkin, target: str) -> Value | str:
    """Return the value, or the kind of error in its place."""
    try:
        return n[target]
    except NapkinError as reason:
        return type(reason).__name__.removesuffix("Error")
