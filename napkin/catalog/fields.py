"""What the fields of a catalog entry must be: one check a field, one table a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from ..errors import ConfigError, NapkinError
from ..quantities.quantity import lookup
from ..quantities.value import coherent, parse_text

BYTES: Final[dict[str, float]] = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5}
"""Bytes of one number by precision."""
VERDICTS: Final = (
    "right",
    "right within rounding",
    "imprecise",
    "wrong",
    "inconsistent",
    "not checkable",
)
"""What may be said of a claim, from best to worst."""
Check = Callable[[Any], None]


def _refuse(expected: str, got: object) -> None:
    raise ConfigError(f"expected {expected}, got {got!r:.80}")


def _text(value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        _refuse("text that is not empty", value)


def _date(value: Any) -> None:
    if not isinstance(value, date):
        _refuse("a date such as 2026-11-23, without quotes", value)


def _month(value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])(-\d\d)?", value):
        _refuse('a month or day such as "2026-05"', value)


def _number(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        _refuse("a number of at least 0", value)


def _switch(value: Any) -> None:
    if not isinstance(value, bool):
        _refuse("true or false", value)


def _mapping(value: Any) -> None:
    if not isinstance(value, Mapping):
        _refuse("a table", value)


def _list_of(check: Check) -> Check:
    def each(value: Any) -> None:
        if not isinstance(value, list | tuple):
            _refuse("a list", value)
        for part in value:
            check(part)

    return each


def _one_of(*names: str) -> Check:
    def known(value: Any) -> None:
        if value not in names:
            _refuse(f"one of {', '.join(names)}", value)

    return known


def _quantity(name: str) -> Check:
    """Return the check of a value with its unit, above zero."""

    def parses(value: Any) -> None:
        if not isinstance(value, str) or parse_text(value).unit == "1":
            unit = lookup(name).unit
            _refuse(f'text: a number above 0 with its unit ({unit}), such as "8 TB/s"', value)
        coherent(name, value)  # refuses another dimension, and what is not above 0

    return parses


def _givens(value: Any) -> None:
    _mapping(value)
    for name, given in value.items():
        coherent(name, given)


def _peaks(value: Any) -> None:
    _mapping(value)
    for precision, peak in value.items():
        _one_of(*BYTES)(precision)
        _quantity("peak_flops")(peak)
    rates = [
        coherent("peak_flops", value[name]) for name in ("bf16", "fp8", "fp4") if name in value
    ]
    if rates != sorted(rates):
        _refuse("dense peaks with bf16 <= fp8 <= fp4", dict(value))


_SHEET: Final = {
    "memory": _quantity("memory"),
    "memory_physical": _quantity("memory"),
    "bandwidth": _quantity("bandwidth"),
    "link_bandwidth": _quantity("link_bandwidth"),
    "power": _quantity("power"),
}


def _disagreement(value: Any) -> None:
    _mapping(value)
    _fields({"field": _text, "value": _text, "source": _text}, {}, value)
    field, _, precision = value["field"].partition(".")
    if field == "peak_flops" and precision:
        _peaks({precision: value["value"]})
        return
    _one_of(*_SHEET, "peak_flops.fp8 and its like")(value["field"])
    _SHEET[field](value["value"])


def _metrics(value: Any) -> None:
    _mapping(value)
    points = ("p10", "p25", "p50", "p75", "p90", "p99", "max")
    optional = dict.fromkeys((*points, "mean", "n"), _number) | {"note": _text}
    _fields({"unit": _text}, optional, value)
    known = [value[point] for point in points if point in value]
    if known != sorted(known) or not (known or "mean" in value):
        _refuse("a mean or percentiles that rise", dict(value))


def _limits(value: Any) -> None:
    _mapping(value)
    _fields({}, {"units": _number, "share": _number}, value)


def _call(value: Any) -> None:
    _mapping(value)
    names = dict.fromkeys(("target", "model", "accelerator", "precision"), _text)
    _fields({}, names | {"givens": _givens, "variants": _list_of(_text)}, value)


_SOURCE: Final[dict[str, Check]] = {"source": _text, "read": _date}
# By file: fields that an entry must have, fields that it may have, and the check of all
# other fields, if there may be any.
_SPECS: Final[dict[str, tuple[dict[str, Check], dict[str, Check], Check | None]]] = {
    "accelerators": (
        {name: _SHEET[name] for name in ("memory", "bandwidth")} | _SOURCE,
        {
            "peak_flops": _peaks,
            **{name: _SHEET[name] for name in ("memory_physical", "link_bandwidth", "power")},
            "aliases": _list_of(_text),
            "note": _text,
            "disagree": _list_of(_disagreement),
        },
        None,
    ),
    "prices": (
        {"low": _quantity("price"), "high": _quantity("price"), "date": _month, **_SOURCE},
        {"note": _text},
        None,
    ),
    "traffic": ({"says": _text, **_SOURCE}, {}, _metrics),
    "scenarios": (_SOURCE | {"givens": _givens}, {"shapes": _givens, "note": _text}, None),
    "claims": (
        {
            "id": _text,
            "version": _one_of("earlier", "newer", "both"),
            "kind": _one_of("number", "formula", "statement"),
            "says": _text,
            "verdict": _one_of(*VERDICTS),
            "why": _text,
        },
        {
            "printed": _list_of(_text),
            "target": _text,
            "unit": _text,
            "ends": _list_of(_call),
            "other": _list_of(_call),
            "split": _one_of("inconsistent", "imprecise"),
            "last_digit": _number,
            "order": _switch,
            "formula": _text,
            "settled_by": _text,
            "tour": _switch,
        },
        None,
    ),
    "measurements": (
        {
            **dict.fromkeys(("says", "value", "target"), _text),
            "worksheet": _call,
            "kind": _one_of("count", "bound", "ceiling"),
            "within": _number,
            **_SOURCE,
        },
        {"note": _text},
        None,
    ),
    "verdicts": ({"says": _text}, {"within": _list_of(_limits)}, None),
    "models": (_SOURCE, {}, lambda value: None),
}
_needed, _optional, _ = _SPECS["accelerators"]
# An object says in its source when it was read.
_SPECS["accelerator object"] = ({k: v for k, v in _needed.items() if k != "read"}, _optional, None)
CHECKED: Final = frozenset(_SPECS)
"""The files whose entries are checked here."""


def _fields(
    needed: Mapping[str, Check],
    optional: Mapping[str, Check],
    row: Mapping[str, Any],
    others: Check | None = None,
) -> None:
    for name in needed:
        if name not in row:
            raise ConfigError(f"field {name!r} is missing")
    for name, value in row.items():
        check = needed.get(name) or optional.get(name) or others
        if check is None:
            known = ", ".join([*needed, *optional])
            raise ConfigError(f"field {name!r} is not known: expected {known}")
        try:
            check(value)
        except NapkinError as reason:
            raise ConfigError(f"field {name!r}: {reason}") from None


def check_entry(kind: str, where: str, name: str, row: Any) -> None:
    """Check the fields of one entry.

    Parameters
    ----------
    kind : str
        The data file that it is like, for example ``"accelerators"``.
    where : str
        What the error shall name: the file.
    name : str
        The entry.
    row : object
        Its fields.

    Raises
    ------
    ConfigError
        Naming file, entry and field, with what was expected and what was given.
    """
    try:
        _mapping(row)
        _fields(*_SPECS[kind][:2], row, _SPECS[kind][2])
    except ConfigError as reason:
        text = f"{where}, entry {name!r}, {reason}".rstrip(".")
        raise ConfigError(f"{text}. Correct that field and read it again.") from None
