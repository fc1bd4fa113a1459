"""What an explorer shows, ready for a page: programs, numbers, menus, and a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from itertools import product
from typing import Any, Final

from sympy import Eq, Expr, Symbol

from ..errors import NapkinError
from ..formulas.formula import latex_of
from ..quantities.given import in_unit
from ..quantities.quantity import lookup
from ..quantities.units import scale_of
from ..verbs.binding import binding
from ..worksheet.assumptions import CHOICES
from ..worksheet.napkin import Napkin
from .as_code import as_code
from .program import Program, program, sides_in_words
from .sliders import Slider, is_share, slider

_MOST_CONTROLS: Final = 4
_MOST_CASES: Final = 64
_ROWS: Final = 5
_LONGEST_FORM: Final = 60  # operations
_WIDEST: Final = 65  # letters of a formula beside which a page has no room left
_TAG: Final = re.compile("<[^>]*>")
_SHOWN: Final = "shown"  # the menu of quantities, if there are several
_MENUS: Final = {"calibrated": "calibration"}  # what a menu is called, if not by its code name


@dataclass(frozen=True)
class Exploration:
    """What an explorer shows: a worksheet, what is computed, and what may change."""

    n: Napkin
    y: str
    sliders: tuple[Slider, ...]
    menus: Mapping[str, Mapping[str, Any]]
    lines: str = ""
    log: str | None = None

    def opened(self, options: Sequence[Any], **moved: float) -> Napkin:
        """Return the worksheet with options chosen and sliders moved."""
        n = self.n
        for menu, option in zip(self.menus, options, strict=True):
            chosen = self.menus[menu][option]
            if menu != _SHOWN:
                n = n.assume(**{menu: chosen}) if menu in CHOICES else n.assume(*chosen)
        places = {slider.name: slider.value for slider in self.sliders} | moved
        return n.assume(**{s.name: s.given(places[s.name]) for s in self.sliders})

    def target(self, options: Sequence[Any]) -> str:
        """Return the quantity that is computed with options chosen."""
        chosen = dict(zip(self.menus, options, strict=True)).get(_SHOWN)
        return self.menus[_SHOWN][chosen] if chosen else self.y

    @cached_property
    def spec(self) -> dict[str, Any]:
        """All that the page needs, as JSON takes it."""
        programs: list[dict[str, Any]] = []
        cases: dict[str, dict[str, Any]] = {}
        problems: list[NapkinError] = []
        moves = False
        for options in product(*self.menus.values()):
            key = " / ".join(options)
            try:
                made, constants, depends = self._case(options)
            except NapkinError as reason:
                problems.append(reason)
                cases[key] = {"error": str(reason)}
                continue
            moves |= depends
            if made not in programs:
                programs.append(made)
            ending = "{moved}"
            code = as_code(self.opened(options), [s.name for s in self.sliders], ending)
            cases[key] = {"program": programs.index(made), "given": constants, "code": code}
        if len(problems) == len(cases):
            raise problems[0]
        if not moves:
            raise NapkinError(
                f"{self.y} does not depend on {self.sliders[0].name} here: "
                "put another quantity on the axis."
            )
        return {
            "y": _told(self.y),
            "sliders": [
                _told(s.name)
                | {"low": s.low, "high": s.high, "unit": s.unit, "scale": s.scale}
                | {"log": s.log if place or self.log is None else "x" in self.log}
                | {"times": s.scale / float(scale_of(s.name)), "prefix": s.prefixed}
                for place, s in enumerate(self.sliders)
            ],
            "menus": [
                {"name": menu, "meaning": _MENUS.get(menu, menu.replace("_", " "))}
                | {"options": list(options)}
                for menu, options in self.menus.items()
            ],
            "lines": self.lines,
            "logy": None if self.log is None else "y" in self.log,
            "programs": programs,
            "cases": cases,
        }

    def _case(self, options: Sequence[Any]) -> tuple[dict[str, Any], dict[str, float], bool]:
        n, y = self.opened(options), self.target(options)
        target = lookup(y).symbol
        moved = [lookup(slider.name).symbol for slider in self.sliders]
        written = program(n, target, moved)
        case = {
            "code": written.code,
            "reasons": list(written.reasons),
            "graph": written.graph,
            "formula": _typeset(n, target, written),
        }
        if y != self.y:
            case["y"] = _told(y)
        return case, written.constants, moved[0].name in _used(written)

    def sentence(self) -> str:
        """Say where the explorer stands at first: value, and what decides it."""
        at = self.opened(self.start["chosen"])
        where = ", ".join(
            f"{s.name} {in_unit(s.name, at.givens[lookup(s.name).symbol].value)}"
            for s in self.sliders
        )
        try:
            value, limits = f"{self.y} is {at[self.y]}", _limits(at, self.y)
        except NapkinError as reason:
            return f"At {where}: {reason}"
        return f"At {where}: {value}" + (f" ({limits})." if limits else ".")

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield some points along the axis: where, value, and what decides it."""
        axis = self.sliders[0]
        for step in range(_ROWS):
            number = float(f"{axis.at(step / (_ROWS - 1)):.3g}")
            n = self.opened(self.start["chosen"], **{axis.name: number})
            try:
                told = f"{n[self.y]}", _limits(n, self.y)
            except NapkinError as reason:
                told = "no value", type(reason).__name__
            given = n.numbers[lookup(axis.name).symbol]  # it may be more than fits
            yield f"{in_unit(axis.name, given)}", *told

    def html(self) -> str:
        """Return the form that needs no kernel: a table, and what a page revives."""
        script = stored("explorer", self.state)
        heads = *(lookup(name).meaning for name in (self.sliders[0].name, self.y)), "decided by"
        head = "".join(f'<th scope="col">{escape(words)}</th>' for words in heads)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows()
        )
        return (
            f'<div class="nk-stored">{script}'
            f"<table><caption>{escape(self.sentence())}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    @property
    def state(self) -> dict[str, Any]:
        """What an explorer begins with."""
        return {"spec": self.spec, **self.start}

    @property
    def start(self) -> dict[str, Any]:
        """Where the controls stand at first."""
        return {
            "values": {slider.name: slider.value for slider in self.sliders},
            "chosen": [next(iter(menu)) for menu in self.menus.values()],
        }


def exploration(
    n: Napkin,
    y: str | Sequence[str],
    x: str,
    assume: Mapping[str, Any] | None,
    controls: Mapping[str, Any],
    lines: str = "",
    log: str | None = None,
) -> Exploration:
    """Read what `explore` is given."""
    sliders = {x: slider(n, x, controls.get(x))}
    menus: dict[str, dict[str, Any]] = {}
    shown = [lookup(name) for name in ([y] if isinstance(y, str) else y)]
    if len(shown) > 1:
        lines, menus[_SHOWN] = _SHOWN, {each.meaning: each.name for each in shown}
    for name, given in controls.items():
        if name in CHOICES:
            if not isinstance(given, list | tuple) or not given:
                raise NapkinError(f"{name} needs a list of options, got {given!r:.60}.")
            menus[name] = {_option(option): option for option in given}
        elif name != x:
            sliders[name] = slider(n, name, given)
    if assume:
        if not isinstance(assume, Mapping):
            raise NapkinError(
                "assume needs words for each option, as in "
                f'assume={{"caches kept": nk.variants.idle_resident}}, got {assume!r:.60}.'
            )
        menus["assumption"] = {
            words: change if isinstance(change, list | tuple) else [change]
            for words, change in assume.items()
        }
    if lines and lines not in menus:
        raise NapkinError(
            f"lines needs one of {', '.join(menus) or 'the menus'}, got {lines!r:.60}."
        )
    count, cases = len(sliders) + len(menus), 1
    for options in menus.values():
        cases *= len(options)
    if count > _MOST_CONTROLS or cases > _MOST_CASES:
        raise NapkinError(
            f"an explorer has at most {_MOST_CONTROLS} controls and {_MOST_CASES} combinations "
            f"of options, got {count} and {cases}: leave some out."
        )
    return Exploration(n, shown[0].name, tuple(sliders.values()), menus, lines, log)


def _option(given: Any) -> str:
    """Return what a menu says of an option; the one choice of yes or no is `calibrated`."""
    if isinstance(given, bool):
        return "calibrated" if given else "ideal"
    return str(given)


def stored(kind: str, data: Mapping[str, Any]) -> str:
    """Return what a page without a kernel revives."""
    text = json.dumps(data).replace("</", "<\\/")
    return f'<script type="application/json" data-{kind}>{text}</script>'


def _limits(n: Napkin, y: str) -> str:
    return sides_in_words(binding(n, y).limits)


def _told(name: str) -> dict[str, Any]:
    """Return what a page says of a quantity."""
    quantity = lookup(name)
    return {
        "name": quantity.name,
        "meaning": quantity.meaning,
        "unit": "%" if is_share(name) else quantity.unit,
        "scale": float(scale_of(name)),
        "whole": quantity.domain.integer,
    }


def _used(written: Program) -> set[str]:
    needs = [node["needs"] for node in written.graph.values()]
    return {
        name
        for need in needs
        for part in need
        for name in ([part] if isinstance(part, str) else part)
    }


def _typeset(n: Napkin, target: Symbol, written: Program) -> str:
    """Return the longest form that fits, or else the formula of the target, as MathML."""
    from latex2mathml.converter import convert

    text = ""
    for form in _forms(n, target, written):
        text = convert(latex_of(Eq(target, form, evaluate=False)), display="block")
        if len(unescape(_TAG.sub("", text))) <= _WIDEST:
            break
    return text


def _forms(n: Napkin, target: Symbol, written: Program) -> Iterator[Expr]:
    """Yield the closed form in what moves and what does not, and then shorter ones."""
    # What nobody gave and no formula computes is assumed: derive puts its number in.
    kept = [name for name in written.kept if name in n.formulas]
    if _length(n, target, written.graph, {}) <= 20 * _LONGEST_FORM:  # else it would take minutes
        form: Expr = n.derive(target, keep=kept)
        if form.count_ops() <= _LONGEST_FORM:
            yield form
    yield n.derive(target, keep=[name for name in written.graph if name != target.name])
    yield n.derive(target, keep=n.formulas[target].expression.free_symbols)


def _length(n: Napkin, symbol: Symbol, graph: Mapping[str, Any], known: dict[Symbol, int]) -> int:
    """Return how long a closed form would be, without making it."""
    if symbol not in known:
        form = n.formulas[symbol].expression
        inner = (s for s in form.free_symbols if s.name in graph and s in n.formulas)
        known[symbol] = int(form.count_ops()) + sum(
            form.count(s) * _length(n, s, graph, known) for s in inner
        )
    return known[symbol]
