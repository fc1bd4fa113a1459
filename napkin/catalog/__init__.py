"""Facts with a source and a date, read from data files."""

from .chips import Accelerator, accelerator, read
from .data import BYTES, scenario, table, width
from .model import Model
from .tables import (
    Price,
    accelerators,
    api_price,
    api_prices,
    models,
    price,
    prices,
    scenarios,
    traffic,
)

__all__ = [
    "BYTES",
    "Accelerator",
    "Model",
    "Price",
    "accelerator",
    "accelerators",
    "api_price",
    "api_prices",
    "models",
    "price",
    "prices",
    "read",
    "scenario",
    "scenarios",
    "table",
    "traffic",
    "width",
]
