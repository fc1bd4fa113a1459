"""What a reader touches: sentences, tables, figures, explorers."""

from ..quantities.table import Table
from .bar_chart import bars
from .context import users_over_context
from .explorer import explore
from .figures import Figure
from .line_chart import curves
from .prose import results, say, show, symbols
from .tiles import tiles
from .tornado import tornado

__all__ = [
    "Figure",
    "Table",
    "bars",
    "curves",
    "explore",
    "results",
    "say",
    "show",
    "symbols",
    "tiles",
    "tornado",
    "users_over_context",
]
