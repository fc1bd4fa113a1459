"""Data files of the catalog: read once, every entry checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .fields import CHECKED, check_entry


def read_text(kind: str, where: str, text: str) -> dict[str, Any]:
    """Read and check a data file.

    Parameters
    ----------
    kind : str
        The data file that it is like, for example ``"accelerators"``.
    where : str
        Its name, for errors.
    text : str
        Its content, TOML.

    Returns
    -------
    dict
        Its entries by name.

    Raises
    ------
    ConfigError
        Naming file, entry and field.
    """
    try:
        rows = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as reason:
        raise ConfigError(f"{where} is not a TOML file: {reason}.") from None
    for name, row in rows.items() if kind in CHECKED else ():
        check_entry(kind, where, name, row)
    return rows


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

    Raises
    ------
    ConfigError
        If an entry has a wrong, missing or unknown field.
    """
    text = files(__package__).joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return read_text(name, f"{name}.toml", text)


def source_of(row: Mapping[str, Any]) -> str:
    """Return where an entry comes from, with the date of reading.

    Parameters
    ----------
    row : mapping
        An entry of a data file.

    Returns
    -------
    str
        For footnotes and derivations.
    """
    return f"{row['source']}, read {row['read']}"


def file_text(path: str | Path) -> str:
    """Return the text of somebody's own data file.

    Parameters
    ----------
    path : str or Path
        A TOML file.

    Returns
    -------
    str
        Its content.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as reason:
        kind = type(reason).__name__
        raise ConfigError(f"{Path(path).name} cannot be read ({kind}): give a TOML file.") from None
