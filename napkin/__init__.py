"""Napkin: what LLM inference costs, derived.

``import napkin as nk``, make a worksheet with `nk.Napkin`, and ask it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .quantities import notation

if TYPE_CHECKING:
    from . import catalog as catalog
    from . import formulas as formulas
    from . import lessons as lessons
    from . import views as views
    from .catalog import Accelerator as Accelerator
    from .catalog.model import Model as Model
    from .errors import NapkinError as NapkinError
    from .formulas import variants as variants
    from .formulas.agreement import agree as agree
    from .formulas.formula import Formula as Formula
    from .lessons import check as check
    from .lessons import quiz as quiz
    from .quantities.own import quantity as quantity
    from .quantities.value import Value as Value
    from .verbs.binding import binding as binding
    from .verbs.compare import compare as compare
    from .verbs.explain import explain as explain
    from .verbs.measure import measure as measure
    from .verbs.measured import measured as measured
    from .verbs.measured import measurement as measurement
    from .verbs.sensitivity import sensitivity as sensitivity
    from .verbs.solve import solve as solve
    from .verbs.sweep import sweep as sweep
    from .verbs.uncertainty import uncertainty as uncertainty
    from .views.explorer import explore as explore
    from .views.prose import say as say
    from .views.prose import show as show
    from .views.prose import symbols as symbols
    from .worksheet.napkin import Napkin as Napkin

__version__ = "0.1.0"

# Symbols are made at once; everything else loads when it is first asked for.
_LATER: Final = {
    "catalog": "catalog",
    "formulas": "formulas",
    "lessons": "lessons",
    "views": "views",
    "variants": "formulas.variants",
    "Accelerator": "catalog",
    "Model": "catalog.model",
    "NapkinError": "errors",
    "Formula": "formulas.formula",
    "agree": "formulas.agreement",
    "check": "lessons",
    "quiz": "lessons",
    "quantity": "quantities.own",
    "Value": "quantities.value",
    "binding": "verbs.binding",
    "compare": "verbs.compare",
    "explain": "verbs.explain",
    "measure": "verbs.measure",
    "measured": "verbs.measured",
    "measurement": "verbs.measured",
    "sensitivity": "verbs.sensitivity",
    "solve": "verbs.solve",
    "sweep": "verbs.sweep",
    "uncertainty": "verbs.uncertainty",
    "explore": "views.explorer",
    "say": "views.prose",
    "show": "views.prose",
    "symbols": "views.prose",
    "Napkin": "worksheet.napkin",
}

__all__ = [
    "notation",
    *_LATER,
]

# Readers write `from napkin.notation import batch`, as the book does.
sys.modules[f"{__name__}.notation"] = notation


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"napkin has no {name!r}")
    module = import_module(f".{_LATER[name]}", __name__)
    found = getattr(module, name, module)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
