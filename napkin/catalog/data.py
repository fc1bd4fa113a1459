"""Data files: those of the catalog, read once, and those of a reader."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError, unknown
from ..quantities.given import coherent

BYTES: Final[dict[str, float]] = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5}
"""Bytes of one number by precision."""
SCALED: Final[dict[str, float]] = {
    "mxfp4": 17 / 32,  # a scale of 8 bits for 32 weights
    "nvfp4": 9 / 16,  # and for 16
    "int4": 33 / 64,  # a scale of 16 bits for 128
    "w4a16": 33 / 64,
}
"""Bytes of one weight with its share of a scale, for the matrices of the layers only."""


@cache
def table(name: str) -> dict[str, Any]:
    """Return the entries of a data file by name, for example of ``"accelerators"``."""
    text = files(__package__).joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a data file of a reader, or raise a `ConfigError` that names it."""
    name = Path(path).name
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, RecursionError) as reason:
        raise ConfigError(f"{name} is not a TOML file: {reason}.") from None
    except (OSError, ValueError) as reason:
        kind = type(reason).__name__
        raise ConfigError(f"{name} cannot be read ({kind}): give a TOML file.") from None


def entry(kind: str, name: str) -> Any:
    """Return one entry of a data file, or raise an `UnknownNameError` with the closest names."""
    rows = table(kind)
    if name not in rows:
        raise unknown(kind.removesuffix("s"), name, rows)
    return rows[name]


def source_of(row: Mapping[str, Any]) -> str:
    """Return where an entry comes from, with the date of reading."""
    return f"{row['source']}, read {row['read']}"


def scenario(name: str, shapes: bool = True) -> tuple[dict[str, Any], str]:
    """Return the givens of a scenario and their source.

    Parameters
    ----------
    name : str
        For example ``"article"``.
    shapes : bool
        Whether the shapes of its model are wanted as well.

    Returns
    -------
    givens : dict
        Values by code name.
    source : str
        Where they are from, and when they were read.

    Raises
    ------
    UnknownNameError
        With the scenarios that there are.
    """
    row = entry("scenarios", name)
    return row["givens"] | (row.get("shapes", {}) if shapes else {}), source_of(row)


def engine(
    name: str, memory: float | None = None, chip: str = ""
) -> tuple[dict[str, Any], list[str], str]:
    """Return what an engine does on a GPU unless its user says otherwise, and the source.

    Parameters
    ----------
    name : str
        For example ``"vllm"``; upper and lower case are the same.
    memory : float, optional
        Of a GPU known by name, in bytes. Without it, only what holds on any GPU is returned.
    chip : str
        Name of the accelerator.

    Returns
    -------
    givens : dict
        Values by code name.
    variants : list of str
        Bundles by which it gives out memory and reads prompts.
    source : str
        Where they are from, and when they were read.

    Raises
    ------
    UnknownNameError
        With the engines that there are.
    """
    rows = table("engines")
    aliases = {alias: known for known, row in rows.items() for alias in row.get("aliases", ())}
    row = entry("engines", aliases.get(str(name).lower(), str(name).lower()))
    givens = dict(row["givens"])
    for start, more in row.get("by_memory", {}).items():
        if memory is not None and memory >= coherent("memory", start):
            givens |= more
    for part, more in row.get("by_name", {}).items():
        givens |= more if part in chip else {}
    note = f"; {row['note']}" if "note" in row else ""
    return givens, row["variants"], f"{name} ({row['version']}): {source_of(row)}{note}"


def width(precision: str) -> float:
    """Return the bytes of one number at a precision.

    Parameters
    ----------
    precision : str
        For example ``"fp8"``.

    Returns
    -------
    float
        1 for ``"fp8"``, 0.5 for ``"fp4"``; with its share of a scale for ``"mxfp4"``,
        ``"nvfp4"``, ``"int4"`` and ``"w4a16"``.

    Raises
    ------
    UnknownNameError
        With the precisions that there are.
    """
    known = BYTES | SCALED
    if precision not in known:
        raise unknown("precision", precision, known)
    return known[precision]
