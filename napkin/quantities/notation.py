"""Every symbol of the book, by theme: `model`, `server`, `traffic`, `money`.

Chapters import the symbols (``from napkin.notation import batch``) and do algebra with them: plain
SymPy symbols, positive. Their meanings are in `napkin.quantities.quantity.REGISTRY`.
"""

from .model import *
from .money import *
from .server import *
from .traffic import *
