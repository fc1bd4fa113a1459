"""Accelerators: spec sheets of the catalog, and those of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError, UnknownNameError, unknown
from .fields import check_entry
from .loading import file_text, read_text, source_of, table

_SAME_PEAK: Final = {"fp16": "bf16"}


@dataclass(frozen=True)
class Accelerator:
    """What a spec sheet says about one GPU.

    Parameters
    ----------
    name : str
        Its name in the catalog.
    memory, bandwidth : str
        With their units, for example ``"180 GB"`` and ``"8 TB/s"``; the memory is what a
        server sees.
    peak_flops : mapping of str to str
        Dense peak by precision; empty if not known.
    source : str
        Where the figures come from, and when they were read.
    link_bandwidth : str
        To other GPUs, one direction; empty if not known.
    note : str
        What is special.
    memory_physical : str
        What is on the chip, where a server sees less.
    power : str
        Of the board alone, without its share of a server.
    aliases : tuple of str
        Other names.
    disagree : tuple of mapping
        What another source says: field, value, source.

    Raises
    ------
    ConfigError
        Naming the field, if a value is not one or has the wrong unit.

    Examples
    --------
    >>> chip = Accelerator("Mine", "96 GB", "4 TB/s", {"fp8": "1000 TFLOP/s"}, "my data sheet")
    >>> chip.peak("fp8")
    '1000 TFLOP/s'
    """

    name: str
    memory: str
    bandwidth: str
    peak_flops: Mapping[str, str] = field(hash=False)
    source: str
    link_bandwidth: str = ""
    note: str = ""
    memory_physical: str = ""
    power: str = ""
    aliases: tuple[str, ...] = ()
    disagree: tuple[Mapping[str, str], ...] = field(default=(), hash=False)

    def __post_init__(self) -> None:
        row = {part.name: getattr(self, part.name) for part in fields(self)[1:]}
        needed = ("memory", "bandwidth", "peak_flops", "source")
        given = {name: value for name, value in row.items() if value or name in needed}
        check_entry("accelerator object", "Accelerator(...)", self.name, given)

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
        if not self.peak_flops:
            raise UnknownNameError(
                f"no source that we read gives a peak of {self.name} for {precision!r}: give "
                "peak_flops=... of your own."
            )
        same = _SAME_PEAK.get(precision, precision)
        for name in (precision, same):
            if name in self.peak_flops:
                return self.peak_flops[name]
        advice = (
            "For narrower numbers with the arithmetic of a wider one, name that one and give "
            "bytes_per_weight=1 (0.5 for four bits), and bytes_per_kv=1 for a narrow cache; "
            "for another peak, give an nk.Accelerator of your own."
        )
        raise unknown(f"peak of {self.name} for precision", precision, self.peak_flops, advice)

    def remarks(self, *about: str) -> str:
        """Return what is special, and what other sources say.

        Parameters
        ----------
        *about : str
            Fields of which it is asked, for example ``"peak_flops.fp8"``; all if none is
            given.

        Returns
        -------
        str
            Empty if there is nothing to say.
        """
        others = (
            f"{other['field']} {other['value']} by {other['source']}"
            for other in self.disagree
            if other["field"] in (about or [other["field"]]) and other["value"] not in self.note
        )
        return "; ".join(filter(None, (self.note, *others)))


def _from_row(name: str, row: Mapping[str, Any]) -> Accelerator:
    plain = {"peak_flops": {}} | {key: value for key, value in row.items() if key != "read"}
    plain["source"] = source_of(row)
    plain |= {key: tuple(row.get(key, ())) for key in ("aliases", "disagree")}
    return Accelerator(name=name, **plain)


def read(path: str | Path) -> dict[str, Accelerator]:
    """Read accelerators of one's own from a file.

    Parameters
    ----------
    path : str or Path
        A TOML file with the fields of the catalog's ``accelerators.toml``.

    Returns
    -------
    dict of str to Accelerator
        By name; each can be given to ``Napkin(accelerator=...)``. The catalog itself stays
        as it is.

    Raises
    ------
    ConfigError
        Naming file, entry and field, if one is wrong, missing or unknown.
    """
    rows = read_text("accelerators", Path(path).name, file_text(path))
    if not rows:
        raise ConfigError(f"{Path(path).name} has no entry: write one table an accelerator.")
    return {name: _from_row(name, row) for name, row in rows.items()}


@cache
def _stored(name: str) -> Accelerator:
    return _from_row(name, table("accelerators")[name])


def accelerator(name: str, own: str | Path | None = None) -> Accelerator:
    """Return an accelerator by name or alias.

    Parameters
    ----------
    name : str
        For example ``"B200"``; upper and lower case are the same. The path of a TOML file
        with one entry, ``"mine.toml"``, is that entry.
    own : str or Path, optional
        A TOML file of one's own, whose names count before those of the catalog.

    Returns
    -------
    Accelerator
        Its spec sheet.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is none.
    ConfigError
        If a file of one's own is not right, or holds several and none is named.
    """
    if own is None and str(name).endswith(".toml"):
        only = read(name)
        if len(only) > 1:
            raise ConfigError(
                f"{Path(name).name} has {len(only)} accelerators ({', '.join(only)}): choose one, "
                "as in nk.catalog.read(path)[name]."
            )
        return next(iter(only.values()))
    mine = read(own) if own is not None else {}
    rows = table("accelerators")
    names = {alias: key for key, row in rows.items() for alias in (key, *row.get("aliases", ()))}
    names |= {alias: key for key, chip in mine.items() for alias in (key, *chip.aliases)}
    lower = {candidate.lower(): key for candidate, key in names.items()}
    if str(name).lower() not in lower:
        advice = "One of your own is an nk.Accelerator(...), or the path of a TOML file."
        raise unknown("accelerator", name, names, advice)
    key = lower[str(name).lower()]
    return mine[key] if key in mine else _stored(key)
