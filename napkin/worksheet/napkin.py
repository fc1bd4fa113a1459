"""The napkin: formulas and givens, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sympy import Expr, Symbol

from ..catalog import Accelerator
from ..catalog.model import Model
from ..errors import NapkinError, NoFormulaError
from ..formulas.formula import Formula
from ..formulas.graph import closed_form, number
from ..formulas.variants import BUNDLES, Bundle
from ..quantities.dimensions import check_equation, dimension_of
from ..quantities.own import register, used
from ..quantities.quantity import REGISTRY, SWITCH, Quantity, lookup
from ..quantities.units import coherent_unit, parse_unit
from ..quantities.value import Value, coherent, in_unit, somewhere
from .assumptions import applied, superseded
from .choices import CHOICES, Choice, Given, resolved
from .compilation import compiled
from .evaluation import check_room, evaluate
from .parse import parse
from .summary import summary


class Napkin:
    """A worksheet: what is given, which formulas hold, and any quantity on request.

    Parameters
    ----------
    model : str, Path, dict or Model, optional
        A catalog name, a ``config.json``, or a model.
    accelerator : str or Accelerator, optional
        A catalog name, or a spec sheet.
    precision : str, optional
        Sets the three widths and the peak, for example ``"fp8"``.
    scenario : str, optional
        Givens of somebody else, for example ``"article"``.
    **givens
        Values by code name: numbers in the quantity's own unit, or text with a unit.

    Notes
    -----
    A napkin never changes: `assume` returns another one. The last word wins: a formula
    that is assumed replaces the value given for its target, and a value the formula; a
    model, accelerator, precision or scenario that is named later replaces what was given
    before for the quantities that it brings.

    Examples
    --------
    >>> n = Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=20_000)
    >>> n.concurrent_sequences
    56.2 sequences
    >>> n.assume(context=40_000)["concurrent_sequences"]
    28.1 sequences
    """

    _choices: dict[str, Choice]
    _steps: tuple[Any, ...]
    formulas: Mapping[Symbol, Formula]
    givens: Mapping[Symbol, Given]
    _values: dict[Symbol, dict[Symbol, Expr]]

    def __init__(
        self,
        *,
        model: str | Path | Mapping[str, Any] | Model | None = None,
        accelerator: str | Accelerator | None = None,
        precision: str | None = None,
        scenario: str | None = None,
        **givens: Any,
    ) -> None:
        choices = (scenario, model, accelerator, precision)
        self._fill({}, (), dict(zip(CHOICES, choices, strict=True)) | givens)

    def _fill(
        self, choices: dict[str, Choice], steps: tuple[Any, ...], new: dict[str, Any]
    ) -> None:
        chosen = resolved({k: v for k, v in new.items() if k in CHOICES and v is not None})
        choices, steps = superseded(choices, steps, chosen)
        typed = tuple(
            (lookup(name).symbol, Given(coherent(name, value)))
            for name, value in new.items()
            if name not in CHOICES
        )
        put = object.__setattr__
        put(self, "_choices", choices | chosen)
        put(self, "_steps", (*steps, *typed))
        formulas, givens = applied(self._choices, self._steps)
        put(self, "formulas", MappingProxyType(formulas))
        put(self, "givens", MappingProxyType(givens))
        put(self, "_values", {})

    def __setattr__(self, name: str, value: object) -> None:
        raise NapkinError(f"a napkin never changes: use assume({name}=...) to get another one.")

    def __reduce__(self) -> tuple[Any, ...]:
        names = {symbol.name for symbol in self.givens}
        for formula in self.formulas.values():
            names |= {symbol.name for symbol in (formula.target, *formula.symbols)}
        return _rebuild, (self._choices, self._steps, used(names))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Napkin):
            return NotImplemented
        return self.formulas == other.formulas and self.givens == other.givens

    def __hash__(self) -> int:
        return hash((frozenset(self.formulas.items()), frozenset(self.givens.items())))

    def assume(self, *changes: Formula | Bundle | str, **givens: Any) -> Napkin:
        """Return another napkin, with other formulas or givens.

        Parameters
        ----------
        *changes : Formula, Bundle or str
            What shall hold instead: a formula, a bundle of `napkin.variants` or its name,
            or a formula as text, ``"target = expression"``; see `napkin.parse.parse`.
        **givens
            As in ``Napkin(...)``: values, or another model, accelerator or precision.

        Returns
        -------
        Napkin
            A new one: this one stays as it is.

        Raises
        ------
        FormulaSyntaxError
            If a text is no formula, with the place.
        UnitError
            If a formula's sides differ in unit.
        """
        read = tuple(_read(change) if isinstance(change, str) else change for change in changes)
        for change in read:
            if not isinstance(change, Formula | Bundle):
                raise NapkinError(
                    "assume takes formulas, also as text, bundles of napkin.variants and "
                    f"name=value, got {change!r:.80}."
                )
            for formula in (change,) if isinstance(change, Formula) else change.formulas:
                check_equation(formula.target, formula.expression)
        new = object.__new__(Napkin)
        new._fill(self._choices, (*self._steps, *read), givens)
        return new

    def values(self, target: str | Symbol) -> dict[Symbol, Expr]:
        """Return the numbers of a target and of all that it needs.

        Parameters
        ----------
        target : str or Symbol
            A quantity.

        Returns
        -------
        dict of Symbol to Expr
            In coherent units, each after what it needs.

        Raises
        ------
        NapkinError
            As `napkin.evaluation.evaluate` does.
        """
        symbol = lookup(target).symbol
        if symbol not in self._values:
            given = {name: given.value for name, given in self.givens.items()}
            self._values[symbol] = evaluate(self.formulas, given, symbol)
            check_room(self.formulas, given, self._values[symbol])
        return self._values[symbol]

    def __getitem__(self, target: str | Expr) -> Value:
        if isinstance(target, Expr) and not isinstance(target, Symbol):
            return self._computed(target)
        symbol = lookup(target).symbol
        return in_unit(symbol, self.values(symbol)[symbol])

    def _computed(self, expression: Expr) -> Value:
        """Return the value of an expression, in the coherent unit of its dimension."""
        unit = coherent_unit(dimension_of(expression))
        names = expression.free_symbols
        return Value(number(expression, {name: self.values(name)[name] for name in names}), unit)

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
            Quantities at which to stop although formulas compute them.

        Returns
        -------
        Expr
            In coherent units (byte, FLOP, s, USD). Put in are the switches of a shape,
            0 or 1, and plain numbers that are assumed, such as an efficiency of 1.

        Raises
        ------
        NoFormulaError
            If no formula computes the target.
        """
        symbol = lookup(target).symbol
        if symbol not in self.formulas:
            raise NoFormulaError(f"no formula computes {symbol} ({lookup(symbol).meaning}).")
        stops = frozenset(lookup(name).symbol for name in keep)
        switches = frozenset(
            (name, given.value)
            for name, given in self.givens.items()
            if lookup(name).domain is SWITCH
        )
        formulas = frozenset(self.formulas.items())
        return _derived(formulas, frozenset(self.givens), switches, symbol, stops)

    def function(self, target: str | Symbol, *arguments: str) -> Callable[..., Any]:
        """Compile a target as a function of some of its quantities.

        Parameters
        ----------
        target : str or Symbol
            What the function returns, in its own unit.
        *arguments : str
            What it takes, in this order, each in its own unit: numbers or NumPy arrays
            of shapes that broadcast.

        Returns
        -------
        callable
            It computes without checking domains or whether things fit.

        Raises
        ------
        MissingGivenError
            If something else that the target needs is not given.
        """
        opened = self.assume(**{str(name): somewhere(lookup(name).domain) for name in arguments})
        given = {name: value.value for name, value in opened.givens.items()}
        names = tuple(lookup(name).symbol for name in arguments)
        return compiled(opened.formulas, given, lookup(target).symbol, names)

    def __repr__(self) -> str:
        return summary(self._choices, self._steps, self.formulas, self.givens)


def _read(text: str) -> Formula | Bundle:
    """Read a formula, or the name of a bundle."""
    return BUNDLES[text] if text in BUNDLES else parse(text)


def _rebuild(
    choices: dict[str, Choice], steps: tuple[Any, ...], own: tuple[Quantity, ...]
) -> Napkin:
    for quantity in own:
        register(quantity)
    new = object.__new__(Napkin)
    new._fill(choices, steps, {})
    return new


@lru_cache(maxsize=512)
def _derived(
    formulas: frozenset[tuple[Symbol, Formula]],
    givens: frozenset[Symbol],
    switches: frozenset[tuple[Symbol, Expr]],
    target: Symbol,
    keep: frozenset[Symbol],
) -> Expr:
    form = closed_form(dict(formulas), givens, target, keep)
    assumed = dict(switches)
    for symbol in form.free_symbols - givens - keep:
        default = REGISTRY[symbol.name].default
        plain = default is not None and (default == 0 or parse_unit(lookup(symbol).unit)[0] == ())
        if plain and symbol not in dict(formulas):
            assumed[symbol] = coherent(symbol, default)
    return form.xreplace(assumed)
