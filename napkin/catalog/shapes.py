"""The shapes of a model, read from its config as its family says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any, Final

from ..errors import ConfigError
from ..quantities.quantity import SWITCH, lookup
from .families import Config, check_keys, check_values, family_of, find, has, require, shown

_LARGEST: Final = 10**12
_MOST_LAYERS: Final = 10_000
_TAKES: Final[dict[str, Callable[[int, int, int], bool]]] = {
    # layer, the number that the key holds, how many layers there are
    "before": lambda layer, number, _: layer < number,
    "from": lambda layer, number, _: layer >= number,
    "after": lambda layer, number, _: layer > number,
    "last": lambda layer, number, layers: layer >= layers - number,
    "multiples": lambda layer, number, _: layer % number == 0,
    "between": lambda layer, number, _: layer % number != 0,
}


def shapes(config: Config, nested: bool, name: str) -> tuple[dict[str, int], list[str], list[str]]:
    """Read the shapes of a text model."""
    family = family_of(config, name)
    check_values(config, family, name)
    absent = family["absent"] | (family.get("nested", {}) if nested else {})
    givens, rules, missing = dict[str, int](), dict[str, int | str](), list[str]()
    lists = family.get("lists", ())
    for quantity, keys in family["keys"].items():
        found = {key: find(config, key) for key in keys if find(config, key) is not None}
        if isinstance(absent.get(quantity), str):  # a family says what "auto" means
            found = {key: value for key, value in found.items() if value != "auto"}
        for key in found.keys() & set(lists):
            found[key] = _same(found[key], key, name)
        if lookup(quantity).unit == "byte":
            found = {key: _width(value, key, family, name) for key, value in found.items()}
        key = next(iter(found), None)
        if len({_whole(value, other, name, quantity) for other, value in found.items()}) > 1:
            raise ConfigError(
                f"{name}: {' and '.join(found)} mean the same ({lookup(quantity).meaning}) "
                "and differ. Keep the one that is right."
            )
        value = found[key] if key else absent.get(quantity)
        if key is None and any(has(config, key) for key in keys):
            value = family["null"].get(quantity, value)
        if key or isinstance(value, int):
            givens[quantity] = _whole(value, key or quantity, name, quantity)
        elif value is not None:
            rules |= {quantity: value} if value else {}
        elif quantity not in family["optional"]:
            missing.append((keys or [quantity])[0])
    require(config, missing, name)
    for quantity, rule in (rules | family["fixed"]).items():
        givens[quantity] = rule if isinstance(rule, int) else _product(rule, givens, config, name)
    for quantity, scaling in family.get("scaled", {}).items():
        givens[quantity] = _scaled(givens[quantity], scaling, config, name)
    variants = list(dict.fromkeys(family["variants"]))
    _count_layers(config, family, givens, name)
    _check_groups(family, givens, name)
    check_keys(config, family, name)
    said = [words for key, words in family["left_out"].items() if find(config, key)]
    return givens, variants, [*family.get("notes", ()), *dict.fromkeys(said)]


def _whole(found: Any, key: str, name: str, quantity: str = "") -> int:
    switch = bool(quantity) and lookup(quantity).domain is SWITCH
    if isinstance(found, bool) and switch:
        return int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= _LARGEST:
        kind = "true or false" if switch else "a whole number"
        raise ConfigError(f"{name}: {key} must be {kind}, got {shown(found)}.")
    return found


def _width(found: Any, key: str, family: Config, name: str) -> int:
    """Return the bytes of a number of a data type."""
    widths = family["widths"]
    if not isinstance(found, str) or found not in widths:
        known = ", ".join(map(repr, widths))
        raise ConfigError(f"{name}: {key} is {shown(found)}. Known data types: {known}.")
    return int(widths[found])


def _scaled(number: int, rule: Mapping[str, Any], config: Config, name: str) -> int:
    """Scale a width as a model's code does, which rounds at each step."""
    above, below = rule["share"]
    scaled: int = above * number // below
    factor = find(config, rule["factor"]) if has(config, rule["factor"]) else 1
    if factor is None:
        return scaled  # neither scaled further nor rounded
    multiple = _whole(config.get(rule["multiple"], rule["default"]), rule["multiple"], name)
    if type(factor) not in (int, float) or not 0 < factor <= _LARGEST or multiple == 0:
        raise ConfigError(
            f"{name}: {rule['factor']} {shown(factor)} and {rule['multiple']} {multiple} must be "
            "above 0."
        )
    return -(-int(factor * scaled) // multiple) * multiple


def _same(found: Any, key: str, name: str) -> Any:
    """Return the entry of a list with one for each layer, where all are the same."""
    if not isinstance(found, list) or not found:
        return found
    if any(entry != found[0] for entry in found):
        raise ConfigError(
            f"{name}: {key} differs from layer to layer, {shown(found)}, and only one value for "
            "all layers of a kind is supported."
        )
    return found[0]


def _product(rule: str, givens: Mapping[str, int], config: Config, name: str) -> int:
    """Compute what a family derives, such as ``"4*d_model"`` or ``"d_model/n_heads"``."""

    def factor(part: str) -> int:
        if part.isdigit():
            return int(part)
        if part in givens:
            return givens[part]
        found = find(config, part.removeprefix("#"))
        if part.startswith("#") and isinstance(found, list):
            return len(found)
        return _whole(found, part, name)

    above, _, below = rule.partition("/")
    number = sum(prod(map(factor, term.split("*"))) for term in above.split("+"))
    if not below:
        return number
    divisor = factor(below)
    if divisor == 0 or number % divisor:
        keys = [lookup(part).config_key if part in givens else part for part in (above, below)]
        raise ConfigError(
            f"{name}: without the width of a head, {keys[0]} {number} must be a multiple of "
            f"{keys[1]} {divisor}."
        )
    return number // divisor


def _check_groups(family: Config, givens: Mapping[str, int], name: str) -> None:
    """Refuse KV heads that cannot each serve as many query heads."""
    for pair in (("n_heads", "n_kv_heads"), ("n_heads_window", "n_kv_heads_window")):
        heads, shared = (givens.get(quantity) for quantity in pair)
        if heads is None or shared is None or (shared and heads % shared == 0):
            continue
        above, below = ((family["keys"].get(quantity) or [quantity])[0] for quantity in pair)
        fit = ", ".join(str(count) for count in range(1, 200) if heads % count == 0)
        raise ConfigError(
            f"{name}: {below} is {shared}, which does not divide {above} {heads}. Each key-value "
            f"head serves as many query heads: give one of {fit:.80}."
        )


def _count_layers(config: Config, family: Config, givens: dict[str, int], name: str) -> None:
    """Count the layers of each kind."""
    layers = givens["n_layers"]
    if layers > _MOST_LAYERS:
        raise ConfigError(f"{name}: {layers} layers are more than any model has.")
    for quantity, choices in family.get("layers", {}).items():
        picked, chosen = _first_choice(choices, config, layers, name)
        if quantity == "n_layers_window" and not givens.get("window"):
            if picked and chosen:  # some layers are windowed, and no width is given
                key = family["keys"]["window"][0]
                raise ConfigError(
                    f"{name}: {len(picked)} of {layers} layers have a window, but {key} is "
                    f"{shown(find(config, key))}. Give the tokens that they see."
                )
            picked = set()
            givens.pop("window", None)
        if picked or lookup(quantity).default != 0:
            givens[quantity] = len(picked)
        for other, key in family.get("by_layer", {}).get(quantity, {}).items():
            kind = picked if other.endswith("_window") else set(range(layers)) - picked
            found = find(config, key)
            if found is not None and kind:
                if not isinstance(found, list) or len(found) != layers:
                    raise ConfigError(f"{name}: {key} must have {layers} entries.")
                values = [found[layer] for layer in sorted(kind)]
                givens[other] = _whole(_same(values, key, name), key, name)
    if "n_layers_window" not in givens:
        givens.pop("window", None)


def _first_choice(
    choices: Iterable[Any], config: Config, layers: int, name: str
) -> tuple[set[int], bool]:
    """Return the layers of the first choice that applies, and whether it tells them apart."""
    first, listed = None, dict[str, set[int]]()
    for choice in choices:
        given = [find(config, rule["key"]) for rule in choice if "key" in rule]
        there, take = any(value not in (None, []) for value in given), choice[0]["take"]
        names = there and isinstance(take, list)  # an entry a layer: all such lists must agree
        there = there or any("default" in rule or "key" not in rule for rule in choice)
        if names or (there and first is None):
            picked = set().union(*(_picked(rule, config, layers, name) for rule in choice))
            first = first or (picked, take not in ("all", "from"))
            listed |= {choice[0]["key"]: picked} if names else {}
    if len(set(map(frozenset, listed.values()))) > 1:
        raise ConfigError(
            f"{name}: {' and '.join(listed)} list different layers. Keep the list that is right."
        )
    if first:
        return first
    keys = " or ".join(repr(rule["key"]) for choice in choices for rule in choice)
    raise ConfigError(f"{name}: config.json has no {keys}, which says the kinds of layers.")


def _picked(rule: Mapping[str, Any], config: Config, layers: int, name: str) -> set[int]:
    """Return the layers that one rule picks."""
    key, take, shift = rule.get("key", "layers"), rule["take"], rule.get("shift", 0)
    found = find(config, key) if "key" in rule else None
    found = rule.get("default") if found in (None, rule.get("unset")) else found
    every = range(layers)
    if take == "all":
        picked = set(every)
    elif found is None:
        return set()
    elif isinstance(take, list):
        found = found[:layers] if isinstance(found, list) and rule.get("longer") else found
        if not isinstance(found, list | str) or len(found) != layers:
            raise ConfigError(f"{name}: {key} must have {layers} entries, got {shown(found)}.")
        picked = {layer for layer in every if found[layer] in take}
    elif take in ("indices", "others"):
        listed: list[Any] = found if isinstance(found, list) else [None]
        last = layers + shift - 1
        if not all(type(layer) is int and shift <= layer <= last for layer in listed):
            raise ConfigError(
                f"{name}: {key} must list layers from {shift} to {last}, got {shown(found)}."
            )
        named = {layer - shift for layer in listed}
        picked = named if take == "indices" else {*every} - named
    else:
        number = _whole(found, key, name)
        if take in ("multiples", "between") and number == 0:
            raise ConfigError(f"{name}: {key} must be at least 1, got 0.")
        picked = {layer for layer in every if _TAKES[take](layer + shift, number, layers)}
    return picked & _picked(rule["also"], config, layers, name) if "also" in rule else picked
