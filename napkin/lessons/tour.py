"""Exercises of the tour, with their answers computed."""

from __future__ import annotations

from typing import Any, Final

from .. import variants
from ..solve import solve
from ..value import Value
from ..worksheet import Napkin
from .checks import Exercise, Slip


def _llama() -> Napkin:
    return Napkin(model="Llama-3-70B", precision="bf16")


def _h200(**changes: Any) -> Napkin:
    n = Napkin(model="Qwen3-32B", accelerator="H200", precision="fp8", context=40_000)
    return n.assume(**changes)


def _context(users: int, **changes: Any) -> Value:
    """Return the context at which so many users fit on the tour's GPU."""
    n = Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8").assume(**changes)
    return solve(n, "context", concurrent_sequences=users)[0].value


EXERCISES: Final = {
    "0.1": Exercise(
        lambda: _llama().kv_bytes_per_token,
        "Keys and values, for every layer and KV head, two bytes an element.",
        "Which of the two head counts is stored, and how many vectors does a head keep?",
        (
            Slip(
                lambda: _llama().assume(variants.mha).kv_bytes_per_token,
                "That counts query heads. The cache holds KV heads.",
            ),
            Slip(
                lambda: Value(_llama().kv_bytes_per_token.number / 2, "byte/token"),
                "A factor of two is missing: a key and a value, and two bytes for each element.",
            ),
            Slip(
                lambda: _llama().assume(n_layers=1).kv_bytes_per_token,
                "That is one layer. Every layer has a cache of its own.",
            ),
        ),
    ),
    "0.2": Exercise(
        lambda: _h200().concurrent_sequences,
        "The weights come off the memory first, what is left is shared by the caches.",
        "What else has to be in memory beside the caches?",
        also=(lambda: _h200().whole_sequences,),
        slips=(
            Slip(
                lambda: _h200(n_params=1).concurrent_sequences,
                "That gives all of the memory to the caches. The weights need room as well.",
            ),
            Slip(
                lambda: _h200(precision="bf16").concurrent_sequences,
                "That is BF16. At FP8 both weights and caches are half as wide.",
            ),
            Slip(
                lambda: _h200(context=20_000).concurrent_sequences,
                "That is the tour's context. The question has twice as many tokens.",
            ),
        ),
    ),
    "0.3": Exercise(
        lambda: _context(100),
        "A hundred caches fill the budget exactly at this length.",
        "Set the users who fit to a hundred and let solve find the context.",
        (
            Slip(
                lambda: _context(20),
                "That is the context for the active users. Idle users keep their caches here.",
            ),
            Slip(
                lambda: _context(100, n_params=1),
                "That gives all of the memory to the caches. The weights need room as well.",
            ),
        ),
    ),
}
