"""Families of models as data: what the keys of a ``config.json`` mean for its shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from ..errors import ConfigError
from .data import table

_JOINED: Final = ("variants", "notes", "ignored")

_TABLES: Final = ("wrappers", "refused")

Config = Mapping[str, Any]


def require(config: Config, keys: Iterable[str], model: str) -> None:
    """Raise a `ConfigError` that says which of these fields a config lacks."""
    missing = [repr(key) for key in keys if config.get(key) is None]
    if missing:
        raise ConfigError(
            f"{model}: config.json has no {', '.join(missing)}, which its family needs. "
            "Is it the config of the whole text model?"
        )


@cache
def _families() -> dict[str, dict[str, Any]]:
    """Return the families by model_type, each with what it inherits put in."""
    rows = {name: row for name, row in table("families").items() if name not in _TABLES}

    def whole(name: str) -> dict[str, Any]:
        row = rows[name]
        parent = whole(row.get("like", "common")) if name != "common" else {}
        return merged(parent, row, ("ignored",))

    return {kind: whole(name) for name, row in rows.items() for kind in row.get("model_types", ())}


def merged(one: Config, other: Config, joined: Iterable[str] = _JOINED) -> dict[str, Any]:
    """Put a part of a family over another."""
    result = dict(one)
    for part, value in other.items():
        if isinstance(value, Mapping):
            result[part] = {**result.get(part, {}), **value}
        elif part in joined:
            result[part] = [*result.get(part, []), *value]
        else:
            result[part] = value
    return result


def find(config: Config, key: str) -> Any:
    """Return what a key with dots leads to, or None."""
    found: Any = config
    for step in key.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def shown(found: Any) -> str:
    """Return what a field holds for an error message: short, whatever it is."""
    try:
        return f"{found!r:.80}"
    except ValueError:  # Python writes out no whole number of thousands of digits
        return f"a {type(found).__name__} that is too long to show"


def text_part(config: Config, name: str) -> tuple[dict[str, Any], bool, list[str]]:
    """Find the text model in a config that may hold a vision or audio tower beside it."""
    require(config, ["model_type"], name)
    kind = config["model_type"]
    wrapper = next(
        (row for row in table("families")["wrappers"].values() if kind in row["model_types"]), None
    )
    if wrapper is None:
        family = _family(kind, name)
        _check_architecture(config, kind, family.get("architectures", ()), name)
        return dict(config), False, []
    _check_architecture(config, kind, wrapper.get("architectures", ()), name)
    text = find(config, wrapper["text"])
    nested = text is not None or not wrapper.get("flat")
    if not nested:
        text = {**config, "model_type": wrapper["family"]}
    elif not isinstance(text, Mapping):
        raise ConfigError(
            f"{name}: {kind} keeps its text model in {wrapper['text']!r}, got {shown(text)}."
        )
    text = {"model_type": wrapper["family"], **text}
    text["tie_word_embeddings"] = _tied(config, text, wrapper, name)
    return text, nested, [wrapper["note"]]


def _tied(config: Config, text: Config, wrapper: Config, name: str) -> bool:
    """Say whether the head is the embedding, by the part of the config that the model heeds."""
    outer, inner = config.get("tie_word_embeddings"), text.get("tie_word_embeddings")
    heeded: Any = {
        "outer": outer,
        "inner": inner,
        "either": outer or inner or None,
        "never": outer or inner or None,
    }[wrapper["tie"]]
    default = wrapper.get("tied")
    odd = heeded and wrapper["tie"] == "never"
    if heeded is None:
        odd = default is None or (wrapper["tie"] == "outer" and inner not in (None, default))
    if odd or not isinstance(heeded, bool | None):
        raise ConfigError(
            f"{name}: tie_word_embeddings is {shown(outer)} outside and {shown(inner)} inside "
            f"{wrapper['text']!r}, which leaves open whether the head is the embedding. "
            "Say it in both."
        )
    return bool(default if heeded is None else heeded)


def _family(kind: Any, name: str) -> dict[str, Any]:
    if not isinstance(kind, str) or kind not in _families():
        known = sorted(_families())
        why = table("families")["refused"].get(kind) if isinstance(kind, str) else None
        if why:
            raise ConfigError(f"{name}: model_type {kind!r} is not supported: {why}.")
        near = get_close_matches(str(kind), known, 4)
        told = f"Like it in name: {', '.join(near)}" if near else f"Supported: {', '.join(known)}"
        raise ConfigError(
            f"{name}: model_type {shown(kind)} is not supported. {told}. If the layers are those "
            "of a family that is, write its name; CONTRIBUTING.md says how to add a family."
        )
    return _families()[kind]


def _check_architecture(config: Config, kind: str, others: Iterable[str], name: str) -> None:
    """Refuse what shares a family's keys but is another model: embedders, draft heads."""
    given = config.get("architectures")
    if not isinstance(given or [], list):
        raise ConfigError(f"{name}: architectures must be a list of names, got {shown(given)}.")
    for entry in map(str, given or []):
        stem = re.sub("(ForCausalLM|LMHeadModel|ForConditionalGeneration)$", "", entry)
        own = re.sub("_text(_model)?$", "", kind).replace("_", "")
        if stem == entry or (stem.lower() != own and entry not in others):
            raise ConfigError(
                f"{name}: {entry:.80} is no causal language model that model_type {kind!r} is "
                "known for, so its parameters and cache are not what model_type says."
            )


