"""What weights weigh: linear layers, experts and the embedding, each in a width of its own."""

from sympy import Expr, Integer, Symbol

from ..quantities import notation as q
from .formula import Formula

_PARTS = "sum over the parts of a checkpoint"
_SHAPES = "counted from the shapes"


PARTS = (q.bytes_per_expert_weight, q.bytes_per_embedding_weight)
"""The widths that one ``bytes_per_weight`` for all replaces."""


def weighed(params: Expr, routed: Expr, chosen: Expr, wide: Expr) -> Expr:
    """Return the bytes of `params` with `chosen` experts instead of the `routed` ones.

    Where all widths are one, the two differences vanish, and a derivation shows no parts.
    """
    return (
        q.bytes_per_weight * (params - routed + chosen)
        + (q.bytes_per_expert_weight - q.bytes_per_weight) * chosen
        + (q.bytes_per_embedding_weight - q.bytes_per_weight) * wide
    )


bytes_per_expert_weight = Formula(
    q.bytes_per_expert_weight,
    q.bytes_per_weight,
    why="experts are as wide as the other layers, unless they are given a width of their own",
    source="definition",
)
bytes_per_embedding_weight = Formula(
    q.bytes_per_embedding_weight,
    q.bytes_per_weight,
    why="one width for all, unless the embedding is given a width of its own",
    source="definition",
)
block_bytes_per_weight = Formula(
    q.bytes_per_weight,
    q.bytes_per_code + q.bytes_per_scale / q.weights_per_scale,
    why="each weight has a code of its own, and its share of the scale of its block",
    source="Rouhani et al. 2023, arXiv:2310.10537",
)
signal_to_noise = Formula(
    q.signal_to_noise,
    3 * q.rounding_levels**2 / q.peak_to_rms**2,
    why="an error is anywhere in its step with the same chance: its mean square is step**2 / 12",
    source="Bennett 1948",
    scope="equal steps, small against the spread of the numbers",
)
weight_bytes = Formula(
    q.weight_bytes,
    weighed(q.n_params, q.routed_params, q.routed_params, q.wide_params)
    + q.replicated_weight_bytes,
    why="memory holds every parameter once, however many users there are",
    source=_PARTS,
    scope="a precision names the width of a number: scales come with a published format",
)
weight_bytes_read = Formula(
    q.weight_bytes_read,
    weighed(q.n_params_active, q.routed_params_active, q.routed_params_read, q.wide_params_read)
    + q.replicated_weight_bytes,
    why="a decode step reads each weight that multiplies a token once, for the whole batch",
    source="scaling-book, inference",
)
prefill_weight_bytes = Formula(
    q.prefill_weight_bytes,
    weighed(q.n_params_active, q.routed_params_active, q.routed_params_prefill, q.wide_params_read)
    + q.replicated_weight_bytes,
    why="a prefill, too, reads each weight at least once",
    source="first principles",
)
routed_params, routed_params_active, routed_params_read, routed_params_prefill = (
    Formula(target, Integer(0), why="no layer has experts", source="definition")
    for target in (
        *(q.routed_params, q.routed_params_active),
        *(q.routed_params_read, q.routed_params_prefill),
    )
)
moe_routed_params = Formula(
    q.routed_params,
    q.n_layers_moe * q.n_experts * q.expert_params,
    why="memory holds every expert of every layer",
    source=_SHAPES,
)
moe_routed_params_active = Formula(
    q.routed_params_active,
    q.n_layers_moe * q.n_experts_active * q.expert_params,
    why="a token visits its own experts",
    source=_SHAPES,
)
moe_routed_params_read = Formula(
    q.routed_params_read,
    q.n_layers_moe * q.experts_touched * q.expert_params,
    why="each expert that any token of the batch visits is read once",
    source="experts_touched in every layer with experts",
)
moe_routed_params_prefill = Formula(
    q.routed_params_prefill,
    q.n_layers_moe * q.prefill_experts_touched * q.expert_params,
    why="the tokens of a prompt touch experts as a batch of that size would",
    source="experts_touched with the prompt as the batch",
)
wide_params, wide_params_read = (
    Formula(target, Integer(0), why=bytes_per_embedding_weight.why, source="definition")
    for target in (q.wide_params, q.wide_params_read)
)
_UNTIED = 1 - q.tied_embeddings
WIDE = (
    Formula(
        q.wide_params,
        q.embedding_params + _UNTIED * q.head_params + q.norm_params + q.other_params,
        why="embedding, head, norms and what is outside the layers have a width of their own",
        source=_SHAPES,
    ),
    Formula(
        q.wide_params_read,
        q.wide_params - _UNTIED * q.embedding_params,
        why="an embedding that is not the head is looked up, not read",
        source=_SHAPES,
    ),
)
"""What is counted apart once ``bytes_per_embedding_weight`` is known by itself."""


def spread(ratios: dict[Symbol, Expr]) -> tuple[Formula, ...]:
    """Return the widths that a given ``weight_bytes`` says, in the ratios of known ones."""
    expert, wide = (ratios.get(part, Integer(1)) for part in PARTS)
    counted = q.n_params + (expert - 1) * q.routed_params + (wide - 1) * q.wide_params
    why, source = "what the weights weigh, shared out over them", "weight_bytes, given"
    return (
        Formula(q.bytes_per_weight, q.weight_bytes / counted, why, source),
        *(Formula(part, times * q.bytes_per_weight, why, source) for part, times in ratios.items()),
    )
