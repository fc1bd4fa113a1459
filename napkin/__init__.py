"""Napkin: what LLM inference costs, derived.

Chapters write ``import napkin as nk`` and take symbols from `napkin.notation`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from . import catalog, formulas, notation, variants
from .binding import binding
from .catalog import Accelerator
from .catalog.model import Model
from .compare import compare
from .errors import NapkinError
from .explain import explain
from .formula import Formula, agree
from .own import quantity
from .sensitivity import sensitivity
from .solve import solve
from .sweep import sweep
from .uncertainty import uncertainty
from .value import Value
from .worksheet import Napkin

if TYPE_CHECKING:
    from .claims import claim
    from .lessons import check, quiz
    from .measurements import measured, measurement
    from .views.explorer import explore
    from .views.prose import say, show, symbols

__version__ = "0.1.0"

# What readers touch needs more than SymPy: it loads when it is first asked for.
_LATER: Final = {
    "show": ".views.prose",
    "explore": ".views.explorer",
    "say": ".views.prose",
    "symbols": ".views.prose",
    "check": ".lessons",
    "claim": ".claims",
    "measured": ".measurements",
    "measurement": ".measurements",
    "quiz": ".lessons",
    "views": ".views",
    "lessons": ".lessons",
}

__all__ = [
    "Accelerator",
    "Formula",
    "Model",
    "Napkin",
    "NapkinError",
    "Value",
    "agree",
    "binding",
    "catalog",
    "check",
    "claim",
    "compare",
    "explain",
    "explore",
    "formulas",
    "measured",
    "measurement",
    "notation",
    "quantity",
    "quiz",
    "say",
    "sensitivity",
    "show",
    "solve",
    "sweep",
    "symbols",
    "uncertainty",
    "variants",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"napkin has no {name!r}")
    module = import_module(_LATER[name], __name__)
    return module if _LATER[name] == f".{name}" else getattr(module, name)
