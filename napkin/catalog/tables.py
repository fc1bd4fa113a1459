"""What the catalog holds, as tables: one a kind of fact, the sources below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import unknown
from ..quantities.table import Notes, Table
from .chips import accelerator, read
from .data import BYTES, entry, source_of, table
from .model import Model


def accelerators(own: str | Path | None = None) -> Table:
    """Tabulate accelerators: memory, bandwidth, link, power, dense peaks.

    Parameters
    ----------
    own : str or Path, optional
        A TOML file of one's own, to stand first.

    Returns
    -------
    Table
        One row an accelerator; what another source says is a footnote.
    """
    notes = Notes()
    mine = list(read(own).values()) if own is not None else []
    rows = []
    for chip in [*mine, *map(accelerator, table("accelerators"))]:
        sheet = f" (sheet: {chip.memory_sheet})" if chip.memory_sheet else ""
        marks = notes(chip.source, chip.remarks())
        peaks = [chip.peak_flops.get(precision, "").removesuffix(" TFLOP/s") for precision in BYTES]
        seen = [chip.memory + sheet, chip.bandwidth, chip.link_bandwidth, chip.power]
        rows.append([chip.name, *seen, *peaks, marks])
    header = ["accelerator", "memory", "bandwidth", "link, one direction", "power"]
    return Table([*header, *(f"{name}, TFLOP/s" for name in BYTES), "source"], rows, notes.lines)


def models() -> Table:
    """Tabulate models, with what their formulas count from the shapes.

    Returns
    -------
    Table
        One row a model: parameters, cache of one token at two bytes an element, variants.
    """
    notes, rows = Notes(), []
    for name, row in table("models").items():
        model = Model.from_config(name)
        counts = [f"{int(count):,}" for count in (model.n_params, model.n_params_active)]
        kept = f"{int(model.kv_bytes_per_token()):,}"
        kinds = ", ".join(model.variants)
        marks = notes(f"{row['hf_id']}: {model.source}", *model.notes)
        rows.append([model.name, *counts, kept, kinds, marks])
    header = ["model", "parameters", "active", "cache, B/token at 2 B", "variants", "source"]
    return Table(header, rows, notes.lines)


@dataclass(frozen=True)
class Price:
    """What an hour of one GPU was asked for.

    Parameters
    ----------
    accelerator : str
        Its name in the catalog.
    low, high : str
        The cheapest and the dearest that the source saw, with their unit.
    date : str
        The month or day of the prices.
    source : str
        Where they were read, and when.
    note : str
        What the two ends are.
    """

    accelerator: str
    low: str
    high: str
    date: str
    source: str
    note: str = ""


def price(name: str) -> Price:
    """Return what an hour of an accelerator was asked for: no napkin takes it by itself.

    Parameters
    ----------
    name : str
        Of the accelerator, or an alias.

    Returns
    -------
    Price
        Low and high, with date and source.

    Raises
    ------
    UnknownNameError
        If the catalog has no such accelerator, or no price of it.

    Examples
    --------
    >>> price("B200").low, price("B200").date
    ('5.98 USD/h', '2026-03')
    """
    key, rows = accelerator(name).name, table("prices")
    if key not in rows:
        raise unknown("price in the catalog for", key, rows)
    row = rows[key]
    return Price(key, row["low"], row["high"], row["date"], source_of(row), row.get("note", ""))


def prices(name: str | None = None) -> Table:
    """Tabulate prices of a GPU-hour, each with its date.

    Parameters
    ----------
    name : str, optional
        An accelerator; all if not given.

    Returns
    -------
    Table
        One row an accelerator.
    """
    notes = Notes()
    shown = [price(key) for key in (table("prices") if name is None else [name])]
    rows = [[p.accelerator, p.low, p.high, p.date, notes(p.source, p.note)] for p in shown]
    return Table(["accelerator", "low", "high", "date", "source"], rows, notes.lines)


def api_price(name: str) -> dict[str, str]:
    """Return what an API asks for tokens, as givens: no napkin takes it by itself.

    Parameters
    ----------
    name : str
        A model and who serves it, as in `api_prices`.

    Returns
    -------
    dict of str to str
        Prices by code name, for ``n.assume(**api_price(...))``.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is no such price.

    Examples
    --------
    >>> api_price("gpt-oss-120b at Fireworks")["api_output_price"]
    '0.60 USD/Mtoken'
    """
    row = entry("api_prices", name)
    return {key: text for key, text in row.items() if key.startswith("api_")}


def api_prices() -> Table:
    """Tabulate what APIs ask for a million tokens, by their price lists.

    Returns
    -------
    Table
        One row a model and who serves it; a list that has no date is undated.
    """
    notes, rows = Notes(), []
    kinds = ("api_input_price", "api_cached_input_price", "api_output_price")
    for name, row in table("api_prices").items():
        asked = [row.get(kind, "") for kind in kinds]
        marks = notes(source_of(row), row.get("note", ""))
        rows.append([name, row.get("model", ""), *asked, row.get("date", "undated"), marks])
    header = ["model and API", "catalog model", "input", "cached input", "output", "date", "source"]
    return Table(header, rows, notes.lines)


def traffic(name: str | None = None) -> Table:
    """Tabulate what requests looked like.

    Parameters
    ----------
    name : str, optional
        A trace, for example ``"azure-conversation"``; all if not given.

    Returns
    -------
    Table
        One row a quantity of a trace, by percentiles.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is no such trace.
    """
    if name is not None and name not in table("traffic"):
        raise unknown("traffic", name, table("traffic"))
    notes, rows = Notes(), []
    points = ("p10", "p25", "p50", "mean", "p75", "p90", "p99", "max", "n")
    for trace in table("traffic") if name is None else [name]:
        row = table("traffic")[trace]
        for metric in (key for key, value in row.items() if isinstance(value, Mapping)):
            cell = row[metric]
            numbers = [f"{cell[p]:,.5g}" if p in cell and p != "n" else "" for p in points[:-1]]
            count = f"{cell['n']:,}" if "n" in cell else ""
            marks = notes(f"{row['says']}: {source_of(row)}", cell.get("note", ""))
            rows.append([trace, metric, cell["unit"], *numbers, count, marks])
    return Table(["traffic", "quantity", "unit", *points, "source"], rows, notes.lines)


def engines() -> Table:
    """Tabulate engines: what each does unless its user says otherwise.

    Returns
    -------
    Table
        One row a value; some depend on the memory of a GPU, or on its name.
    """
    notes, rows = Notes(), []
    for name, row in table("engines").items():
        marks = notes(f"{row['version']}: {source_of(row)}", row.get("note", ""))
        places = {"": row["givens"]}
        places |= {f"from {start}": more for start, more in row.get("by_memory", {}).items()}
        places |= row.get("by_name", {})
        rows += [
            [name, given, str(value), where, marks]
            for where, more in places.items()
            for given, value in more.items()
        ]
        rows.append([name, "variants", ", ".join(row["variants"]), "", marks])
    return Table(["engine", "given", "value", "GPU", "source"], rows, notes.lines)


def scenarios() -> Table:
    """Tabulate scenarios: givens that somebody else chose.

    Returns
    -------
    Table
        One row a given.
    """
    notes = Notes()
    rows = [
        [name, given, str(value), notes(source_of(row), row.get("note", ""))]
        for name, row in table("scenarios").items()
        for given, value in (row["givens"] | row.get("shapes", {})).items()
    ]
    return Table(["scenario", "given", "value", "source"], rows, notes.lines)
