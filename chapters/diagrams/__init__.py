# SPDX-License-Identifier: Apache-2.0
"""Diagrams to scale, a module for each chapter: what a thing is, drawn from a worksheet."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

__all__ = [module.name for module in iter_modules(__path__) if module.name[0] != "_"]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"diagrams has no {name!r}; it has {', '.join(__all__)}")
    return import_module(f".{name}", __package__)


def __dir__() -> list[str]:
    return __all__
