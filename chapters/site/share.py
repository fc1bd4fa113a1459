# SPDX-License-Identifier: Apache-2.0
"""The picture of a shared link: the memory of a GPU, to scale, and the book's question."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import napkin as nk

INK, PAPER, IDLE = "#1a1a1a", "#fdfdfb", "#e4e4e0"
WEIGHTS, CACHE = "#0072B2", "#E69F00"


def draw_share(path: Path) -> None:
    """Draw weights and caches in the memory of the first page's GPU, 1200 by 630 pixels."""
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", kv_precision="fp8")
    n = n.assume(usable_memory=0.9, context=20_000)
    usable = float(n.usable_memory * n.memory)
    caches = int(float(n.concurrent_sequences))
    weights = float(n.weight_bytes) / usable
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1200), ylim=(0, 630))
    axes.axis("off")
    axes.text(80, 505, "Napkin", fontsize=54, weight="bold", color=INK)
    axes.text(80, 440, "How many users can one GPU serve?", fontsize=29, color=INK)
    axes.text(
        80,
        60,
        "What LLM inference costs, derived. A free textbook that runs.",
        fontsize=22,
        color=INK,
    )
    left, bottom, width, height, rows = 80, 130, 1040, 260, 5
    edge = left + width * weights
    axes.add_patch(Rectangle((left, bottom), width * weights - 6, height - 6, color=WEIGHTS))
    columns = -(-caches // rows)
    step, tall = (left + width - edge) / columns, height / rows
    for place in range(caches):
        column, row = divmod(place, rows)
        corner = (edge + column * step, bottom + height - (row + 1) * tall)
        color = CACHE if place in (3, 31) else IDLE  # two users wait for a token
        axes.add_patch(Rectangle(corner, step - 6, tall - 6, color=color))
    figure.savefig(path)
