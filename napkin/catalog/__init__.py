"""Facts with a source and a date, read from data files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ..errors import ConfigError, unknown

BYTES: Final[dict[str, float]] = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5}
"""Bytes of one number by precision."""
_SAME_PEAK: Final = {"fp16": "bf16"}


@cache
def table(name: str) -> dict[str, Any]:
    """Read one data file of the catalog.

    Parameters
    ----------
    name : str
        Its stem, for example ``"accelerators"``.

    Returns
    -------
    dict
        Its tables by name.
    """
    text = files(__package__).joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Accelerator:
    """What a spec sheet says about one GPU.

    Parameters
    ----------
    name : str
        Its name in the catalog.
    memory, bandwidth : str
        With their units, for example ``"180 GB"`` and ``"8 TB/s"``.
    peak_flops : mapping of str to str
        Dense peak by precision.
    source : str
        Where the figures come from, and when they were read.
    link_bandwidth : str
        To other GPUs, one direction; empty if not known.
    note : str
        What sources disagree on.
    """

    name: str
    memory: str
    bandwidth: str
    peak_flops: Mapping[str, str] = field(hash=False)
    source: str
    link_bandwidth: str = ""
    note: str = ""

    def peak(self, precision: str) -> str:
        """Return the dense peak at a precision.

        Parameters
        ----------
        precision : str
            For example ``"fp8"``.

        Returns
        -------
        str
            With its unit.

        Raises
        ------
        UnknownNameError
            If the accelerator has no such peak, with those that it has.
        """
        name = _SAME_PEAK.get(precision, precision)
        if name not in self.peak_flops:
            raise unknown(f"peak of {self.name} for precision", precision, self.peak_flops)
        return self.peak_flops[name]


def accelerator(name: str) -> Accelerator:
    """Return an accelerator by name or alias.

    Parameters
    ----------
    name : str
        For example ``"B200"``; upper and lower case are the same.

    Returns
    -------
    Accelerator
        Its spec sheet.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is none.
    """
    names = {key: key for key in table("accelerators")}
    names |= {alias: key for key, row in table("accelerators").items() for alias in row["aliases"]}
    lower = {candidate.lower(): key for candidate, key in names.items()}
    if str(name).lower() not in lower:
        raise unknown("accelerator", name, names)
    key = lower[str(name).lower()]
    row = dict(table("accelerators")[key])
    row.pop("aliases")
    row["source"] = f"{row['source']}, read {row.pop('read')}"
    return Accelerator(name=key, **row)


def scenario(name: str, shapes: bool = True) -> tuple[dict[str, Any], str]:
    """Return a scenario's givens and their source.

    Parameters
    ----------
    name : str
        For example ``"article"``.
    shapes : bool
        Whether its model's shapes are wanted as well.

    Returns
    -------
    givens : dict
        Values by code name.
    source : str
        Who chose them.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is none.
    """
    if name not in table("scenarios"):
        raise unknown("scenario", name, table("scenarios"))
    row = table("scenarios")[name]
    return row["givens"] | (row["shapes"] if shapes else {}), row["source"]


def width(precision: str) -> float:
    """Return the bytes of one number at a precision.

    Parameters
    ----------
    precision : str
        For example ``"fp8"``.

    Returns
    -------
    float
        Bytes.

    Raises
    ------
    UnknownNameError
        With the known precisions.
    """
    if precision not in BYTES:
        raise unknown("precision", precision, BYTES)
    return BYTES[precision]


def required(config: Mapping[str, Any], key: str, model: str) -> Any:
    """Return a field of a config, or say that it is missing.

    Parameters
    ----------
    config : mapping
        A ``config.json``.
    key : str
        The field.
    model : str
        Whose config it is, for the message.

    Returns
    -------
    object
        What the field holds.

    Raises
    ------
    ConfigError
        If the field is absent.
    """
    if config.get(key) is None:
        raise ConfigError(
            f"{model}: config.json has no {key!r}, which its family needs. "
            "Is it the config of the whole text model?"
        )
    return config[key]
