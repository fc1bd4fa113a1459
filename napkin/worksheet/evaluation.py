"""Values node by node, their conditions, and the message where there is no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sympy import (
    Add,
    Basic,
    Expr,
    Float,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    Rational,
    Subs,
    Sum,
    Symbol,
    ceiling,
    false,
    floor,
    nan,
    oo,
    sqrt,
    true,
)
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from ..errors import (
    DoesNotFitError,
    DomainError,
    MissingGivenError,
    NoFormulaError,
)
from ..formulas.formula import Detail, Formula
from ..formulas.graph import Graph, choice
from ..formulas.roots import Largest
from ..quantities.dimensions import dimension_of
from ..quantities.given import allows, coherent, in_unit
from ..quantities.quantity import lookup
from ..quantities.units import coherent_unit
from ..quantities.value import Value

_DIGITS: Final = 30
_LARGEST_EXACT_POWER: Final = 1024
_EXACT: Final = (Relational, Boolean, Add, Mul, Pow, Min, Max, ceiling, floor)
Givens = Mapping[Symbol, Expr]
Values = dict[Symbol, Expr]


def number(expression: Basic, values: Givens) -> Basic:
    """Evaluate one expression, exactly where that is possible.

    The result is a Rational if the expression has only sums, products, whole powers, rounding
    and comparisons; otherwise it is a Float of 30 digits.
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
    if isinstance(expression, Subs):
        at = zip(
            expression.variables, (number(place, values) for place in expression.point), strict=True
        )
        return number(expression.expr, {**values, **dict(at)})
    if isinstance(expression, Largest):
        return expression.xreplace(dict(values)).evalf(_DIGITS)
    args = [number(arg, values) for arg in expression.args]
    if isinstance(expression, Pow):
        base, power = args
        if abs(power) == Rational(1, 2) and base.is_Rational and sqrt(base).is_Rational:
            return base**power
        if not (power.is_Integer and abs(power) <= _LARGEST_EXACT_POWER):
            args = [Float(arg, _DIGITS) for arg in args]
    elif not isinstance(expression, _EXACT):
        args = [arg.evalf(_DIGITS) for arg in args]
        return expression.func(*args).evalf(_DIGITS)
    return expression.func(*args)


def sides(expression: Expr, values: Givens) -> list[tuple[Expr, Expr]]:
    """Return each side of the outermost ``Min`` or ``Max`` and its number, binding side first."""
    best = choice(expression)
    if best is None:
        return []
    pairs = [(side, number(side, values)) for side in best.args]
    return sorted(pairs, key=lambda pair: float(pair[1]), reverse=isinstance(best, Max))


def evaluate(graph: Graph, givens: Givens, target: Symbol) -> Values:
    """Compute a target and all that it needs, in coherent units, each after its own inputs.

    Raises a `MissingGivenError` for inputs that nobody gave, a `DoesNotFitError` for what the
    server cannot run, a `DomainError` for other impossible results, and a `CircularError`.
    """
    values, nodes = _starting_values(graph, givens, target), graph.order(target)
    for symbol in nodes:
        if symbol not in values:
            values[symbol] = _computed(graph, givens, symbol, values)
    for symbol in nodes:  # conditions on quantities that the target did not need, and on givens
        if symbol in graph and (symbol not in givens or graph[symbol].otherwise):
            reason = unmet(graph, givens, graph[symbol], values)
            if reason:
                kind = DoesNotFitError if graph[symbol].otherwise else DomainError
                raise kind(reason)
    return values


def conditions(graph: Graph, target: Symbol) -> Iterator[Formula]:
    """Yield the formulas whose conditions decide whether a target has a value.

    A server must be able to run all that the target needs, and all that a condition of such a
    formula needs; other formulas must hold where the target needs their number. Formulas whose
    condition cannot be known are skipped.
    """
    needed = set(graph.order(target)) - graph.known
    for formula in (graph[symbol] for symbol in reached(graph, target) if symbol in graph):
        others = formula.valid.free_symbols - {formula.target}
        counts = formula.otherwise or (formula.valid != true and formula.target in needed)
        if counts and all(map(graph.can_be_known, others)):
            yield formula


def reached(graph: Graph, target: Symbol) -> dict[Symbol, None]:
    """Return all that a target needs, and all that the known conditions of these formulas need."""
    queue, seen = [target], dict[Symbol, None]()
    while queue:
        for symbol in graph.order(queue.pop()):
            if symbol in seen:
                continue
            seen[symbol] = None
            others = graph[symbol].valid.free_symbols - {symbol} if symbol in graph else set()
            if all(map(graph.can_be_known, others)):
                queue.extend(sorted(others, key=str))
    return seen


def fits(graph: Graph, givens: Givens, moved: Symbol) -> bool:
    """Say whether every known condition of a server that depends on a quantity holds."""
    told = [graph[target] for target in graph if graph[target].otherwise]
    return not any(
        unmet(graph, givens, formula, givens)
        for formula in told
        if graph.can_be_known(formula.target)
        and any(moved in graph.order(symbol) for symbol in formula.valid.free_symbols)
    )


def unmet(graph: Graph, givens: Givens, formula: Formula, known: Givens) -> str:
    """Say why a formula's condition fails; return an empty text if it holds or cannot be known."""
    values = dict(known)
    for symbol in sorted(formula.valid.free_symbols - values.keys(), key=str):
        if not graph.can_be_known(symbol):
            return ""
        try:
            values |= evaluate(graph, givens, symbol)
        except DomainError as reason:
            return str(reason)
    return why_not(graph, givens, formula, values) if number(formula.valid, values) == false else ""


