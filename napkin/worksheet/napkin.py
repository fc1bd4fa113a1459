"""The napkin: formulas and givens, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sympy import Expr, Symbol

from .. import catalog
from ..catalog import Accelerator, Model
from ..errors import NapkinError, NoFormulaError
from ..formulas import ALL
from ..formulas.graph import Graph, graph_of
from ..formulas.variants import get
from ..quantities.dimensions import dimension_of
from ..quantities.given import between, coherent, in_unit, middle, somewhere
from ..quantities.notation import group_size, n_kv_heads
from ..quantities.own import own_among, register
from ..quantities.quantity import REGISTRY, SWITCH, Quantity, listed, lookup
from ..quantities.units import coherent_unit, parse_unit
from ..quantities.value import Value
from .assumptions import (
    CHOICES,
    Change,
    Choice,
    Given,
    apply,
    brought_by,
    choose,
    hints_of,
    is_calibrated,
    left_by,
    merge,
    nodes_of,
    targets_of,
    yielding_of,
)
from .compilation import compile_function
from .evaluation import Values, evaluate, number
from .parse import parse, parse_expression
from .prediction import with_band
from .unused import unused

_WIDTH = 90
_SAME = {group_size: n_kv_heads, n_kv_heads: group_size}  # each determines the other


class Napkin:
    """A worksheet: what is given, which formulas hold, and any quantity on request.

    Parameters
    ----------
    model : str, Path, dict or Model, optional
        A catalog name, a ``config.json``, or a model.
    accelerator : str or Accelerator, optional
        A catalog name, or a spec sheet.
    precision : str, optional
        The weights, unless the model publishes their widths, and the products with their
        peak, for example ``"fp8"``.
    kv_precision : str, optional
        The cache, for example ``"fp8"``; 16 bits if it is not named.
    scenario : str, optional
        A named set of givens, for example ``"article"``.
    engine : str, optional
        What serves, for example ``"vllm"``: sets the usable memory, blocks and chunks, the
        width of the cache, what windowed layers reserve, and whether pieces of prompts share
        steps with decoding.
    calibrated : bool, optional
        Whether constants that were fitted on measured servers count, so that times are
        predictions with a band; otherwise they are bounds.
    **givens
        Values by code name: numbers in the quantity's own unit, or text with a unit. A range,
        as in ``context="4k to 40k"``, holds 90 % of a log-normal distribution: the worksheet
        takes its median, and `uncertainty` draws from it.

    Notes
    -----
    A napkin never changes: `assume` returns another one. The last word wins. An
    assumed formula replaces the value given for its target, and a given value replaces
    the formula. A model, accelerator, precision, scenario or engine that is named later replaces
    earlier values of the quantities that it sets.

    Examples
    --------
    >>> n = Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", kv_precision="fp8",
    ...            context=20_000)
    >>> n.concurrent_sequences
    60.8 sequences
    >>> n.assume(context=40_000)["concurrent_sequences"]
    30.4 sequences
    """

    choices: Mapping[str, Choice]
    changes: tuple[Change, ...]
    formulas: Graph
    givens: Mapping[Symbol, Given]
    _values: dict[Symbol, Values]
    _compiled: dict[Any, Any]

    def __init__(
        self,
        *,
        model: str | Path | Mapping[str, Any] | Model | None = None,
        accelerator: str | Accelerator | None = None,
        precision: str | None = None,
        kv_precision: str | None = None,
        scenario: str | None = None,
        engine: str | None = None,
        calibrated: bool | str | None = None,
        **givens: Any,
    ) -> None:
        named: dict[str, Any] = {"scenario": scenario, "model": model}
        named |= {"accelerator": accelerator, "precision": precision, "engine": engine}
        named |= {"kv_precision": kv_precision, "calibrated": calibrated}
        self._fill({}, (), {}, named | givens)

    def _fill(
        self,
        choices: Mapping[str, Choice],
        changes: tuple[Change, ...],
        typed: Mapping[Symbol, Given],
        new: Mapping[str, Any],
        read: tuple[Change, ...] = (),
    ) -> None:
        chosen = choose({k: v for k, v in new.items() if k in CHOICES and v is not None})
        if "scenario" in chosen:  # a scenario sets all of them
            choices = {}
        changes = merge((*left_by(chosen, changes), *read))
        gone = brought_by(chosen)
        now = {symbol: given for symbol, given in typed.items() if symbol.name not in gone}
        for name, value in new.items():
            if name not in CHOICES:
                symbol = lookup(name).symbol
                for other in (symbol, _SAME.get(symbol)):
                    now.pop(other, None)
                ends = between(name, value)
                now[symbol] = Given(
                    middle(name, ends) if ends else coherent(name, value), ends=ends
                )
        formulas, givens = apply({**choices, **chosen}, changes, now)
        vars(self).update(
            choices=MappingProxyType({**choices, **chosen}),
            changes=changes,
            formulas=graph_of(
                formulas,
                {symbol: given.value for symbol, given in givens.items()},
                hints_of({**choices, **chosen}),
            ),
            givens=MappingProxyType(givens),
            _values={},
            _compiled={},
        )

    @property
    def typed(self) -> dict[Symbol, Given]:
        """The givens that a person typed."""
        return {s: given for s, given in self.givens.items() if given.source == "given"}

    @property
    def numbers(self) -> dict[Symbol, Expr]:
        """The givens as numbers, in coherent units (byte, FLOP, s, USD)."""
        return {symbol: given.value for symbol, given in self.givens.items()}

    def __setattr__(self, name: str, value: object) -> None:
        raise NapkinError(f"a napkin never changes: use assume({name}=...) to get another one.")

    @property
    def own_quantities(self) -> tuple[Quantity, ...]:
        """The quantities that a reader declared and this napkin uses."""
        names = {symbol.name for symbol in self.givens}
        for formula in self.formulas.packaged.values():
            names |= {symbol.name for symbol in (formula.target, *formula.symbols)}
        return own_among(names)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (dict(self.choices), self.changes, self.typed, self.own_quantities)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Napkin):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[frozenset[Any], frozenset[Any]]:
        return frozenset(self.formulas.packaged.items()), frozenset(self.givens.items())

    def assume(self, *changes: Change | str, **givens: Any) -> Napkin:
        """Return another napkin, with other formulas or givens.

        Parameters
        ----------
        *changes : Formula, Bundle or str
            What to use instead: a formula, a bundle of `napkin.variants` or its name, or a
            formula as text, ``"target = expression"``.
        **givens
            As in ``Napkin(...)``: values, or another model, accelerator, precision or engine.

        Returns
        -------
        Napkin
            A new one; this one does not change.

        Raises
        ------
        FormulaSyntaxError
            If a text is not a formula; the message says where.
        UnitError
            If the two sides of a formula have different units.
        """
        read = tuple(_read(change) if isinstance(change, str) else change for change in changes)
        for change in read:
            if not isinstance(change, Change):
                raise NapkinError(
                    "assume takes formulas, also as text, bundles of napkin.variants and "
                    f"name=value, got {change!r:.80}."
                )
            for node in nodes_of(change):
                node.check_units()
        replaced = set().union(*(targets_of(c) - yielding_of(c) for c in read))
        typed = {s: given for s, given in self.typed.items() if s not in replaced}
        new = object.__new__(Napkin)
        new._fill(self.choices, self.changes, typed, givens, read)
        return new

    def values(self, target: str | Symbol) -> dict[Symbol, Expr]:
        """Return the numbers of a target and of everything that it needs.

        Parameters
        ----------
        target : str or Symbol
            A quantity.

        Returns
        -------
        dict of Symbol to Expr
            In coherent units, each after its own inputs.

        Raises
        ------
        NapkinError
            If an input is missing, a value is out of range, or something does not fit.
        """
        symbol = lookup(target).symbol
        if symbol not in self._values:
            self._values[symbol] = evaluate(self.formulas, self.numbers, symbol)
        return self._values[symbol]

    def __getitem__(self, target: str | Expr) -> Value:
        if isinstance(target, str) and not target.isidentifier():
            target = parse_expression(target)
        if isinstance(target, Expr) and not isinstance(target, Symbol):
            return self._computed(target)
        symbol = lookup(target).symbol
        value = in_unit(symbol, self.values(symbol)[symbol])
        if not is_calibrated(self.choices):
            return value
        moved = {s.name for s in self.values(symbol) if s not in self.givens}
        errors = moved & catalog.bands().keys()
        return with_band(
            value, errors, lambda e: in_unit(symbol, self.assume(**e).values(symbol)[symbol])
        )

    def _computed(self, expression: Expr) -> Value:
        """Return the value of an expression, in the coherent unit of its dimension."""
        unit = coherent_unit(dimension_of(expression))
        names = expression.free_symbols
        return Value(number(expression, {name: self.values(name)[name] for name in names}), unit)

    def kind(self, target: str | Symbol) -> str:
        """Say what a number is.

        Parameters
        ----------
        target : str or Symbol
            A quantity.

        Returns
        -------
        str
            ``"derived"`` by formulas; ``"measured"``, or published, by the source that the
            catalog names; ``"fitted"`` on measured servers, or derived from what was;
            ``"assumed"`` by the reader, or by default.
        """
        symbol = lookup(target).symbol
        used = self.givens.keys() & self.formulas.order(symbol)
        if any(self.givens[s].label == "fitted" for s in used):
            return "fitted"
        if symbol in self.givens:
            return "assumed" if self.givens[symbol].source == "given" else "measured"
        return "derived" if symbol in self.formulas else "assumed"

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *REGISTRY]

    def derive(self, target: str | Symbol, keep: Iterable[str | Symbol] = ()) -> Expr:
        """Return the closed form of a target in the givens.

        Parameters
        ----------
        target : str or Symbol
            A quantity.
        keep : iterable of str or Symbol
            Quantities that stay symbols although formulas compute them.

        Returns
        -------
        Expr
            In coherent units (byte, FLOP, s, USD), with numbers for the switches of a
            shape, 0 or 1, and for assumed plain numbers, such as an efficiency of 1.

        Raises
        ------
        NoFormulaError
            If no formula computes the target.
        """
        symbol = lookup(target).symbol
        if symbol not in self.formulas:
            raise NoFormulaError(f"no formula computes {symbol} ({lookup(symbol).meaning}).")
        stops = frozenset(lookup(name).symbol for name in listed(keep))
        form = self.formulas.closed_form(symbol, stops)
        assumed = {
            name: given.value
            for name, given in self.givens.items()
            if lookup(name).domain is SWITCH
        }
        for name in form.free_symbols - self.givens.keys() - stops:
            default = lookup(name).default
            plain = default == 0 or parse_unit(lookup(name).unit)[0] == ()
            if default is not None and plain and name not in self.formulas:
                assumed[name] = coherent(name, default)
        return form.xreplace(assumed)

    def function(self, target: str | Symbol, *arguments: str) -> Callable[..., Any]:
        """Compile a target as a function of some of its quantities.

        Parameters
        ----------
        target : str or Symbol
            What the function returns, in its own unit.
        *arguments : str
            What the function takes, in this order, each in its own unit: numbers, or
            NumPy arrays whose shapes broadcast.

        Returns
        -------
        callable
            The function checks neither ranges nor whether anything fits.

        Raises
        ------
        MissingGivenError
            If another input of the target is not given.
        """
        symbol, names = lookup(target).symbol, tuple(lookup(name).symbol for name in arguments)

        def make() -> Callable[..., Any]:
            opened = self.assume(**{s.name: somewhere(s) for s in names})
            return compile_function(opened.formulas, opened.numbers, symbol, names)

        made: Callable[..., Any] = self._remember((symbol, names), make)
        return made

    def _remember(self, key: Any, make: Callable[[], Any]) -> Any:
        """Make the result for a key once, because a napkin never changes."""
        if key not in self._compiled:
            self._compiled[key] = make()
        return self._compiled[key]

    def __repr__(self) -> str:
        words = [f"{key}={choice.typed!r}" for key, choice in self.choices.items()]
        words += [f"{s}={given.shown(s)!r}" for s, given in self.typed.items()]
        lines = [f"{_wrap('Napkin(', words)})", *(f"  assuming {c}" for c in self.changes)]
        for label in dict.fromkeys(given.label for given in self.givens.values()):
            if label != "given":
                listing = [s for s, g in self.givens.items() if g.label == label]
                shown = [f"{s} = {self[s]}" for s in listing if lookup(s).domain is not SWITCH]
                lines.append(_wrap(f"  from {label}: ", shown))
        known = self.givens.keys() | self.formulas.packaged.keys()
        ideal = [q for q in REGISTRY.values() if q.ideal and q.symbol not in known]
        shown = [f"{q.name} = {in_unit(q.name, coherent(q.name, q.default))}" for q in ideal]
        lines += [_wrap("  assumed: ", shown)] if shown else []
        return "\n".join([*lines, *(f"  {said}" for said in unused(self.formulas, self.typed))])


def _wrap(lead: str, items: list[str]) -> str:
    """Join items with commas, in lines that a notebook shows without breaking them."""
    lines = [lead]
    for index, item in enumerate(items):
        piece = item + (", " if index < len(items) - 1 else "")
        if len(lines[-1]) + len(piece) > _WIDTH and lines[-1].strip():
            lines.append("    ")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _read(text: str) -> Change:
    """Read a formula, or the name of a bundle."""
    return parse(text) if "=" in text else get(text)


def _rebuild(
    choices: dict[str, Choice],
    changes: tuple[Change, ...],
    typed: dict[Symbol, Given],
    own: tuple[Quantity, ...],
) -> Napkin:
    for quantity in own:
        register(quantity)
    new = object.__new__(Napkin)
    new._fill(choices, changes, typed, {})
    return new


def expect_napkin(n: object, verb: str) -> None:
    """Raise a `NapkinError` for anything but a napkin, before it fails further down."""
    if not isinstance(n, Napkin):
        raise NapkinError(
            f"{verb} takes a napkin first, got {n!r:.60}. Make one, as in "
            "n = nk.Napkin(model='Qwen3-32B', accelerator='B200'), and "
            f"call nk.{verb}(n, ...)."
        )


def from_data(*calls: Mapping[str, Any]) -> Napkin:
    """Build a worksheet from data: calls, each with choices, variants and givens."""
    n = Napkin()
    for call in calls:
        choices = {key: call[key] for key in CHOICES if key in call}
        changes = [ALL[name] if name in ALL else get(name) for name in call.get("variants", ())]
        n = n.assume(*changes, **choices, **call.get("givens", {}))
    return n


def ask(target: str, *calls: Mapping[str, Any], unit: str = "") -> Value:
    """Return the value of an expression, given as text, in a worksheet built from data."""
    value = from_data(*calls)[parse_expression(target)]
    return value.to(unit) if unit else value
