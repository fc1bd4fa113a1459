"""Sharing heads, compressing them, forgetting, and keeping a state instead."""

from sympy import Integer

from ..quantities import notation as q
from .formula import Formula

_MLA = "DeepSeek-AI 2024, DeepSeek-V2, arXiv:2405.04434, section 2.1"
_V4 = "DeepSeek-V4 configuration and code, transformers 5"

group_size = Formula(
    q.group_size,
    q.n_heads / q.n_kv_heads,
    why="query heads are divided evenly among the KV heads",
    source="Ainslie et al. 2023, arXiv:2305.13245",
)
attention_intensity = Formula(
    q.attention_intensity,
    q.flops_per_mac * q.group_size * q.context / (q.bytes_per_kv * (q.context + q.group_size)),
    why="a KV head that is read once serves all queries of its group; a larger batch does not help",
    source="scaling-book, transformers, question 4",
    valid=q.context >= 1,
    scope="one new token, queries as wide as the cache; tends to 2 g / b for a long context",
)
grouped_kv_heads = Formula(
    q.n_kv_heads,
    q.n_heads / q.group_size,
    why="one KV head for each group of query heads",
    source="Ainslie et al. 2023, arXiv:2305.13245",
)
full_kv_heads = Formula(
    q.n_kv_heads,
    q.n_heads,
    why="each query head has keys and values of its own",
    source="Vaswani et al. 2017, arXiv:1706.03762",
)
single_kv_head = Formula(
    q.n_kv_heads,
    Integer(1),
    why="all query heads share one KV head",
    source="Shazeer 2019, arXiv:1911.02150",
)
mla_attention_matrix_params = Formula(
    q.attention_matrix_params,
    q.d_model * q.q_lora_rank
    + q.q_lora_rank
    + q.q_lora_rank * q.n_heads * (q.d_nope + q.d_rope)
    + q.d_model * (q.kv_lora_rank + q.d_rope)
    + q.kv_lora_rank
    + q.kv_lora_rank * q.n_heads * (q.d_nope + q.d_value)
    + q.n_heads * q.d_value * q.d_model,
    why="queries, keys and values pass through a bottleneck: down, norm, up; then the output",
    source=_MLA,
)
mla_full_query_matrix_params = Formula(
    q.attention_matrix_params,
    q.d_model * q.n_heads * (q.d_nope + q.d_rope)
    + q.d_model * (q.kv_lora_rank + q.d_rope)
    + q.kv_lora_rank
    + q.kv_lora_rank * q.n_heads * (q.d_nope + q.d_value)
    + q.n_heads * q.d_value * q.d_model,
    why="the smaller models of the family compress keys and values only",
    source=_MLA,
)
mla_attention_intensity = Formula(
    q.attention_intensity,
    q.flops_per_mac
    * q.n_heads
    * q.query_tokens
    * (2 * q.kv_lora_rank + q.d_rope)
    / (q.bytes_per_kv * (q.kv_lora_rank + q.d_rope)),
    why="every head works on the same compressed vector: sharing taken to its limit",
    source="FlashMLA deep dive, 2025-04-22",
)
mla_group_size = Formula(
    q.group_size,
    q.n_heads,
    why="one compressed vector serves every head",
    source=_MLA,
)
compressed_attention_params = Formula(
    q.attention_params,
    q.n_layers
    * (
        q.d_model * (q.q_lora_rank + q.d_head)
        + q.q_lora_rank
        + q.d_head
        + q.n_heads * q.d_head * (q.q_lora_rank + q.o_lora_rank)
        + q.n_output_groups * q.o_lora_rank * q.d_model
        + q.n_heads
    )
    + (q.n_layers_heavy * (2 * q.d_model + q.compression_heavy + 1)) * q.d_head
    + q.n_layers_compressed
    * (
        (4 * q.d_model + 2 * q.compression + 1) * (q.d_head + q.d_index)
        + q.n_index_heads * (q.q_lora_rank * q.d_index + q.d_model)
    ),
    why="queries and outputs pass through a bottleneck, one vector is key and value, compressors "
    "with an indexer shorten long contexts",
    source=_V4,
)
hyper_connection_params = Formula(
    q.other_params,
    2 * q.n_layers * (q.n_streams * (q.n_streams + 2) * (q.n_streams * q.d_model + 1) + 3)
    + q.n_streams * (q.n_streams * q.d_model + 1)
    + 1,
    why="each half of a layer mixes the residual streams, and the head joins them",
    source=_V4,
)
mla_attention_small_params = Formula(
    q.attention_small_params,
    Integer(0),
    why="the norms of the two bottlenecks are counted with the matrices",
    source=_MLA,
)
mla_cache_elements = Formula(
    q.cache_elements,
    q.kv_lora_rank + q.d_rope,
    why="a layer keeps one compressed vector and one rotary key, however many heads it has",
    source=_MLA,
)
mla_attention_work = Formula(
    q.attention_work,
    q.n_heads * (2 * q.kv_lora_rank + q.d_rope),
    why="absorbed: each head scores rank + rotary elements and mixes rank elements per token",
    source="FlashMLA deep dive, 2025-04-22",
    scope="decode only: a prefill expands the heads again",
)
mla_pair_work = Formula(
    q.pair_work,
    q.n_heads * (q.d_nope + q.d_rope + q.d_value),
    why="not absorbed: scores over nope + rotary elements, values over their own width",
    source=_MLA,
)
