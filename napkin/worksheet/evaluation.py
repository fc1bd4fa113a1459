"""Values node by node, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sympy import Expr, Integer, Symbol, ceiling, false, floor, nan

from ..errors import (
    CircularError,
    DoesNotFitError,
    DomainError,
    MissingGivenError,
    NapkinError,
    NoFormulaError,
)
from ..formulas.formula import Formula
from ..formulas.graph import Formulas, dependents, effective, number, order
from ..quantities import notation as q
from ..quantities.quantity import lookup
from ..quantities.value import allows, coherent, in_unit

_HINTS: Final = {
    "n_layers": "or name a model, such as model='Qwen3-32B'",
    "memory": "or name an accelerator, such as accelerator='B200'",
    "bandwidth": "or name an accelerator, such as accelerator='B200'",
    "peak_flops": "or name an accelerator and a precision, such as precision='fp8'",
    "bytes_per_weight": "or name a precision, such as precision='fp8'",
    "bytes_per_kv": "or name a precision, such as precision='fp8'",
    "price": "there is no default price",
    "think_time": "or give duty_cycle itself, such as 0.2",
    "new_tokens": "or, for a duty cycle, give duty_cycle itself, such as 0.2",
}


def evaluate(
    formulas: Formulas, givens: Mapping[Symbol, Expr], target: Symbol
) -> dict[Symbol, Expr]:
    """Compute a target and all that it needs.

    Parameters
    ----------
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : mapping of Symbol to Expr
        What is given, in coherent units.
    target : Symbol
        What is asked for.

    Returns
    -------
    dict of Symbol to Expr
        A number for each symbol met on the way, each after what it needs.

    Raises
    ------
    MissingGivenError
        If something is needed that nobody gave: its meaning, unit, and who needs it.
    NoFormulaError
        If the target itself is neither given nor computed by a formula.
    CircularError
        If formulas need each other.
    DoesNotFitError
        If memory is too small, or a speed out of reach.
    DomainError
        If a result is outside what its quantity allows.
    """
    nodes = order(formulas, givens, target)
    values: dict[Symbol, Expr] = {}
    missing: list[Symbol] = []
    for symbol in nodes:
        default = lookup(symbol).default
        if symbol in givens:
            values[symbol] = givens[symbol]
        elif symbol not in formulas:
            if default is None:
                missing.append(symbol)
            else:
                values[symbol] = coherent(symbol, default)
    if missing:
        raise _missing(missing, formulas, nodes, target)
    for symbol in nodes:
        if symbol not in values:
            values[symbol] = _computed(symbol, formulas, givens, values)
    return values


def _one_cache(formulas: Formulas, givens: Mapping[Symbol, Expr]) -> Expr | int:
    """Return the bytes that one sequence takes of a budget, or 0 where that is not known."""
    room = Integer(10**18)
    try:
        values = evaluate(formulas, {**givens, q.kv_budget: room}, q.concurrent_sequences)
    except NapkinError:
        return 0
    return room / values[q.concurrent_sequences]


def check_room(
    formulas: Formulas, givens: Mapping[Symbol, Expr], values: Mapping[Symbol, Expr]
) -> None:
    """Raise if results of serving were computed for a model that its memory does not hold.

    Parameters
    ----------
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : mapping of Symbol to Expr
        What is given, in coherent units.
    values : mapping of Symbol to Expr
        What was computed.

    Raises
    ------
    DoesNotFitError
        If a step or a prompt was timed, memory is given, and the weights do not fit.
    """
    timed = {q.decode_memory_time, q.decode_compute_time, q.prefill_compute_time} - givens.keys()
    if q.memory not in givens or q.kv_budget in values or not timed & values.keys():
        return
    try:
        evaluate(formulas, givens, q.kv_budget)
    except (MissingGivenError, CircularError):  # then it cannot be told
        return


def _missing(
    missing: list[Symbol], formulas: Formulas, nodes: list[Symbol], target: Symbol
) -> MissingGivenError:
    if missing == [target]:
        quantity = lookup(target)
        return NoFormulaError(
            f"no formula computes {target} ({quantity.meaning}, in {quantity.unit}) under these "
            f"assumptions, and it was not given: give it, as in {target}=..., or assume a formula."
        )
    lines = []
    for symbol in missing:
        quantity = lookup(symbol)
        users = ", ".join(dependents(formulas, nodes, symbol)[:4])
        hint = f"; {_HINTS[symbol.name]}" if symbol.name in _HINTS else ""
        lines.append(f"  {symbol} ({quantity.meaning}, in {quantity.unit}), for {users}{hint}")
    return MissingGivenError(
        f"{target} needs what was not given:\n" + "\n".join(lines) + "\n"
        f"Give it, as in assume({missing[0]}=...)."
    )


def _computed(
    symbol: Symbol,
    formulas: Formulas,
    givens: Mapping[Symbol, Expr],
    values: dict[Symbol, Expr],
) -> Expr:
    formula = formulas[symbol]
    try:
        holds = number(formula.valid, values) != false
        result = number(effective(formula, formulas, givens), values) if holds else nan
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):  # a division by zero inside
        holds, result = True, nan
    if not holds:
        raise DomainError(
            f"{formula.target} ({lookup(formula.target).meaning}) holds only where "
            f"{formula.valid}, which is not so here."
            + (f" Note: {formula.scope}." if formula.scope else "")
        )
    _check_fit(formula.target, result, formulas, givens, values)
    if not allows(lookup(formula.target).domain, result):
        raise _outside(formula, result)
    return result


def _outside(formula: Formula, result: Expr) -> DomainError:
    quantity = lookup(formula.target)
    scope = f" Note: {formula.scope}." if formula.scope else ""
    if not result.is_finite:
        return DomainError(
            f"{quantity.name} ({quantity.meaning}) has no finite value here, because something "
            f"that it divides by is 0: {formula}.{scope}"
        )
    return DomainError(
        f"{quantity.name} ({quantity.meaning}) comes out as {in_unit(formula.target, result)}, "
        f"but must be {quantity.domain.words}: {formula}.{scope}"
    )


def _check_fit(
    target: Symbol,
    result: Expr,
    formulas: Formulas,
    givens: Mapping[Symbol, Expr],
    values: Mapping[Symbol, Expr],
) -> None:
    """Raise the errors that a server meets first: no room, no speed."""
    if not result.is_comparable:
        return
    if target == q.kv_budget and result <= 0:
        cache = _one_cache(formulas, givens)
        raise DoesNotFitError(
            f"the weights take {_show(q.weight_bytes, values)}, but the server may use only "
            f"{in_unit(q.memory, _room(values))} on {_show(q.n_gpus, values)}: "
            f"{in_unit(q.memory, -result)} short. {_gpus_that_would_do(values, cache)}"
        )
    if target == q.concurrent_sequences and result < 1:
        taken = values[q.kv_budget] / result if result > 0 else values[q.kv_bytes_per_sequence]
        raise DoesNotFitError(
            f"one sequence of {_show(q.context, values)} takes "
            f"{in_unit(q.memory, taken)} of cache, but the weights leave only "
            f"{_show(q.kv_budget, values)}. {_gpus_that_would_do(values, taken)}"
        )
    if target == q.largest_batch_at_speed and values.get(q.step_time_target) == 0:
        raise DoesNotFitError(
            f"no sequence reaches {_show(q.speed_target, values)}: kernel launches and host work "
            "alone take longer than that leaves. Launch fewer kernels, or ask for less speed."
        )
    if target == q.largest_batch_at_speed and result < 1:
        raise DoesNotFitError(
            f"no sequence reaches {_show(q.speed_target, values)}: a step would have to take "
            f"{_show(q.step_time_target, values)}, which is too short to read the weights "
            f"({_show(q.weight_bytes_read, values)}) and one cache, or to do their work. "
            "Ask for less speed, narrower weights, or more GPUs."
        )


def _show(symbol: Symbol, values: Mapping[Symbol, Expr]) -> str:
    return str(in_unit(symbol, values[symbol])) if symbol in values else lookup(symbol).meaning


def _room(values: Mapping[Symbol, Expr]) -> Expr:
    per_gpu = values[q.usable_memory] * values[q.memory] - values[q.reserved_memory]
    return values[q.n_gpus] * per_gpu


def _gpus_that_would_do(values: Mapping[Symbol, Expr], cache: Expr | int) -> str:
    needed = {q.usable_memory, q.memory, q.reserved_memory, q.n_gpus, q.weight_bytes}
    if not needed <= values.keys():
        return "Give more memory."
    per_gpu = _room(values) / values[q.n_gpus]
    if per_gpu <= 0:
        return "The reserve alone is larger than the usable memory."
    weights = values[q.weight_bytes]
    count = ceiling((weights + cache) / per_gpu) if cache else floor(weights / per_gpu) + 1
    with_cache = "and one sequence " if cache else ""
    return f"The weights {with_cache}would fit on {count} GPUs: n_gpus={count}."
