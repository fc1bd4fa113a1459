# SPDX-License-Identifier: Apache-2.0
"""The first page: the memory of a GPU that fills and empties while two assumptions move."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from napkin import catalog
from napkin.formulas import variants
from napkin.quantities import notation as q
from napkin.views.figures import Figure
from napkin.views.program import program
from napkin.views.widget import STATIC as VIEWS
from napkin.worksheet.napkin import Napkin, expect_napkin

from .tour import memory_map

STATIC: Final = Path(__file__).with_name("static")
_TENS: Final = (10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 45, 50, 60, 70)
_CONTEXTS: Final = [power * ten for power in (100, 1000) for ten in (*_TENS, 80, 90)]
_PAUSES: Final = (5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120, 180, 240, 300, 420, 600)
_IDLE: Final = {
    "resident": (variants.idle_resident, "stay on the GPU"),
    "offloaded": (variants.idle_offloaded, "move to host memory"),
}
_MOVED: Final = (q.context, q.prompt, q.think_time)
_ERRORS: Final = (q.tpot_error, q.ttft_error)
_SHOWN: Final = (q.usual_active, q.cost_per_user_month, q.whole_sequences)


class Memory(anywidget.AnyWidget):
    """The memory of a GPU with two sliders and a choice; made by `memory`.

    Parameters
    ----------
    figure : Figure
        What is drawn where no page computes.
    spec : dict
        Programs, numbers and words for the page.
    opened : dict
        The three numbers that it opens with, each by what it is called.
    """

    _esm = STATIC / "memory-map.js"
    _css = STATIC / "memory-map.css"
    spec = traitlets.Dict().tag(sync=True)
    kernel = traitlets.Bool(True).tag(sync=True)

    def __init__(self, figure: Figure, spec: dict[str, Any], opened: dict[str, str]) -> None:
        self._figure, self._opened = figure, opened
        super().__init__(spec=spec)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{number} {name}" for name, number in self._opened.items())
        return f"{numbers}. {self._figure!r}"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown: Any = super()._repr_mimebundle_(**kwargs) or {}
        told = json.dumps({"spec": self.spec}).replace("</", "<\\/")
        stored = f'<script type="application/json" data-memory-map>{told}</script>'
        numbers = "".join(
            f"<div><strong>{number}</strong> <b>{escape(name)}</b></div>"
            for name, number in self._opened.items()
        )
        caption = f'<p class="nk-caption">{escape(self.spec["caption"])}</p>'
        still = f'{caption}<div class="nk-big">{numbers}</div>{self._figure._repr_html_()}'
        html = f'<div class="nk-stored">{stored}<div class="nk-map">{still}</div></div>'
        data = shown[0] if isinstance(shown, tuple) else shown
        return {**data, "text/plain": repr(self), "text/html": html}, {}


def memory(n: Napkin) -> Memory:
    """Draw the memory of a GPU, with sliders for the context and for the pause of a user.

    Parameters
    ----------
    n : Napkin
        A server with prompts as long as the context, a think time, a price, and a host.

    Returns
    -------
    Memory
        A widget that computes the worksheet's own formulas; where no page computes, a drawing.
    """
    expect_napkin(n, "memory")
    still = n.assume(variants.idle_resident)
    opened = still.assume(users=int(still.users.number))
    context, pause = int(n.context.number), int(n.think_time.number)
    contexts = {*_CONTEXTS, 100_000, 110_000, 120_000, context}
    spec = {
        "helpers": _helpers(),
        "start": {"context": context, "think_time": pause, "idle": next(iter(_IDLE))},
        "stops": {"context": sorted(contexts), "think_time": sorted({*_PAUSES, pause})},
        "moves": {"context": [q.context.name, q.prompt.name], "think_time": [q.think_time.name]},
        "idle": {
            name: {"label": label, "bound": _stages(n.assume(bundle), ())}
            | {"predicted": _stages(n.assume(bundle, calibrated=True), _ERRORS)}
            for name, (bundle, label) in _IDLE.items()
        },
        "bands": {name.name: catalog.bands()[name.name] for name in _ERRORS},
        "memory": float(n.memory),
        "weights": float(n.weight_bytes),
        "caches": float(n.kv_budget),
        "host": float(n.host_memory),
        "gpu": n.choices["accelerator"].typed,
        "caption": f"{n.choices['model'].typed} on one {n.choices['accelerator'].typed} "
        f"at USD {float(n.price):.3g} an hour, as fast as its data sheet allows",
    }
    speed, cost = 1 / float(opened.usual_tpot), float(opened.cost_per_user_month)
    numbers = {
        "users": f"{opened.users.number}",
        "tokens/s each": f"{speed:.0f}",
        "USD/month each": f"{cost:.1f}",
    }
    return Memory(memory_map(still), spec, numbers)


def _stages(n: Napkin, errors: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Return what computes the users, and what computes the rest for whole users."""
    given = n.assume(users=int(n.users.number))
    first = program(n, q.users, [*_MOVED, *errors])
    rest = [program(given, target, [*_MOVED, q.users, *errors]) for target in _SHOWN]
    return list(_told([first, *rest]))


def _told(programs: list[Any]) -> Iterator[dict[str, Any]]:
    for made in programs:
        sides = made.graph.get(q.users.name, {}).get("sides", [])
        yield {"code": made.code, "reasons": made.reasons, "given": made.constants, "sides": sides}


def _helpers() -> str:
    """Return the function that programs call, as the explorers have it."""
    text = (VIEWS / "program.js").read_text(encoding="utf-8")
    found = re.search(r"^export (function largest\(f\) \{.*?^\})$", text, re.DOTALL | re.MULTILINE)
    assert found, "program.js has no function largest"
    return found[1]
