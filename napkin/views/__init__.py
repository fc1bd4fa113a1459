"""What a reader touches: sentences, tables, figures, explorers."""

from ..table import Table
from .context import answer_over_context
from .figures import Figure, users_over_context
from .prose import article, results, say, show, symbols

__all__ = [
    "Figure",
    "Table",
    "answer_over_context",
    "article",
    "results",
    "say",
    "show",
    "symbols",
    "users_over_context",
]