def why_not(graph: Graph, givens: Givens, formula: Formula, values: Givens) -> str:
    """Say why a formula's condition fails, with the numbers that can be known."""
    if not formula.otherwise:
        known = sorted(formula.valid.free_symbols & values.keys(), key=str)
        here = ", ".join(f"{symbol} is {in_unit(symbol, values[symbol])}" for symbol in known)
        return (
            f"{formula.target} ({lookup(formula.target).meaning}) holds only where "
            f"{formula.valid}, and here {here or 'that is false'}." + _noted(formula)
        )
    details = [
        text for detail in formula.details if (text := _filled(graph, givens, detail, values))
    ]
    return f"{formula.otherwise}: {' '.join(details)}" if details else f"{formula.otherwise}."


def require(graph: Graph, givens: Givens, target: Symbol) -> None:
    """Raise a `MissingGivenError` unless every input of a target is given or assumed."""
    nodes = graph.order(target)
    ends = (s for s in nodes if s not in givens and s not in graph)
    missing = [symbol for symbol in ends if lookup(symbol).default is None]
    if missing:
        raise _missing(missing, graph, nodes, target)


def _starting_values(graph: Graph, givens: Givens, target: Symbol) -> Values:
    require(graph, givens, target)
    values: Values = {}
    for symbol in graph.order(target):
        if symbol in givens:
            values[symbol] = givens[symbol]
        elif symbol not in graph and lookup(symbol).default is not None:
            values[symbol] = coherent(symbol, lookup(symbol).default)
    return values


def _missing(
    missing: list[Symbol], graph: Graph, nodes: list[Symbol], target: Symbol
) -> MissingGivenError:
    if missing == [target]:
        quantity = lookup(target)
        return NoFormulaError(
            f"no formula computes {target} ({quantity.meaning}, in {quantity.unit}) under these "
            f"assumptions, and nobody gave its value: give it, as in {target}=..., or assume a "
            "formula."
        )
    lines = []
    for symbol in missing:
        quantity = lookup(symbol)
        users = ", ".join(graph.dependents(nodes, symbol)[:4])
        said = graph.hints.get(symbol) or quantity.hint
        hint = f"; {said}" if said else ""
        lines.append(f"  {symbol} ({quantity.meaning}, in {quantity.unit}), for {users}{hint}")
    return MissingGivenError(
        f"{target} cannot be computed from what is given. Missing:\n" + "\n".join(lines) + "\n"
        f"Give {'each' if missing[1:] else 'it'}, as in assume({missing[0]}=...)."
    )


def _computed(graph: Graph, givens: Givens, symbol: Symbol, values: Values) -> Expr:
    formula = graph[symbol]
    before = formula.valid.free_symbols <= values.keys()
    if before and number(formula.valid, values) == false:
        raise _does_not_hold(graph, givens, formula, values)
    result = _result(formula, values)
    after = formula.valid.free_symbols <= values.keys() | {symbol} and result.is_comparable
    if after and number(formula.valid, {**values, symbol: result}) == false:
        raise _does_not_hold(graph, givens, formula, {**values, symbol: result})
    unlimited = result == oo and formula.expression.has(oo)
    if not (unlimited or allows(lookup(symbol).domain, result)):
        raise _outside(formula, result)
    return result


def _result(formula: Formula, values: Givens) -> Expr:
    try:
        return number(formula.expression, values)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):  # a division by zero inside
        return nan


def _does_not_hold(graph: Graph, givens: Givens, formula: Formula, values: Givens) -> DomainError:
    kind = DoesNotFitError if formula.otherwise else DomainError
    return kind(why_not(graph, givens, formula, values))


def _outside(formula: Formula, result: Expr) -> DomainError:
    quantity = lookup(formula.target)
    if not result.is_finite:
        return DomainError(
            f"{quantity.name} ({quantity.meaning}) has no finite value here, because its "
            f"formula divides by 0: {formula}.{_noted(formula)}"
        )
    return DomainError(
        f"{quantity.name} ({quantity.meaning}) comes out as {in_unit(formula.target, result)}, "
        f"but must be {quantity.domain.words}: {formula}.{_noted(formula)}"
    )


def _noted(formula: Formula) -> str:
    return f" Note: {formula.scope}." if formula.scope else ""


def _filled(graph: Graph, givens: Givens, detail: Detail, values: Givens) -> str:
    """Return a detail with its numbers, or an empty text if one cannot be known."""
    needed = detail.when.free_symbols.union(*(value.free_symbols for value in detail.values))
    known = dict(values)
    for symbol in sorted(needed - known.keys(), key=str):
        found = without_conditions(graph, givens, symbol)
        if found is None:
            return ""
        known[symbol] = found
    if number(detail.when, known) == false:
        return ""
    return detail.text.format(*(_shown(value, known) for value in detail.values))


def _shown(expression: Expr, values: Givens) -> Value:
    if isinstance(expression, Symbol):
        return in_unit(expression, values[expression])
    return Value(number(expression, values), coherent_unit(dimension_of(expression)))


def without_conditions(graph: Graph, givens: Givens, target: Symbol) -> Expr | None:
    """Return the number of a target without checks, or None if it cannot be known."""
    if not graph.can_be_known(target):
        return None
    values = _starting_values(graph, givens, target)
    for symbol in graph.order(target):
        if symbol not in values:
            values[symbol] = _result(graph[symbol], values)
    return values[target] if values[target].is_comparable else None
