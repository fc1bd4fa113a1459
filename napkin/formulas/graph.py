"""A set of formulas as a graph: order, node-by-node evaluation, closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Final

from sympy import (
    Add,
    Basic,
    Expr,
    Float,
    Max,
    Min,
    Piecewise,
    Pow,
    Rational,
    Sum,
    Symbol,
    oo,
    sqrt,
    true,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from ..errors import CircularError
from .formula import Formula

_DIGITS: Final = 30
_LARGEST_EXACT_POWER: Final = 1024
_EXACT: Final = (Relational, Boolean, Pow)

Formulas = Mapping[Symbol, Formula]


def effective(formula: Formula, formulas: Formulas, givens: Iterable[Symbol]) -> Expr:
    """Return a formula's expression without the terms whose givens are missing.

    Parameters
    ----------
    formula : Formula
        A formula, perhaps with terms of a ``Min`` that may be left out.
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : collection of Symbol
        What is given.

    Returns
    -------
    Expr
        The expression that counts.
    """
    if not formula.left_out:
        return formula.expression
    return formula.expression.xreplace(
        {term: oo for _, term in left_out(formula, formulas, givens)}
    )


def left_out(
    formula: Formula, formulas: Formulas, givens: Iterable[Symbol]
) -> list[tuple[Symbol, Symbol]]:
    """List the terms of a formula that cannot be known, each behind the given that it lacks.

    Parameters
    ----------
    formula : Formula
        A formula, perhaps with terms of a ``Min`` that may be left out.
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : collection of Symbol
        What is given.

    Returns
    -------
    list of (Symbol, Symbol)
        Pairs (given, term) of those that are missing.
    """
    known = set(givens)
    return [
        (given, term)
        for given, term in formula.left_out
        if given in _open_ends(term, formulas, known)
    ]


def _open_ends(target: Symbol, formulas: Formulas, known: set[Symbol]) -> set[Symbol]:
    """Return what a target needs that is neither known nor computed by a formula."""
    seen, queue, ends = set[Symbol](), [target], set[Symbol]()
    while queue:
        symbol = queue.pop()
        if symbol in seen or symbol in known:
            continue
        seen.add(symbol)
        if symbol in formulas:
            queue.extend(formulas[symbol].symbols)
        else:
            ends.add(symbol)
    return ends


def order(formulas: Formulas, givens: Iterable[Symbol], target: Symbol) -> list[Symbol]:
    """List what has to be known to know a target, each after what it needs.

    Parameters
    ----------
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : collection of Symbol
        What is given: a given is never computed.
    target : Symbol
        What is asked for.

    Returns
    -------
    list of Symbol
        Givens, symbols without a formula, and computed ones; the target last.

    Raises
    ------
    CircularError
        If formulas need each other, with the circle.
    """
    known, needs, open_ends = set(givens), dict[Symbol, list[Symbol]](), [target]
    while open_ends:
        symbol = open_ends.pop()
        if symbol in needs:
            continue
        formula = formulas.get(symbol) if symbol not in known else None
        used = effective(formula, formulas, known).free_symbols if formula else ()
        needs[symbol] = sorted(used, key=str)
        open_ends.extend(needs[symbol])
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as circle:
        names = [str(symbol) for symbol in reversed(circle.args[1])]
        raise CircularError(
            f"{' needs '.join(names)}: give one of them a value, for example "
            f"assume({names[0]}=...)."
        ) from None


def number(expression: Basic, values: Mapping[Symbol, Expr]) -> Basic:
    """Evaluate one expression, exactly where that is possible.

    Parameters
    ----------
    expression : Basic
        What to evaluate.
    values : mapping of Symbol to Expr
        A number for each of its symbols.

    Returns
    -------
    Basic
        A Rational if only sums, products, whole powers, rounding and comparisons are
        involved; otherwise a Float of 30 digits.
    """
    if expression in values:
        return values[expression]
    if not expression.args:
        return expression
    if isinstance(expression, Piecewise):  # only the branch that holds
        branches = ((value, number(holds, values)) for value, holds in expression.args)
        return next(number(value, values) for value, holds in branches if holds == true)
    if isinstance(expression, Sum):
        return expression.xreplace(dict(values)).doit().evalf(_DIGITS)
    args = [number(arg, values) for arg in expression.args]
    if isinstance(expression, Pow):
        base, power = args
        if abs(power) == Rational(1, 2) and base.is_Rational and sqrt(base).is_Rational:
            return base**power
        if not (power.is_Integer and abs(power) <= _LARGEST_EXACT_POWER):
            args = [Float(arg, _DIGITS) for arg in args]
    elif not (isinstance(expression, _EXACT) or _is_exact(expression)):
        args = [arg.evalf(_DIGITS) for arg in args]
        return expression.func(*args).evalf(_DIGITS)
    return expression.func(*args)


def _is_exact(expression: Basic) -> bool:
    kind = expression.func.__name__
    return expression.is_Add or expression.is_Mul or kind in {"Min", "Max", "ceiling", "floor"}


def closed_form(
    formulas: Formulas, givens: Iterable[Symbol], target: Symbol, keep: Iterable[Symbol] = ()
) -> Expr:
    """Put formulas into each other until only givens are left: once, then from memory.

    Parameters
    ----------
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : collection of Symbol
        Where to stop.
    target : Symbol
        What is asked for; it is opened even if it is given or kept.
    keep : collection of Symbol
        Further symbols at which to stop.

    Returns
    -------
    Expr
        One expression.
    """
    return _closed_form(frozenset(formulas.items()), frozenset(givens), target, frozenset(keep))


@lru_cache(maxsize=512)
def _closed_form(
    items: frozenset[tuple[Symbol, Formula]],
    givens: frozenset[Symbol],
    target: Symbol,
    keep: frozenset[Symbol],
) -> Expr:
    formulas = dict(items)
    known, stops = givens, (givens | keep) - {target}
    forms: dict[Symbol, Expr] = {}
    for symbol in order(formulas, stops, target):
        if symbol in stops or symbol not in formulas:
            continue
        expression = effective(formulas[symbol], formulas, known)
        forms[symbol] = expression.xreplace(
            {s: forms[s] for s in expression.free_symbols & forms.keys()}
        )
    return forms.get(target, target)


def dependents(formulas: Formulas, nodes: Iterable[Symbol], symbol: Symbol) -> list[str]:
    """Name those among `nodes` whose formula uses a symbol directly.

    Parameters
    ----------
    formulas : mapping of Symbol to Formula
        What can be computed.
    nodes : iterable of Symbol
        Where to look.
    symbol : Symbol
        What is used.

    Returns
    -------
    list of str
        Code names, in the order of `nodes`.
    """
    return [str(n) for n in nodes if n in formulas and symbol in formulas[n].symbols]


def sides(expression: Expr, values: Mapping[Symbol, Expr]) -> list[tuple[Expr, Expr]]:
    """Return the sides of the outermost ``Min`` or ``Max`` with their numbers, binding first.

    Parameters
    ----------
    expression : Expr
        The right side of a formula.
    values : mapping of Symbol to Expr
        A number for each of its symbols.

    Returns
    -------
    list of (Expr, Expr)
        Side and number; empty if no ``Min`` or ``Max`` is the expression, or a term of it.
    """
    best = choice(expression)
    if best is None:
        return []
    pairs = [(side, number(side, values)) for side in best.args]
    return sorted(pairs, key=lambda pair: float(pair[1]), reverse=isinstance(best, Max))


def choice(expression: Expr) -> Min | Max | None:
    """Return the outermost ``Min`` or ``Max`` of an expression.

    Parameters
    ----------
    expression : Expr
        The right side of a formula.

    Returns
    -------
    Min, Max or None
        None if neither is the expression, or a term of it.
    """
    found = [part for part in Add.make_args(expression) if isinstance(part, Min | Max)]
    # Within a product or a quotient it is a part, not a choice of the whole.
    return found[0] if len(found) == 1 else None
