# SPDX-License-Identifier: Apache-2.0
"""The button that lets timelines run, in a module of its own: it needs a library of widgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from napkin.views.figures import Figure

STATIC: Final = Path(__file__).with_name("static")


class Running(anywidget.AnyWidget):
    """Timelines with a button that lets them run; made by `running`.

    Parameters
    ----------
    figure : Figure
        What is drawn where no page computes.
    spec : dict
        The same run as numbers, with times in s.
    """

    _esm = STATIC / "running.js"
    _css = STATIC / "running.css"
    spec = traitlets.Dict().tag(sync=True)

    def __init__(self, figure: Figure, spec: dict[str, Any]) -> None:
        self._figure = figure
        super().__init__(spec=spec)

    def __repr__(self) -> str:
        return repr(self._figure)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown: Any = super()._repr_mimebundle_(**kwargs) or {}
        told = json.dumps({"spec": self.spec}).replace("</", "<\\/")
        stored = f'<script type="application/json" data-running>{told}</script>'
        html = f'<div class="nk-stored">{stored}{self._figure._repr_html_()}</div>'
        data = shown[0] if isinstance(shown, tuple) else shown
        return {**data, "text/plain": repr(self), "text/html": html}, {}
