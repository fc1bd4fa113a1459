"""Expressions as a short list of NumPy's functions, which use their arrays again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial, reduce
from typing import Any, Final

import sympy
from sympy import Add, Basic, Mul, Symbol

from ..formulas.probability import FUNCTIONS
from ..formulas.roots import largest_of_arrays

Step = tuple[Any, tuple[int, ...], int]  # a function, the places it reads, the place it fills
_COMMUTES: Final = {Mul: "multiply", Add: "add", sympy.Min: "minimum", sympy.Max: "maximum"}
_TESTS: Final = {
    **{sympy.And: "logical_and", sympy.Lt: "less", sympy.Le: "less_equal"},
    **{sympy.Gt: "greater", sympy.Ge: "greater_equal"},
}


class Steps:
    """Expressions, compiled to steps that compute each shared part once.

    A step applies a function to places of earlier results. A result that is no longer needed
    leaves its array to a later one of the same shape, so a block stays in the cache of a core.
    """

    def __init__(
        self,
        outputs: Iterable[Basic],
        nodes: Mapping[Symbol, Basic],
        inputs: Sequence[Symbol],
        axes: int,
    ) -> None:
        self._nodes, self._inputs = nodes, len(inputs)
        self._places: dict[Any, int] = {symbol: place for place, symbol in enumerate(inputs)}
        # The inputs that each place varies with; constants come after the axes.
        self._axes = [frozenset({i} if i < axes else ()) for i in range(len(inputs))]
        self._steps: list[Step] = []
        self._outputs = [self._place(part) for part in outputs]
        self._once = [step for step in self._steps if not self._axes[step[2]]]
        self._each = self._sharing([step for step in self._steps if self._axes[step[2]]])
        self._whole = {place for _, _, place in self._each if len(self._axes[place]) == axes}

    def start(self, constants: Sequence[Any]) -> list[Any]:
        """Return places for blocks of one shape, with what does not vary along the axes."""
        found: list[Any] = [None] * len(self._axes)
        found[self._inputs - len(constants) : self._inputs] = constants
        for function, sources, place in self._once:
            found[place] = function(*[found[source] for source in sources], out=None)
        return found

    def fill(self, found: list[Any], arrays: Sequence[Any], outs: Sequence[Any]) -> None:
        """Compute a block of each output in the places that the block before has left."""
        found[: len(arrays)] = arrays
        for place, out in zip(self._outputs, outs, strict=True):
            if place in self._whole:
                found[place] = out
        for function, sources, place in self._each:
            if len(sources) == 2:  # most of them, and a list takes its time
                one, two = sources
                found[place] = function(found[one], found[two], out=found[place])
            else:
                found[place] = function(*[found[source] for source in sources], out=found[place])
        for place, out in zip(self._outputs, outs, strict=True):
            if found[place] is not out:
                out[...] = found[place]

    def _place(self, part: Basic) -> int:
        """Return the place of an expression, after the steps that compute it."""
        if part not in self._places:
            self._places[part] = self._placed(part)
        return self._places[part]

    def _placed(self, part: Any) -> int:
        import numpy as np

        if part in self._nodes:
            return self._place(self._nodes[part])
        kind, under = type(part), dict[Any, Any]()
        if kind is Mul or (part.is_Pow and part.exp.is_negative):
            kind = Mul
            under = {f: 1 / f for f in Mul.make_args(part) if f.is_Pow and f.exp.is_negative}
        if kind is Add:
            under = {term: -term for term in part.args if term.as_coeff_Mul()[0] == -1}
        if under:
            over = [arg for arg in kind.make_args(part) if arg not in under] or [kind.identity]
            inverse = np.divide if kind is Mul else np.subtract
            return self._step(inverse, self._chain(kind, over), self._chain(kind, under.values()))
        if kind in _COMMUTES or kind in _TESTS:
            return self._chain(kind, part.args)
        if part.is_Number:
            return self._step(lambda out: np.asarray(float(part)))
        names = sorted(part.free_symbols, key=str)
        vectorized = {name: np.vectorize(call) for name, call in FUNCTIONS.items()}
        modules = [vectorized, {"largest": largest_of_arrays}, "numpy"]
        call = sympy.lambdify(names, part, modules=modules)
        return self._step(lambda *args, out: call(*args), *map(self._place, names))

    def _chain(self, kind: Any, parts: Iterable[Basic]) -> int:
        """Apply a function of two to many, first to those that vary along the fewest axes."""
        import numpy as np

        places = [self._place(part) for part in parts]
        if kind in _COMMUTES or kind is sympy.And:
            places.sort(key=lambda place: (len(self._axes[place]), sorted(self._axes[place])))
        function = getattr(np, (_COMMUTES | _TESTS)[kind])
        fixed = [place for place in places if not self._axes[place]]
        if kind is sympy.And and 0 < len(fixed) < len(places):
            # NumPy joins an array and a constant ten times as slowly as it compares them.
            fails = self._step(np.logical_not, reduce(partial(self._step, function), fixed))
            moving = reduce(partial(self._step, function), places[len(fixed) :])
            return self._step(np.greater, moving, fails)
        return reduce(partial(self._step, function), places)

    def _step(self, function: Any, *sources: int) -> int:
        self._axes.append(frozenset[int]().union(*(self._axes[source] for source in sources)))
        self._steps.append((function, sources, len(self._axes) - 1))
        return len(self._axes) - 1

    def _sharing(self, steps: list[Step]) -> list[Step]:
        """Move each result to the place of an earlier one that no later step needs."""
        last = {s: index for index, (_, sources, _) in enumerate(steps) for s in sources}
        free: dict[Any, list[int]] = defaultdict(list)
        now = list(range(len(self._axes)))
        kinds: dict[int, Any] = {}  # of the arrays that NumPy fills
        moved: list[Step] = []
        for index, (function, sources, place) in enumerate(steps):
            for source in {*sources} & kinds.keys() - {*self._outputs}:
                if last[source] == index:
                    free[kinds[source]].append(now[source])
            if function.__name__ != "<lambda>":
                kinds[place] = self._axes[place], function.__name__ in _TESTS.values()
                if place not in self._outputs and free[kinds[place]]:
                    now[place] = free[kinds[place]].pop()
            moved.append((function, tuple(now[source] for source in sources), now[place]))
        return moved
