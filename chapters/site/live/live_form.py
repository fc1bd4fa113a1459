# SPDX-License-Identifier: Apache-2.0
"""A reader's form as a worksheet, and what is asked of it."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pprint import pformat
from typing import Any, Final

from sympy import Eq, Symbol

import napkin as nk
from napkin.quantities.quantity import REGISTRY
from napkin.worksheet.unused import idle

Form = Mapping[str, str]
Part = tuple[tuple[str, ...], dict[str, Any]]
"""Formulas and bundles, and values: what a field of the form adds to a worksheet."""

TARGETS: Final = (
    *("users", "tpot", "tokens_per_second_per_user", "ttft"),
    *("cost_per_user_month", "cost_per_million_tokens"),
)
CHOICES: Final = ("precision", "kv_precision")
GIVENS: Final = (
    *("n_gpus", "usable_memory", "price", "context", "message", "new_tokens", "think_time"),
    *("speed_target", "host_memory", "host_link_bandwidth"),
)
POLICIES: Final = {
    "idle_resident": "stay on the GPU",
    "idle_offloaded": "move to the host",
    "idle_recomputed": "are computed again",
}
STEPS: Final = (
    *("users", "users_by_load", "duty_cycle", "turn_period", "tpot_at_limit", "ttft_at_limit"),
    *("active_limit", "concurrent_sequences", "largest_batch_at_speed", "prefill_time"),
    *("sequence_step_flops", "kv_bytes_per_sequence", "kv_bytes_per_token"),
    *("weight_bytes", "weight_bytes_read", "n_params_active", "n_params"),
)
"""Where a closed form stops, and goes on in a line of its own."""
_NUMBER: Final = r"(\w+)\s*=\s*([-+\d.eE_]+)\s*(.*)"
_NEW: Final = re.compile(rf"new\s+{_NUMBER}")
_VALUE: Final = re.compile(_NUMBER.replace("(.*)", r"(\w+(?:\s*/\s*\w+)?|)"))


def _model(form: Form) -> Part:
    name, text = form.get("model", "").strip(), form.get("config", "").strip()
    if name and text:
        raise nk.NapkinError("There is a name and a config.json as well: empty one of them.")
    if not text:
        return (), {"model": name} if name else {}
    try:
        return (), {"model": json.loads(text)}
    except ValueError as reason:
        raise nk.NapkinError(f"This is not JSON: {reason}.") from None


def _accelerator(form: Form) -> Part:
    if form["accelerator"] != "own":
        return (), {"accelerator": form["accelerator"]}
    peak = {form["precision"]: form["peak"]} if form.get("peak", "").strip() else {}
    sheet = nk.Accelerator("My GPU", form["memory"], form["bandwidth"], peak, "its data sheet")
    return (), {"accelerator": sheet}


def _prompt(form: Form) -> Part:
    if text := form.get("prompt", "").strip():
        return (), {"prompt": _typed(text)}
    return ("prompt = floor(context)",) if form.get("context", "").strip() else (), {}


def _own(line: str) -> Part:
    """Read a line of the reader: a formula, ``name = value unit``, or ``new name = value unit``."""
    if found := _NEW.fullmatch(line):
        name, number, unit = found.groups()
        nk.quantity(name, unit=unit or "1")
        return (), {name: _typed(number)}
    if found := _VALUE.fullmatch(line):
        name, number, unit = found.groups()
        return (), {name: f"{number} {unit}" if unit else _typed(number)}
    return (line,), {}


def _typed(text: str) -> int | float | str:
    """A bare number is one in the quantity's own unit."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text.replace(",", "")) if kind is int else kind(text)
    return text


