"""The explorer as a widget: the page computes; Python is asked when a formula changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from ..errors import NapkinError
from .exploration import Exploration

STATIC: Final = Path(__file__).with_name("static")


class Explorer(anywidget.AnyWidget):
    """Controls, a curve, and what decides; made by `napkin.views.explore`.

    Parameters
    ----------
    exploration : Exploration
        What is shown.
    """

    _esm = STATIC / "explorer.js"
    _css = STATIC / "explorer.css"
    spec = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    chosen: Any = traitlets.List().tag(sync=True)
    formula = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    kernel = traitlets.Bool(True).tag(sync=True)

    def __init__(self, exploration: Exploration) -> None:
        self._first = self.exploration = exploration
        super().__init__(spec=exploration.spec, **exploration.start)

    @traitlets.observe("formula")
    def _assume(self, change: dict[str, Any]) -> None:
        """Take a reader's formula, or say what is wrong with it and stay as it was."""
        text = change["new"].strip()
        first = self._first
        try:
            n = first.n.assume(text) if text else first.n
            other = Exploration(n, first.y, first.sliders, first.menus)
            self.spec, self.error = other.spec, ""
        except NapkinError as reason:
            self.error = str(reason)
        else:
            self.exploration = other

    def __repr__(self) -> str:
        return self.exploration.sentence()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        return {**data, "text/html": self.exploration.html(), "text/plain": repr(self)}, metadata
