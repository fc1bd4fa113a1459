"""The same answers in a terminal: ``python -m napkin explain users --model Qwen3-32B ...``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from . import catalog
from .errors import NapkinError
from .formulas import variants
from .quantities.value import Value
from .verbs.binding import binding
from .verbs.explain import explain
from .verbs.sensitivity import sensitivity
from .verbs.solve import solve
from .verbs.sweep import sweep
from .worksheet.assumptions import CHOICES
from .worksheet.napkin import Napkin


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
        sheet.add_argument(
            f"--{choice.replace('_', '-')}", help=f"name of a {choice}, or a path for a model"
        )
    sheet.add_argument("--assume", action="append", default=[], metavar="FORMULA OR VARIANT")
    sheet.add_argument("--given", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    shown = argparse.ArgumentParser(add_help=False)
    shown.add_argument("--json", action="store_true", help="for other programs")
    for name, says in (
        ("explain", "a value with every step, and what binds"),
        ("derive", "the closed form in the givens"),
        ("sensitivity", "what a result answers to most"),
    ):
        command = commands.add_parser(name, help=says, parents=[sheet, shown])
        command.add_argument("target")
    command = commands.add_parser("sweep", help="a table as CSV", parents=[sheet, shown])
    command.add_argument("target")
    command.add_argument("--over", action="append", required=True, metavar="NAME=1,2,3")
    command = commands.add_parser("solve", help="a given from a result", parents=[sheet, shown])
    command.add_argument("unknown")
    command.add_argument("goal", metavar="TARGET=VALUE")
    commands.add_parser("models", help="models of the catalog", parents=[shown])
    commands.add_parser("accelerators", help="accelerators of the catalog", parents=[shown])
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise NapkinError(f"{text!r} should read name=value.")
    return name.strip(), value.strip()


def _napkin(options: argparse.Namespace) -> Napkin:
    named = {choice: getattr(options, choice) for choice in CHOICES}
    given = dict(map(_pair, options.given))
    for name in {*CHOICES, "self"} & given.keys():
        raise NapkinError(f"{name} is no quantity: name it as --{name.replace('_', '-')}.")
    n = Napkin(**named, **given)
    changes = [text if "=" in text else variants.get(text) for text in options.assume]
    return n.assume(*changes) if changes else n


def _value(value: Value) -> dict[str, Any]:
    return {"value": float(value), "unit": value.unit, "text": str(value)}


def _run(options: argparse.Namespace) -> tuple[str, Any]:
    """Return the answer as text and as plain data."""
    if options.command in ("models", "accelerators"):
        shown = catalog.models() if options.command == "models" else catalog.accelerators()
        listed = {row[0]: dict(zip(shown.header, row, strict=True)) for row in shown.rows}
        return str(shown), listed
    n = _napkin(options)
    if options.command == "explain":
        text = f"{explain(n, options.target)}\n\n{binding(n, options.target)}"
        return text, {options.target: _value(n[options.target])}
    if options.command == "derive":
        form = n.derive(options.target)
        return f"{options.target} = {form}", {options.target: str(form)}
    if options.command == "sensitivity":
        answer = sensitivity(n, options.target)
        return str(answer), {row.name: row.elasticity for row in answer.rows}
    if options.command == "solve":
        found = solve(n, options.unknown, **dict([_pair(options.goal)]))
        rows = [{**_value(s.value), "how": s.how, "fits": s.fits} for s in found]
        return "\n".join(map(str, found)), {options.unknown: rows}
    axes: dict[str, list[str]] = {}
    for name, values in map(_pair, options.over):
        parts = [part.strip() for part in values.split(",")]
        if name in axes or "" in parts or "000" in parts:
            raise NapkinError(
                f"--over {name}={values}: give each axis once, values apart by commas, and no "
                "commas within a number."
            )
        axes[name] = parts
    frame = sweep(n, options.target, **axes).to_dataframe().reset_index()
    return frame.to_csv(index=False).rstrip(), frame.to_dict(orient="records")


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one question."""
    options = _parser().parse_args(arguments)
    try:
        text, data = _run(options)
    except NapkinError as reason:
        message = json.dumps({"error": str(reason)}) if options.json else f"napkin: {reason}"
        sys.stderr.write(f"{message}\n")
        return 1
    sys.stdout.write(f"{json.dumps(data, indent=1) if options.json else text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
