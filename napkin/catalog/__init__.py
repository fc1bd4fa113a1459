"""Facts with a source and a date, read from data files."""

from .calibration import bands, calibration, fitted
from .chips import Accelerator, accelerator, products, read
from .data import BYTES, SCALED, engine, scenario, table, width
from .model import Model
from .tables import (
    Price,
    accelerators,
    api_price,
    api_prices,
    engines,
    models,
    price,
    prices,
    scenarios,
    traffic,
)
from .timings import timings

__all__ = [
    "BYTES",
    "SCALED",
    "Accelerator",
    "Model",
    "Price",
    "accelerator",
    "accelerators",
    "api_price",
    "api_prices",
    "bands",
    "calibration",
    "engine",
    "engines",
    "fitted",
    "models",
    "price",
    "prices",
    "products",
    "read",
    "scenario",
    "scenarios",
    "table",
    "timings",
    "traffic",
    "width",
]