def family_of(config: Config, name: str) -> dict[str, Any]:
    """Return the family of a config with the parts that its keys call for."""
    family = _family(config["model_type"], name)
    parts = list(family.get("when", ()))
    for part in parts:
        there = [find(config, key) for key in _tried(part) if has(config, key)]
        found = [*there, part.get("default")][0]
        if "has" in part:
            holds = isinstance(found, str | list) and any(entry in found for entry in part["has"])
        else:
            holds = bool(found)
        if holds is part.get("is", True):
            family = merged(family, {name: value for name, value in part.items() if name != "when"})
            parts.extend(part.get("when", ()))
    return family


def _tried(part: Mapping[str, Any]) -> list[str]:
    """Return the keys of a part of a family, of which the first one that is there counts."""
    keys: str | list[str] = part["key"]
    return keys if isinstance(keys, list) else [keys]


def has(config: Config, key: str) -> bool:
    """Say whether a key with dots is there, be it null."""
    above, _, last = key.rpartition(".")
    holder = find(config, above) if above else config
    return isinstance(holder, Mapping) and last in holder


def check_values(config: Config, family: Config, name: str) -> None:
    """Refuse values that no formula here counts, all at once."""
    wrong = []
    for key, allowed in family["only"].items():
        found = find(config, key)
        entries = found if isinstance(found, list) else [found]
        odd = [entry for entry in entries if entry is not None and entry not in allowed]
        if odd:
            known = ", ".join(map(repr, allowed)) or "null"
            wrong.append(f"{key} is {shown(odd[0])} (known: {known})")
    if wrong:
        raise ConfigError(
            f"{name}: {'; '.join(wrong)}. How that changes the count is not known for "
            f"{config['model_type']}: count such a model by hand, and give its shapes instead."
        )


def check_keys(config: Config, family: Config, name: str) -> None:
    """Refuse keys of which nothing is known, all at once; one that is null or zero says nothing."""
    used = {key for keys in family["keys"].values() for key in keys} | set(family["only"])
    used |= {*family["left_out"], *(key for part in family.get("when", ()) for key in _tried(part))}
    used |= {rule.get("key", "") for rule in _rules(family.get("layers", {}))}
    used |= {key for keys in family.get("by_layer", {}).values() for key in keys.values()}
    harmless = "|".join([*family["harmless"], *family.get("ignored", ())])

    def unknown(part: Config, above: str = "") -> Iterator[str]:
        for key, found in part.items():
            path = f"{above}{key!s:.80}"
            if isinstance(found, Mapping) and any(other.startswith(f"{path}.") for other in used):
                yield from unknown(found, f"{path}.")
            elif found and path not in used and not re.fullmatch(harmless, str(key)):
                yield f"{path!r} ({shown(found):.30})"

    odd = list(unknown(config))
    if odd:
        raise ConfigError(
            f"{name}: {', '.join(odd)} may change the count, and nothing is known about "
            f"{'it' if len(odd) == 1 else 'them'} for {config['model_type']}. Nothing else is "
            "wrong: the config is read once you remove what changes nothing."
        )


def _rules(layers: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    outer = [rule for choices in layers.values() for choice in choices for rule in choice]
    return outer + [rule["also"] for rule in outer if "also" in rule]
