# SPDX-License-Identifier: Apache-2.0
"""What a page asks Python for: one form, cells, exercises. JSON in, JSON out."""

import ast
import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pprint import pformat
from typing import Any, Final

from sympy import Basic, Eq, Symbol

import napkin as nk
from napkin.formulas.formula import latex_of
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
STEPS: Final = (
    *("users", "users_by_load", "duty_cycle", "turn_period", "tpot_at_limit", "ttft_at_limit"),
    *("active_limit", "concurrent_sequences", "largest_batch_at_speed", "prefill_time"),
    *("sequence_step_flops", "kv_bytes_per_sequence", "kv_bytes_per_token"),
    *("weight_bytes", "weight_bytes_read", "n_params_active", "n_params"),
)
"""Where a closed form stops, and goes on in a line of its own."""
_NEW: Final = re.compile(r"new\s+(\w+)\s*=\s*([-+\d.eE_]+)\s*(.*)")
_cells: dict[str, dict[str, Any]] = {}


def _model(form: Form) -> Part:
    text = form.get("config", "").strip()
    if not text:
        return (), {"model": form["model"].strip()} if form.get("model", "").strip() else {}
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
    """Read a line of the reader: a formula, or ``new name = value unit``."""
    if found := _NEW.fullmatch(line):
        name, number, unit = found.groups()
        nk.quantity(name, unit=unit or "1")
        return (), {name: _typed(number)}
    return (line,), {}


def _typed(text: str) -> int | float | str:
    """A bare number is one in the quantity's own unit."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text.replace(",", "")) if kind is int else kind(text)
    return text


def _parts(form: Form) -> Iterator[tuple[str, Callable[[], Part]]]:
    """Yield the fields in the order in which a worksheet takes them."""
    yield "config" if form.get("config", "").strip() else "model", lambda: _model(form)
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
            values[target] = {"refused": str(reason)}
    answered = [target for target in TARGETS if "exact" in values[target]]
    deciding = nk.binding(n, "users").lines if "users" in answered else ()
    left = n.choices["model"].entry.notes if "model" in n.choices else ()
    unused = idle(n.formulas, n.typed, answered) if answered else []
    found = {"values": values, "binding": deciding, "left_out": left, "unused": unused}
    return {"errors": {}, "code": code, **found}


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
        return {"rows": [(row.name, str(row.value), row.elasticity) for row in rows]}

    return _told(form, tell)


def check(number: str, text: str) -> dict[str, str]:
    """Check an answer as it was typed."""
    feedback = nk.check(number, text if text.strip() else None)
    return {"state": feedback.state, "text": feedback.text}


def _shown(value: Any) -> dict[str, str]:
    """Return a value in every form that it has, as a notebook would."""
    found = {"text/plain": repr(value)}
    if isinstance(value, Basic):
        found["text/latex"] = f"$\\displaystyle {latex_of(value)}$"
    for kind in ("html", "markdown", "latex"):
        method = getattr(value, f"_repr_{kind}_", None)
        made = method() if callable(method) else None
        if made:
            found[f"text/{kind}"] = made
    return found


class _Absent:
    """Stands for a library that the page does not have, until something uses it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, part: str) -> Any:
        raise ImportError(f"{self.name} is not in the page", name=self.name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        raise ImportError(f"{self.name} is not in the page", name=self.name)


def _execute(statement: ast.stmt, names: dict[str, Any]) -> None:
    """Run a statement; a library that is not there is missed only where it is used."""
    try:
        exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)
    except ImportError as reason:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            raise
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            names[name] = _Absent(reason.name or name)


def run(code: str, space: str) -> dict[str, Any]:
    """Run a cell; its last expression is its value. Cells of one space share their names."""
    names = _cells.setdefault(space, {"__name__": "__main__"})
    printed, result = io.StringIO(), dict[str, Any]()
    try:
        tree = ast.parse(code, "<cell>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            for statement in tree.body:
                _execute(statement, names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
                if value is not None:
                    result["value"] = _shown(value)
    except ImportError as reason:
        result["absent"] = (reason.name or str(reason)).partition(".")[0]
    except SyntaxError as reason:
        result["error"] = f"SyntaxError: {reason.msg} (line {reason.lineno})"
    except BaseException as reason:
        where = "" if isinstance(reason, nk.NapkinError) else _line_of(reason)
        result["error"] = f"{type(reason).__name__}: {reason}{where}"
    result["printed"] = printed.getvalue()
    return result


def _line_of(reason: BaseException) -> str:
    here, lines = reason.__traceback__, []
    while here:
        if here.tb_frame.f_code.co_filename == "<cell>":
            lines.append(here.tb_lineno)
        here = here.tb_next
    return f" (line {lines[-1]})" if lines else ""


_CALLS: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    made.__name__: made for made in (answer, derive, explain, sensitivity, check, run)
}


def call(name: str, arguments: str) -> str:
    """Answer a question of the page: the only door."""
    return json.dumps(_CALLS[name](*json.loads(arguments)))


def warm() -> None:
    """Import and compute once what every answer needs, before any reader's code runs."""
    config = {
        **{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336},
        **{"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8},
        **{"vocab_size": 128256, "tie_word_embeddings": False},
    }
    form = {
        **{"config": json.dumps(config), "accelerator": "own", "memory": "96 GB"},
        **{"bandwidth": "4 TB/s", "peak": "1200 TFLOP/s", "precision": "fp8"},
        **{"context": "6000", "message": "400", "new_tokens": "300", "think_time": "45 s"},
        **{"speed_target": "20", "host_memory": "384 GB", "host_link_bandwidth": "50 GB/s"},
        **{"price": "2", "policy": "idle_offloaded"},
    }
    answer(form)
    run("import diagrams\nimport napkin as nk\nfrom napkin import notation\nnk.say('')", "warm")
    check("0.1", "")
    _cells.clear()
