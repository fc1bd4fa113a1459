"""What a reader touches: sentences, tables, figures, explorers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..quantities.table import Table

if TYPE_CHECKING:
    from .bar_chart import bars as bars
    from .context import users_over_context as users_over_context
    from .explorer import explore as explore
    from .figures import Figure as Figure
    from .line_chart import curves as curves
    from .prose import results as results
    from .prose import say as say
    from .prose import show as show
    from .prose import symbols as symbols
    from .tornado_chart import tornado as tornado

# Words need neither arrays nor pictures: each name loads when it is first asked for.
_LATER: Final = {
    "Figure": "figures",
    "bars": "bar_chart",
    "curves": "line_chart",
    "explore": "explorer",
    "results": "prose",
    "say": "prose",
    "show": "prose",
    "symbols": "prose",
    "tornado": "tornado_chart",
    "users_over_context": "context",
}

__all__ = [
    "Table",
    *_LATER,
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"napkin.views has no {name!r}")
    found = getattr(import_module(f".{_LATER[name]}", __package__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
