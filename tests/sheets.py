"""The worksheet that most tests start from: Qwen3-32B on a B200."""

from typing import Final

import napkin as nk

QWEN: Final = nk.Napkin(
    model="Qwen3-32B",
    accelerator="B200",
    precision="fp8",
    kv_precision="fp8",
    context=20_000,
    duty_cycle=0.2,
    price="4 USD/hour",
)
