"""What remembering saves, and what it costs."""

from typing import Any

from sympy import Expr, Max, Min

from ..quantities import notation as q
from . import hardware
from .formula import Detail, Formula

# Numbers that all layers of a kind keep of a token.
_caching = q.n_layers_full - q.n_layers_full_reusing
_caching_window = q.n_layers_window - q.n_layers_window_reusing
_longest = Max(q.max_context, q.max_context_extended)


def trained_for(tokens: Expr, what: str) -> dict[str, Any]:
    """Return the condition that a model was trained for so many tokens."""
    return {
        "valid": tokens * (1 - q.beyond_max_context) <= _longest,
        "otherwise": f"the {what} is longer than the model was trained for",
        "details": (
            Detail("{} is asked for, and {} is the longest.", (tokens, _longest)),
            Detail("A shorter one, or beyond_max_context=True to go on all the same."),
        ),
    }


kept = _caching * q.cache_elements
kept_window = _caching_window * q.cache_elements_window


flops_without_cache = Formula(
    q.flops_without_cache,
    q.flops_per_mac * q.n_params_active * q.new_tokens * (q.prompt + (q.new_tokens - 1) / 2),
    why="without a cache, step i sends all prompt + i tokens through every weight again",
    source="kipply 2022",
    valid=q.new_tokens >= 1,
    scope="weights only: attention is recomputed as well",
)
flops_with_cache = Formula(
    q.flops_with_cache,
    q.flops_per_mac * q.n_params_active * (q.prompt + q.new_tokens - 1),
    why="the prompt yields the first token; each later token passes through the weights once",
    source="kipply 2022",
    valid=q.new_tokens >= 1,
    scope="weights only",
)
kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    (kept + kept_window) * q.bytes_per_kv + q.n_layers_indexed * q.d_index * q.bytes_per_index,
    why="each attention layer caches its numbers for each token, and an indexer caches its own key",
    source="Kwon et al. 2023, arXiv:2309.06180, section 3; DeepSeek-V3.2, arXiv:2512.02556",
    scope="as long as every layer sees the token; the cache of an image is extra",
)
tokens_kept = Formula(
    q.tokens_kept,
    (kept * q.context + kept_window * Min(q.context, q.window)) / (kept + kept_window),
    why="full attention keeps every token of the context; a window drops what has left it",
    source="Vaswani et al. 2017, arXiv:1706.03762; Gemma Team 2025, Gemma 3, arXiv:2503.19786",
    scope="a mean over layers; an engine with one cache for all kinds keeps the whole context",
)
kv_bytes_per_sequence = Formula(
    q.kv_bytes_per_sequence,
    q.kv_bytes_per_token * q.tokens_kept + q.state_bytes,
    why="a sequence pays for each token that it keeps, and shares nothing with others",
    source="Kwon et al. 2023, arXiv:2309.06180, section 3",
    **trained_for(q.context, "context"),
)
restore_time = Formula(
    q.restore_time,
    q.kv_bytes_per_sequence / (q.n_gpus * q.host_link_bandwidth),
    why="an evicted cache comes back over the path to the host",
    source="first principles",
    scope="each GPU has its own path and its own share of the cache; copies are made between GPUs",
)
restore_break_even = Formula(
    q.restore_break_even,
    q.kv_bytes_per_token * hardware.rate / (q.flops_per_mac * q.n_params_active),
    why="restoring wins if the link delivers a token's cache faster than the GPU recomputes it",
    source="restore time = recompute time, for one token",
    scope="full attention, short contexts: attention makes recomputing even more expensive",
)
