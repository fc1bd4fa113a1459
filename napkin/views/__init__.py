"""What a reader touches: sentences, tables, figures, explorers."""

from ..table import Table
from .bar_chart import bars
from .context import answer_over_context, users_over_context
from .explorer import explore
from .figures import Figure
from .line_chart import curves
from .prose import article, results, say, show, symbols
from .tiles import tiles

__all__ = [
    "Figure",
    "Table",
    "answer_over_context",
    "article",
    "bars",
    "curves",
    "explore",
    "results",
    "say",
    "show",
    "symbols",
    "tiles",
    "users_over_context",
]
