"""How a name finds its entry: what people write differently, and nothing that is guessed."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from ..quantities.given import coherent
from .data import table

_MAKER: Final = re.compile(r"^(nvidia|amd|intel|apple|meta|geforce|instinct|tesla)-+")
_SIZE: Final = re.compile(r"(?i)(?:^|[ _-]+)(\d+) ?GB?(?![a-z0-9])")
_SLACK: Final = 0.08  # between a sheet's GB, a driver's GiB, and what error codes take


def plain(name: str) -> str:
    """Return a name without what people write differently: case, spaces, dashes, the maker.

    Between digits a dash stays, so that "Llama-3-70B" is not "Llama-370B", and an underscore
    is a point, as in "llama3_1-8b".
    """
    name = re.sub(r"\((r|tm)\)", "", name.lower())
    name = re.sub(r"(?<=\d)_(?=\d)", ".", name)
    name = re.sub(r"[\s_\u2010-\u2015-]+", "-", name).strip("-")
    while made := _MAKER.match(name):
        name = name[made.end() :]
    return re.sub(r"(?<!\d)-|-(?!\d)", "", name)


def sized(name: str) -> tuple[str, float | None]:
    """Return the plain name of a chip without a memory size in it, and that size in bytes."""
    parts = _SIZE.split(re.sub("(?i)[ _-]hbm3e?$", "", name))
    if len(parts) != 3:
        return plain(name), None
    return plain(f"{parts[0]} {parts[2]}"), 1e9 * float(parts[1])


def is_about(size: float, *said: str) -> bool:
    """Return whether a size is about one of those that a sheet and a driver print."""
    known = (float(coherent("memory", text)) for text in said if text)
    return any(abs(size / memory - 1) <= _SLACK for memory in known)


@cache
def model_names() -> dict[str, str]:
    """Return the models of the catalog by all their names: short, and as the hub has them."""
    names = dict[str, str]()
    for name, row in table("models").items():
        ids = (row["hf_id"], *row.get("aliases", ()))
        short = () if "like" in row else (other.rpartition("/")[2] for other in ids)
        owner = row["hf_id"].partition("/")[0]
        names |= dict.fromkeys((name, *short, *ids, f"{owner}/{name.rpartition('/')[2]}"), name)
    return names


@cache
def _plain_names() -> dict[str, str]:
    return {plain(other): name for other, name in model_names().items()}


def model_named(given: str, inside: bool = False) -> str | None:
    """Return the model that a name means, also `inside` a path or under another owner.

    Copies with narrow weights differ by owner, so theirs must be right.
    """
    if not inside:
        return _plain_names().get(plain(given))
    name = _plain_names().get(plain(given.rstrip("/").rpartition("/")[2]))
    ours = name is None or "like" not in table("models")[name] or given.count("/") > 1
    return name if ours else None


def model_row(name: str) -> dict[str, Any]:
    """Return an entry; one that is ``like`` another has its shapes, stored in another way."""
    row: dict[str, Any] = table("models")[name]
    if "like" not in row:
        return row
    first = model_row(row["like"])
    stored = {key: row[key] for key in ("quantization_config",) if key in row}
    source = f"{row['source']}; shapes: {first['source']}"
    return {**first, **row, "config": first["config"] | stored, "source": source}