def _parts(form: Form) -> Iterator[tuple[str, Callable[[], Part]]]:
    """Yield the fields in the order in which a worksheet takes them."""
    yield "model" if form.get("model", "").strip() else "config", lambda: _model(form)
    yield "accelerator", lambda: _accelerator(form)
    for name in (*CHOICES, *GIVENS):
        if text := form.get(name, "").strip():
            value = text if name in CHOICES else _typed(text)
            # mypy has no type for a lambda that keeps a loop's value by a default.
            yield name, lambda name=name, value=value: ((), {name: value})  # type: ignore[misc]
    if form.get("calibrated"):
        yield "calibrated", lambda: ((), {"calibrated": True})
    yield "prompt", lambda: _prompt(form)
    yield "policy", lambda: ((form["policy"],), {})
    if share := form.get("overflow_target", "").strip():
        yield "overflow_target", lambda: (("binomial",), {"overflow_target": _typed(share)})
    for line in filter(None, map(str.strip, form.get("formulas", "").splitlines())):
        # As above: the lambda keeps its line by a default.
        yield "formulas", lambda line=line: _own(line)  # type: ignore[misc]


def worksheet(form: Form) -> tuple[nk.Napkin | None, dict[str, str], str]:
    """Build the worksheet of a form: with errors by field, and the Python that builds it again."""
    for name in [name for name, quantity in REGISTRY.items() if quantity.own]:
        del REGISTRY[name]  # an earlier form may have meant another unit by it
    parts, errors = [], {}
    for field, make in _parts(form):
        try:
            parts.append((field, *make()))
        except nk.NapkinError as reason:
            errors[field] = str(reason)
    first, later = _sorted(parts)
    if not errors:
        try:
            return _made(first, later), {}, _code(first, later)
        except nk.NapkinError:
            n = nk.Napkin()
            for field, changes, values in parts:  # once more, to see which one it is
                try:
                    n = n.assume(*changes, **values)
                except nk.NapkinError as reason:
                    errors.setdefault(field, str(reason))
    return None, errors, ""


def _sorted(parts: list[tuple[str, tuple[str, ...], dict[str, Any]]]) -> tuple[Part, Part]:
    """Part what a worksheet begins with from what is assumed of it."""
    first, later = dict[str, Any](), dict[str, Any]()
    for field, _, values in parts:
        (later if field == "formulas" else first).update(values)
    return ((), first), (tuple(change for _, changes, _ in parts for change in changes), later)


def _made(first: Part, later: Part) -> nk.Napkin:
    return nk.Napkin(**first[1]).assume(*later[0], **later[1])


def _code(first: Part, later: Part) -> str:
    """Write the Python that builds a worksheet."""
    own = [
        f"nk.quantity({name!r}, unit={quantity.unit!r})\n"
        for name, quantity in REGISTRY.items()
        if quantity.own
    ]
    given = "".join(f"    {name}={_written(value)},\n" for name, value in first[1].items())
    changes = [*map(repr, later[0]), *(f"{name}={value!r}" for name, value in later[1].items())]
    listed = ",\n    ".join(changes)
    assumed = f".assume(\n    {listed})" if changes else ""
    return f"import napkin as nk\n\n{''.join(own)}n = nk.Napkin(\n{given}){assumed}\n"


def _written(value: Any) -> str:
    if isinstance(value, nk.Accelerator):
        facts = (value.name, value.memory, value.bandwidth, dict(value.peak_flops), value.source)
        return f"nk.Accelerator({', '.join(map(repr, facts))})"
    return pformat(value, width=84, sort_dicts=False).replace("\n", "\n        ")


def answer(form: Form) -> dict[str, Any]:
    """Return the values of a form and what decides them, or its errors by field."""
    n, errors, code = worksheet(form)
    if n is None:
        return {"errors": errors}
    values = {}
    for target in TARGETS:
        try:
            value = n[target]
            values[target] = {"text": str(value), "exact": float(value), "unit": value.unit}
        except nk.NapkinError as reason:
            values[target] = {"refused": _in_the_form(str(reason))}
    answered = [target for target in TARGETS if "exact" in values[target]]
    deciding = [*map(_in_words, nk.binding(n, "users").lines)] if "users" in answered else []
    left = n.choices["model"].entry.notes if "model" in n.choices else ()
    unused = idle(n.formulas, n.typed, answered) if answered else []
    found = {"values": values, "binding": deciding, "left_out": left, "unused": unused}
    found["facts"] = _facts(n)
    return {"errors": {}, "code": code, **found}


