"""Equations, sentences and tables as a notebook shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from sympy import Basic, Eq, Expr, Symbol, Tuple

from ..errors import MissingGivenError, NapkinError
from ..formulas.formula import Formula, latex_of, legend
from ..quantities.quantity import REGISTRY, lookup
from ..quantities.table import Table
from ..worksheet.napkin import Napkin, expect_napkin
from ..worksheet.unused import idle, said_of


@dataclass(frozen=True)
class Shown:
    """Text that a notebook shows as Markdown, and a terminal as it is."""

    markdown: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.markdown


def show(*parts: Basic | Formula) -> Shown:
    r"""Show equations in the book's symbols, factors in the order in which they were written.

    Parameters
    ----------
    *parts : Basic or Formula
        Each on a line of its own.

    Returns
    -------
    Shown
        Typeset mathematics.

    Examples
    --------
    >>> from sympy import Eq
    >>> from napkin.notation import bandwidth, drain_time, memory
    >>> print(show(Eq(drain_time, memory / bandwidth)).markdown.splitlines()[0])
    $\displaystyle t_\mathrm{drain} = \frac{M}{W}$
    """
    plain = [part.equation if isinstance(part, Formula) else part for part in parts]
    lines = [rf"$\displaystyle {latex_of(part)}$" for part in plain]
    below = legend(Tuple(*plain))
    told = [f"{p.lhs} = {p.rhs}" if isinstance(p, Eq) else str(p) for p in plain]
    return Shown("\n\n".join(lines) + below, "\n".join(told))


class _Sentence(Formatter):
    """A format that shows a bare float with three digits, and knows SymPy's numbers."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Expr) and value.is_number:
            value = int(value) if value.is_Integer else float(value)
        if isinstance(value, float) and not format_spec:
            format_spec = ",.3g" if abs(value) < 1000 else ",.0f"
        return str(super().format_field(value, format_spec))


def say(sentence: str, /, **values: Any) -> Shown:
    """Say a sentence with computed values in it.

    Parameters
    ----------
    sentence : str
        With fields as in ``str.format``, for example ``"{kv} of memory"``.
    **values : Value, number or str
        What the fields stand for; a float is shown with three digits.

    Returns
    -------
    Shown
        The sentence, as Markdown.

    Examples
    --------
    >>> from sympy import Integer
    >>> from napkin import Value
    >>> say("One user holds {kv}.", kv=Value(Integer(26_214_400_000), "byte"))
    One user holds 26.2 GB.
    """
    text = _Sentence().format(sentence, **values)
    return Shown(text, text)


def symbols(n: Napkin | None = None, *names: str | Symbol) -> Table:
    """Tabulate symbols with their meaning, unit and value: ``nk.symbols()`` lists them all.

    Parameters
    ----------
    n : Napkin, optional
        Where the values come from; without it, no values are shown.
    *names : str or Symbol
        Quantities; all that there are if none is named.

    Returns
    -------
    Table
        One row a quantity; a dash and the unit where the napkin has no value.
    """
    if n is not None or names:
        expect_napkin(n, "symbols")
    no_value = MissingGivenError if names else NapkinError
    rows = []
    for quantity in map(lookup, names or REGISTRY):
        here = quantity.unit
        if n is not None:
            try:
                here = str(n[quantity.name])
            except no_value:
                here = f"– {quantity.unit}"
        rows.append([f"${quantity.shown}$", f"`{quantity.name}`", quantity.meaning, here])
    return Table(["symbol", "in code", "meaning", "unit" if n is None else "here"], rows)


def results(
    napkins: Mapping[str, Napkin], *targets: str, heads: Sequence[str] | None = None
) -> Table:
    """Tabulate quantities of several napkins side by side.

    Parameters
    ----------
    napkins : mapping of str to Napkin
        Worksheets by the name of their assumption.
    *targets : str
        Quantities, one column each.
    heads : sequence of str, optional
        Names of the columns, the first one for what the rows are; without them, the meanings
        of the quantities.

    Returns
    -------
    Table
        One row a napkin; where there is no answer, the kind of error stands.

    Raises
    ------
    NapkinError
        If there are not as many heads as columns.
    """
    if heads is not None and len(heads) != 1 + len(targets):
        raise NapkinError(
            f"{len(heads)} heads for {1 + len(targets)} columns: one for the names of the rows, "
            f"and one for each of {', '.join(targets)}."
        )
    rows = [[name, *(_cell(n, target) for target in targets)] for name, n in napkins.items()]
    # What one row ignores is often what another is about; what all ignore is a slip.
    nowhere = [idle(n.formulas, n.typed, targets) for n in napkins.values()]
    ignored = (name for name in nowhere[0] if all(name in names for names in nowhere[1:]))
    header = heads or ["assumption", *(lookup(target).meaning for target in targets)]
    return Table(header, rows, said_of(ignored))


def _cell(n: Napkin, target: str) -> str:
    try:
        return format(n[target], "short")
    except NapkinError as reason:
        return type(reason).__name__.removesuffix("Error")
