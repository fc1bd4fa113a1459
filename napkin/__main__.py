"""The same answers in a terminal: ``python -m napkin explain users --model Qwen3-32B ...``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from . import catalog
from .errors import NapkinError
from .formulas import variants
from .quantities.value import Value
from .verbs.binding import binding
from .verbs.compare import compare
from .verbs.explain import explain
from .verbs.measure import measure
from .verbs.sensitivity import sensitivity
from .verbs.solve import solve
from .verbs.sweep import sweep
from .verbs.uncertainty import uncertainty
from .worksheet.assumptions import CHOICES
from .worksheet.napkin import Napkin
from .worksheet.unused import unused

Answer = tuple[str, Any]
"""As text, and as plain data."""


_FITTED: Final = "predict, with constants that were fitted on measured servers"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m napkin",
        description="What LLM inference costs, derived.",
        epilog="example: python -m napkin explain cost_per_user_month --model Qwen3-32B "
        "--accelerator B200 --precision fp8 --kv-precision fp8 "
        "--given context=20000 duty_cycle=0.2 'price=4 USD/h'",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = argparse.ArgumentParser(add_help=False)
    for choice in CHOICES:
        if choice == "calibrated":
            sheet.add_argument("--calibrated", action="store_true", default=None, help=_FITTED)
            continue
        path = ", or the path of its config.json or folder" if choice == "model" else ""
        sheet.add_argument(f"--{choice.replace('_', '-')}", help=f"by name{path}")
    sheet.add_argument("--assume", action="append", default=[], metavar="FORMULA OR VARIANT")
    sheet.add_argument("--given", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    shown = argparse.ArgumentParser(add_help=False)
    shown.add_argument("--json", action="store_true", help="for other programs")
    for name, verb in _VERBS.items():
        command = commands.add_parser(name, help=verb.says, parents=[sheet, shown])
        if name == "solve":
            command.add_argument("unknown")
        command.add_argument("targets", nargs="+", metavar=verb.takes)
        if verb.over:
            needed = verb.each is not _uncertainty  # a worksheet may hold ranges
            told: dict[str, Any] = {"action": "append", "default": [], "metavar": verb.over}
            command.add_argument("--over", required=needed, **told)
    for name in _CATALOG:
        commands.add_parser(name, help=f"{name} of the catalog", parents=[shown])
    rows = commands.add_parser("measure", help="measured rows beside predictions", parents=[shown])
    rows.add_argument("file", help="CSV, or a result of vllm, sglang, InferenceX or llama-bench")
    rows.add_argument("--given", nargs="+", action="extend", default=[], metavar="COLUMN=VALUE")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise NapkinError(f"{text!r} should read name=value.")
    return name.strip(), value.strip()


def _napkin(options: argparse.Namespace, given: Mapping[str, str]) -> Napkin:
    for name in {*CHOICES, "self"} & given.keys():
        raise NapkinError(f"{name} is no quantity: name it as --{name.replace('_', '-')}.")
    changes = [text if "=" in text else variants.get(text) for text in options.assume]
    n = Napkin(**{choice: getattr(options, choice) for choice in CHOICES})
    # In one step: a value that somebody gives counts, also where a bundle has a formula for it.
    return n.assume(*changes, **given)


def _over(options: argparse.Namespace) -> dict[str, Any]:
    axes: dict[str, list[str]] = {}
    for name, values in map(_pair, options.over):
        parts = [part.strip() for part in values.split(",")]
        if name in axes or "" in parts or "000" in parts:
            raise NapkinError(
                f"--over {name}={values}: give each axis once, values apart by commas, and no "
                "commas within a number."
            )
        axes[name] = parts
    return axes


def _value(value: Value) -> dict[str, Any]:
    return {"value": float(value), "unit": value.unit, "text": str(value)}


def _explain(n: Napkin, options: argparse.Namespace, target: str) -> Answer:
    told = replace(explain(n, target), warnings=())
    limits = replace(binding(n, target), warnings=())
    return f"{told}\n\n{limits}", _value(n[target])


def _derive(n: Napkin, options: argparse.Namespace, target: str) -> Answer:
    form = n.derive(target)
    return f"{target} = {form}", str(form)


def _binding(n: Napkin, options: argparse.Namespace, target: str) -> Answer:
    limits = replace(binding(n, target), warnings=())
    return str(limits), {"lines": limits.lines, "limits": limits.limits}


def _sensitivity(n: Napkin, options: argparse.Namespace, target: str) -> Answer:
    answer = sensitivity(n, target)
    return str(answer), {row.name: row.elasticity for row in answer.rows}


def _uncertainty(n: Napkin, options: argparse.Namespace, target: str) -> Answer:
    over = _over(options).items()
    ranges: dict[str, Any] = {
        name: ends[0] if len(ends) == 1 else tuple(ends) for name, ends in over
    }
    answer = uncertainty(n, target, **ranges)
    found = {name: _value(getattr(answer, name)) for name in ("p5", "p50", "p95")}
    return str(answer), {**found, "fits": answer.fits, "causes": dict(answer.causes)}


def _solve(n: Napkin, options: argparse.Namespace, goal: str) -> Answer:
    found = solve(n, options.unknown, **dict([_pair(goal)]))
    rows = [{**_value(s.value), "how": s.how, "fits": s.fits} for s in found]
    return "\n".join(map(str, found)), rows


def _sweep(n: Napkin, options: argparse.Namespace) -> Answer:
    frame = sweep(n, options.targets, **_over(options)).to_dataframe().reset_index()
    rows = json.loads(
        frame.to_json(orient="records", double_precision=15)
    )  # a number that is missing is null
    return frame.to_csv(index=False).rstrip(), rows


def _compare(n: Napkin, options: argparse.Namespace) -> Answer:
    named = {"first": n}
    for text in options.over:
        given = dict(map(_pair, text.split(";")))
        chosen = {name: given.pop(name) for name in CHOICES if name in given}
        named[text] = n.assume(**chosen, **given)
    answer = compare(targets=options.targets, **named)
    keys = ("name", *answer.names, *(f"{other}/first" for other in answer.names[1:]))
    return str(answer), [dict(zip(keys, row, strict=True)) for row in answer.results]


@dataclass(frozen=True)
class _Verb:
    """A command: what it says of itself, and how it answers for each target or for all."""

    says: str
    each: Callable[[Napkin, argparse.Namespace, str], Answer] | None = None
    whole: Callable[[Napkin, argparse.Namespace], Answer] | None = None
    takes: str = "TARGET"
    over: str = ""


_VERBS: Final = {
    "explain": _Verb("a value with every step, and what binds", _explain),
    "derive": _Verb("the closed form in the givens", _derive),
    "binding": _Verb("which limit decides a value", _binding),
    "sensitivity": _Verb("what a result answers to most", _sensitivity),
    "uncertainty": _Verb("a result under ranges", _uncertainty, over="NAME=LOW TO HIGH"),
    "solve": _Verb("a given from a result", _solve, takes="TARGET=VALUE"),
    "sweep": _Verb("a table as CSV", whole=_sweep, over="NAME=1,2,3"),
    "compare": _Verb("worksheets side by side", whole=_compare, over="NAME=VALUE;NAME=VALUE"),
}
_CATALOG: Final = {"models": catalog.models, "accelerators": catalog.accelerators}


def _run(options: argparse.Namespace) -> tuple[str, Any, list[str]]:
    """Return the answer as text and as plain data, and what was given and not used."""
    if options.command in _CATALOG:
        shown = _CATALOG[options.command]()
        return (
            str(shown),
            {row[0]: dict(zip(shown.header, row, strict=True)) for row in shown.rows},
            [],
        )
    if options.command == "measure":
        held = measure(options.file, **dict(map(_pair, options.given)))
        return str(held), held.data(), []
    n, verb = _napkin(options, dict(map(_pair, options.given))), _VERBS[options.command]
    names = [target.partition("=")[0].strip() for target in options.targets]
    idle = unused(n.formulas, n.typed, names)
    if verb.whole:
        return *verb.whole(n, options), idle
    assert verb.each
    found = {target: verb.each(n, options, target) for target in options.targets}
    text = "\n\n".join(text for text, _ in found.values())
    return text, {target: data for target, (_, data) in found.items()}, idle


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one question."""
    options = _parser().parse_args(arguments)
    try:
        text, data, idle = _run(options)
    except NapkinError as reason:
        message = json.dumps({"error": str(reason)}) if options.json else f"napkin: {reason}"
        sys.stderr.write(f"{message}\n")
        return 1
    if options.json:
        # What was measured stands by metric, as other tools expect it.
        whole = data if options.command == "measure" else {"answer": data, "warnings": idle}
        text = json.dumps(whole, indent=1)
    elif idle:  # beside the answer, so that a table stays a table
        sys.stderr.write("".join(f"napkin: {said}\n" for said in idle))
    sys.stdout.write(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
