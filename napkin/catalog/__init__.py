"""Facts with a source and a date, read from data files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from ..errors import ConfigError, unknown
from .chips import Accelerator, accelerator, read
from .fields import BYTES
from .loading import source_of, table

# Tables show models, which read this package: they load when they are first asked for.
_TABLES: Final = (
    *("accelerators", "models", "prices", "traffic", "scenarios", "claims"),
    *("price", "Price"),
)
__all__ = [
    "BYTES",
    "Accelerator",
    "accelerator",
    "read",
    "required",
    "scenario",
    "table",
    "width",
]


def __getattr__(name: str) -> Any:
    if name not in _TABLES:
        raise AttributeError(f"napkin.catalog has no {name!r}")
    return getattr(import_module(".tables", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, *_TABLES]


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
    return row["givens"] | (row["shapes"] if shapes else {}), source_of(row)


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
