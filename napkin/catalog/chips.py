"""Accelerators: spec sheets of the catalog, and those of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError, DomainError, UnitError, UnknownNameError, unknown
from ..quantities.given import coherent, parse_text
from ..quantities.quantity import lookup
from .data import BYTES, read_toml, source_of, table
from .naming import is_about, plain, sized

_SAME_PEAK: Final = {"fp16": "bf16"}
_PRODUCTS: Final = {"mxfp4": "fp4", "nvfp4": "fp4", "int4": "bf16", "w4a16": "bf16"}


@dataclass(frozen=True)
class Accelerator:
    """What a spec sheet says about one GPU.

    Parameters
    ----------
    name : str
        Its name in the catalog.
    memory, bandwidth : str
        With their units, for example ``"81559 MiB"`` and ``"8 TB/s"``; the memory is
        what the driver shows.
    peak_flops : mapping of str to str
        Dense peak by precision; empty if not known.
    source : str
        Where the figures come from, and when they were read.
    link_bandwidth : str
        To other GPUs, one direction; empty if not known.
    note : str
        What is special.
    memory_sheet : str
        The data sheet's figure, where the driver shows another.
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
    memory_sheet: str = ""
    power: str = ""
    aliases: tuple[str, ...] = ()
    disagree: tuple[Mapping[str, str], ...] = field(default=(), hash=False)

    def __post_init__(self) -> None:
        fields = {"memory": self.memory, "bandwidth": self.bandwidth}
        optional = ("link_bandwidth", "memory_sheet", "power")
        fields |= {name: getattr(self, name) for name in optional if getattr(self, name)}
        for name, value in fields.items():
            self._check(name, name.removesuffix("_sheet"), value)
        if not isinstance(self.peak_flops, Mapping):
            raise self._wrong("peak_flops", "expected a table: precision = rate")
        for precision, rate in self.peak_flops.items():
            if precision not in BYTES:
                raise self._wrong("peak_flops", f"expected one of {', '.join(BYTES)}: {precision}")
            self._check("peak_flops", "peak_flops", rate)
        rates = [
            self.peak_flops[name] for name in ("bf16", "fp8", "fp4") if name in self.peak_flops
        ]
        numbers = [coherent("peak_flops", rate) for rate in rates]
        if numbers != sorted(numbers):
            raise self._wrong(
                "peak_flops", f"expected dense peaks with bf16 <= fp8 <= fp4: {rates}"
            )
        if not isinstance(self.source, str) or not self.source.strip():
            raise self._wrong("source", "expected text that is not empty")

    def _check(self, field: str, quantity: str, value: object) -> None:
        """Refuse what is no text with a number above zero and the unit of its quantity."""
        try:
            if not isinstance(value, str) or parse_text(value).unit == "1":
                unit = lookup(quantity).unit
                raise self._wrong(
                    field, f'expected a number above 0 with its unit ({unit}), such as "8 TB/s"'
                )
            coherent(quantity, value)
        except (UnitError, DomainError) as reason:
            raise self._wrong(field, str(reason).rstrip(".")) from None

    def _wrong(self, field: str, why: str) -> ConfigError:
        return ConfigError(
            f"accelerator {self.name!r}, field {field!r}: {why}. Correct that field."
        )

    @classmethod
    def from_row(cls, name: str, row: Any) -> Accelerator:
        """Return the accelerator that an entry of a data file describes."""
        if not isinstance(row, Mapping):
            raise ConfigError(f"accelerator {name!r}: expected a table of fields, got {row!r:.60}.")
        facts: dict[str, Any] = {"peak_flops": {}, **row, "name": name}
        if "read" in facts:
            facts |= {"source": source_of({"source": "", **row})}
            del facts["read"]
        for key in ("aliases", "disagree"):
            if not isinstance(row.get(key, []), list):
                raise ConfigError(f"accelerator {name!r}, field {key!r}: expected a list.")
            facts[key] = tuple(row.get(key, ()))
        try:
            return cls(**facts)
        except TypeError as reason:
            told = str(reason).replace("Accelerator.__init__() ", "")
            known = ", ".join(part.name for part in fields(cls)[1:])
            raise ConfigError(f"accelerator {name!r}: {told}. Fields are {known}.") from None

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
            "bytes_per_weight=1 (0.5 for four bits), or name a format such as mxfp4 or w4a16; "
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


def products(precision: str, chip: Accelerator | None = None) -> str:
    """Return the precision in which weights of a precision are multiplied.

    Parameters
    ----------
    precision : str
        Of the weights, for example ``"mxfp4"``.
    chip : Accelerator, optional
        What multiplies them.

    Returns
    -------
    str
        The precision itself where it names products; for formats with scales, four bits
        where the accelerator multiplies those, and else 16 bits.
    """
    wanted = _PRODUCTS.get(precision, precision)
    without = chip is not None and chip.peak_flops and wanted not in chip.peak_flops
    return "bf16" if wanted != precision and without else wanted


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
    name, rows = Path(path).name, read_toml(path)
    if not rows:
        raise ConfigError(f"{name} has no entry: write one table an accelerator.")
    try:
        return {key: Accelerator.from_row(key, row) for key, row in rows.items()}
    except ConfigError as reason:
        raise ConfigError(f"{name}, {reason}") from None


@cache
def _stored() -> dict[str, Accelerator]:
    rows = table("accelerators")
    return {name: Accelerator.from_row(name, row) for name, row in rows.items()}


def _named(name: str, names: Mapping[str, Accelerator]) -> Accelerator | None:
    """Return what a name means, if that is certain: a size in it must be that of the chip."""
    found = {plain(alias): chip for alias, chip in names.items()}.get(plain(name))
    rest, size = sized(name)
    if found or size is None:
        return found
    chips = {chip.name: chip for alias, chip in names.items() if sized(alias)[0] == rest}
    fitting = [c for c in chips.values() if is_about(size, c.memory, c.memory_sheet)]
    return fitting[0] if len(fitting) == 1 else None


def accelerator(name: str, own: str | Path | None = None) -> Accelerator:
    """Return an accelerator by name or alias.

    Parameters
    ----------
    name : str
        For example ``"B200"``; case, spaces, dashes and the maker's name make no difference,
        and it may include a memory size that the chip has: ``"H100-SXM-80GB"``. The path of
        a TOML file with one entry, ``"mine.toml"``, is that entry.
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
    known = _stored() | (read(own) if own is not None else {})
    names = {alias: chip for chip in known.values() for alias in (chip.name, *chip.aliases)}
    found = _named(str(name), names)
    if found is None:
        advice = "One of your own is an nk.Accelerator(...), or the path of a TOML file."
        raise unknown("accelerator", name, names, advice)
    return found
