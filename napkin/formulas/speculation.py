"""Speculative decoding: a draft guesses some tokens ahead, and one step checks them all."""

from typing import Final

from sympy import Integer

from ..quantities import notation as q
from .formula import Formula

_LEVIATHAN = "Leviathan, Kalman and Matias 2023, arXiv:2211.17192"

drafting_time = Formula(
    q.drafting_time, Integer(0), why="nothing is guessed ahead", source="definition"
)
checked_tokens = Formula(
    q.query_tokens,
    1 + q.draft_tokens,
    why="a step looks at the last token of a sequence, and at all tokens guessed after it",
    source=f"{_LEVIATHAN}, algorithm 1",
)
accepted_tokens_per_step = Formula(
    q.tokens_per_step,
    (1 - q.acceptance_rate ** (1 + q.draft_tokens)) / (1 - q.acceptance_rate),
    why="guesses count up to the first wrong one, and the step itself adds one more token",
    source=f"{_LEVIATHAN}, equation 1",
    scope="every guess has the same chance, whatever came before it; long drafts do worse",
)
speculative_drafting_time = Formula(
    q.drafting_time,
    q.draft_tokens * q.draft_time,
    why="each guess follows from the one before, so they are made one after the other",
    source=f"{_LEVIATHAN}, theorem 3.8",
    scope="one draft at a time, not a tree, on the same GPUs, which do nothing else meanwhile; "
    "the draft's weights and caches are not counted: put them into reserved_memory",
)
SPECULATIVE: Final = (checked_tokens, accepted_tokens_per_step, speculative_drafting_time)
"""What drafts change; all formulas of a step already ask how many tokens it checks and adds."""
