"""What remembering saves, and what it costs."""

from ..quantities import notation as q
from .formula import Formula
from .hardware import _rate

flops_without_cache = Formula(
    q.flops_without_cache,
    q.flops_per_mac * q.n_params_active * q.new_tokens * (q.prompt + (q.new_tokens - 1) / 2),
    why="without a cache, step i sends all prompt + i tokens through every weight again",
    source="kipply 2022",
    valid=q.new_tokens >= 1,
    scope="weights only: attention repeats itself as well",
)
flops_with_cache = Formula(
    q.flops_with_cache,
    q.flops_per_mac * q.n_params_active * (q.prompt + q.new_tokens - 1),
    why="the prompt gives the first token; each later token passes the weights once",
    source="kipply 2022",
    valid=q.new_tokens >= 1,
    scope="weights only",
)
kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    2 * q.n_layers * q.n_kv_heads * q.d_head * q.bytes_per_kv,
    why="each layer keeps a key and a value vector for each KV head",
    source="Ainslie et al. 2023, arXiv:2305.13245; Kwon et al. 2023, arXiv:2309.06180, section 3",
    scope="every layer attends; query heads do not count",
)
tokens_kept = Formula(
    q.tokens_kept,
    q.context,
    why="full attention keeps every token of the context in every layer",
    source="Vaswani et al. 2017, arXiv:1706.03762",
    scope="a sliding window keeps less",
)
kv_bytes_per_sequence = Formula(
    q.kv_bytes_per_sequence,
    q.kv_bytes_per_token * q.tokens_kept,
    why="a sequence pays for each token that it keeps, and shares nothing with others",
    source="Kwon et al. 2023, arXiv:2309.06180, section 3",
)
restore_time = Formula(
    q.restore_time,
    q.kv_bytes_per_sequence / (q.n_gpus * q.host_link_bandwidth),
    why="an evicted cache comes back over the path to the host",
    source="first principles",
    scope="each GPU has its own path and its own share of the cache",
)
restore_break_even = Formula(
    q.restore_break_even,
    q.kv_bytes_per_token * _rate / (q.flops_per_mac * q.n_params_active),
    why="a link that brings a token's cache faster than its weights are multiplied wins",
    source="restore time = recompute time, for one token",
    scope="full attention, short contexts: attention makes recomputing dearer still",
)
