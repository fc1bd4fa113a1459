# SPDX-License-Identifier: Apache-2.0
"""Runs of a server with and without a draft, taken apart into steps, pauses and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

CHUNK: Final = 10
"""Steps whose tokens TensorRT-LLM sends together."""


class Parts(NamedTuple):
    """What a pair of runs says of its steps.

    Parameters
    ----------
    pause : float
        Share of the time per token without a draft that isn't the step.
    tokens : float
        Tokens that a step with a draft writes, on average.
    step : float
        Its time, in units of a step without one.
    """

    pause: float
    tokens: float
    step: float


def apart(row: Mapping[str, str]) -> Parts | None:
    """Take a pair of runs apart.

    Parameters
    ----------
    row : mapping
        Seconds per token (``value``, ``drafted``) and between chunks of `CHUNK` steps
        (``chunk``, ``drafted_chunk``), and the ``prompt`` in tokens.

    Returns
    -------
    Parts or None
        Nothing for long prompts, or where chunks hold more steps than `CHUNK`.
    """
    plain, drafted, chunk, drafted_chunk = (
        float(row[name]) for name in ("value", "drafted", "chunk", "drafted_chunk")
    )
    if int(row["prompt"]) >= 1_000 or chunk >= (CHUNK + 1) * plain:
        return None
    pause = plain - chunk / CHUNK
    return Parts(pause / plain, drafted_chunk / CHUNK / (drafted - pause), drafted_chunk / chunk)
