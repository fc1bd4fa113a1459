"""Widgets: the page computes; Python is asked when a formula or the axis changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets
from ipywidgets import VBox

from ..errors import NapkinError
from ..quantities.quantity import lookup
from ..verbs.sensitivity import Elasticity
from ..worksheet.napkin import Napkin
from .exploration import Exploration, exploration, stored
from .figures import Figure

STATIC: Final = Path(__file__).with_name("static")
_MODULES: Final = ("numbers", "chance", "program", "labels", "chart", "explorer")


def _joined() -> str:
    """Return the modules of an explorer as one: a notebook takes no more."""
    text = "\n".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in _MODULES)
    return re.sub(r'(?m)^(import|export) .* from "\./.*$|^export (?!default)', "", text)


class Explorer(anywidget.AnyWidget):
    """Controls, a curve, and what decides; made by `napkin.views.explore`."""

    _esm = _joined()
    _css = STATIC / "explorer.css"
    spec = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    chosen: Any = traitlets.List().tag(sync=True)
    formula = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    kernel = traitlets.Bool(True).tag(sync=True)

    def __init__(self, exploration: Exploration) -> None:
        self._first = self.exploration = exploration
        super().__init__(**exploration.state)

    @traitlets.observe("formula")
    def _assume(self, change: dict[str, Any]) -> None:
        """Take a reader's formula, or say what is wrong with it and stay as it was."""
        text = change["new"].strip()
        first = self._first
        try:
            n = first.n.assume(text) if text else first.n
            other = replace(first, n=n)
            self.spec, self.error = other.spec, ""
        except NapkinError as reason:
            self.error = str(reason)
        else:
            self.exploration = other

    def __repr__(self) -> str:
        return self.exploration.sentence()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_(**kwargs)
        return _stored(live, repr(self), self.exploration.html()), {}


class Bars(anywidget.AnyWidget):
    """Elasticities as bars that are buttons."""

    _esm = STATIC / "tornado.js"
    _css = STATIC / "explorer.css"
    rows: Any = traitlets.List().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)

    def __init__(self, rows: Sequence[Elasticity], label: str, caption: str) -> None:
        told = [
            {"name": row.name, "meaning": lookup(row.name).meaning, "elasticity": row.elasticity}
            for row in rows
        ]
        super().__init__(rows=told, label=label, caption=caption)


class Tornado(VBox):
    """Bars, and the explorer of the one that was pressed; made by `napkin.views.tornado`."""

    def __init__(
        self, n: Napkin, target: str, rows: Sequence[Elasticity], figure: Figure, title: str
    ) -> None:
        caption = f"{title}. Percent by which one percent more changes the result:"
        self._figure, self._bars = figure, Bars(rows, figure.alt, caption)
        super().__init__([self._bars])
        self._explored = partial(exploration, n, target, assume=None, controls={})

        def opened(change: dict[str, Any]) -> None:
            self.children = (self._bars, Explorer(self._explored(x=change["new"])))

        self._bars.observe(opened, "chosen")

    def __repr__(self) -> str:
        return repr(self._figure)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return _stored(super()._repr_mimebundle_(**kwargs), repr(self), self._html())

    def _html(self) -> str:
        """Return the form that needs no kernel: a picture, and what a page revives."""
        told = {name: getattr(self._bars, name) for name in ("rows", "label", "caption", "chosen")}
        made = {row["name"]: self._explored(x=row["name"]).state for row in self._bars.rows}
        return (
            f'<div class="nk-stored">{stored("tornado", told | {"explorers": made})}'
            f"{self._figure._repr_html_()}</div>"
        )


def _stored(shown: Any, text: str, html: str) -> dict[str, Any]:
    """Return what a notebook shows with a kernel, and what it keeps without one."""
    data = shown[0] if isinstance(shown, tuple) else shown or {}
    return {**data, "text/plain": text, "text/html": html}