def _in_the_form(reason: str) -> str:
    """Say how to give what is missing where there are fields, not arguments."""
    return re.sub(
        r"Give (it|each), as in assume\((\w+)=\.\.\.\)\.",
        r"Fill in \1 above, or add a line such as '\2 = 1' to your own formulas.",
        reason,
    )


def policies(form: Form) -> dict[str, Any]:
    """Return users and cost under each policy for the caches of idle users, ideal and predicted."""
    rows = []
    for policy, words in POLICIES.items():
        told: list[str] = []
        for calibrated in ("", "yes"):
            n, _, _ = worksheet({**form, "policy": policy, "calibrated": calibrated})
            for target in ("users", "cost_per_user_month"):
                try:
                    told.append(UNIT.sub("", str(n[target])) if n else "not known")
                except nk.NapkinError:
                    told.append("none")
        rows.append([words, *told])
    heads = ["idle caches", "users, ideal", "USD, ideal", "users, real server", "USD, real server"]
    return {"markdown": nk.views.Table(heads, rows)._repr_markdown_()}


def _facts(n: nk.Napkin) -> list[str]:
    """Say what was read from the model, so that a reader can tell whether it was read right."""
    shown = []
    for name in ("n_params", "n_params_active", "weight_bytes", "kv_bytes_per_sequence"):
        with contextlib.suppress(nk.NapkinError):
            shown.append(f"{REGISTRY[name].meaning}: {n[name]}")
    return shown


UNIT: Final = re.compile(r" (users?|USD/user)(?= \(|\)|$)")
SIDE: Final = re.compile(r"\w+ = ([^();]+) \(((?:[^()]|\([^()]*\))*)\)")


def _in_words(line: str) -> str:
    """Say what decides in the meanings of the quantities, for readers who know no code names."""
    target, _, rest = line.partition(" is decided by ")
    where, _, name = target.rpartition(" ")
    first, *others = SIDE.sub(r"\2 (\1)", rest).split("; ")
    place = SIDE.sub(r"\2 (\1)", where)
    return "; ".join([f"{place} {REGISTRY[name].meaning}: {first} decides".strip(), *others])


def _told(form: Form, tell: Callable[[nk.Napkin], dict[str, Any]]) -> dict[str, Any]:
    n, errors, _ = worksheet(form)
    if n is None:
        return {"refused": " ".join(errors.values())}
    try:
        return tell(n)
    except nk.NapkinError as reason:
        return {"refused": str(reason)}


def _chain(n: nk.Napkin, target: str) -> Iterator[Eq]:
    """Yield the formula of a target in the givens and in a few steps, then that of each step."""
    queue, seen = [REGISTRY[target].symbol], set[Symbol]()
    while queue:
        symbol = queue.pop(0)
        if symbol in seen:
            continue
        seen.add(symbol)
        form = n.derive(symbol, [name for name in STEPS if name != symbol.name])
        yield Eq(symbol, form, evaluate=False)
        open_ends = form.free_symbols - n.givens.keys() & n.formulas.keys()
        queue += sorted(open_ends, key=lambda step: STEPS.index(step.name))


def derive(form: Form, target: str) -> dict[str, Any]:
    """Return the formula of a target as LaTeX, in a few steps that one can read."""
    return _told(form, lambda n: {"markdown": nk.show(*_chain(n, target)).markdown})


def explain(form: Form, target: str) -> dict[str, Any]:
    """Return the tree of steps to a target as HTML."""
    return _told(form, lambda n: {"html": nk.explain(n, target)._repr_html_()})


def sensitivity(form: Form, target: str) -> dict[str, Any]:
    """Return what a target answers to most."""

    def tell(n: nk.Napkin) -> dict[str, Any]:
        rows = nk.sensitivity(n, target).rows[:10]
        return {
            "rows": [
                (row.name, REGISTRY[row.name].meaning, str(row.value), row.elasticity)
                for row in rows
            ]
        }

    return _told(form, tell)
