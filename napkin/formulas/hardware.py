"""Two numbers of a GPU: what they allow, and where they tie."""

from sympy import Max, Min, Piecewise

from ..quantities import notation as q
from .formula import Formula

rate = q.peak_flops * q.compute_efficiency
flow = q.bandwidth * q.bandwidth_efficiency
slower = q.attention_slowdown - 1
"""What attention's work counts more than once, because its numbers are wider."""

ridge = Formula(
    q.ridge,
    rate / flow,
    why="each byte that is read must feed this much work, or the arithmetic waits for memory",
    source="Williams, Waterman and Patterson 2009, Roofline, section 3",
    scope="for dense peaks; efficiencies below 1 give the ridge that real kernels see",
)
drain_time = Formula(
    q.drain_time,
    q.memory / flow,
    why="no step reads the whole memory more than once, so no memory-bound step takes longer",
    source="scaling-book, applied-inference",
    scope="a step reads each byte at most once",
)
attainable_flops = Formula(
    q.attainable_flops,
    Min(rate, q.intensity * flow),
    why="the lower of two rates sets the pace: peak arithmetic, or bandwidth times work per byte",
    source="Williams, Waterman and Patterson 2009, Roofline, section 3",
    scope="arithmetic and transfers overlap perfectly",
)
intensity = Formula(
    q.intensity,
    q.flops / q.bytes_moved,
    why="work divided by the bytes that it moves",
    source="Williams, Waterman and Patterson 2009, Roofline, section 3",
    valid=q.bytes_moved > 0,
)
roofline_time = Formula(
    q.roofline_time,
    Max(q.flops / rate, q.bytes_moved / flow),
    why="both must finish, and they run at the same time, so the longer one counts",
    source="scaling-book, roofline",
    scope="a lower bound: without any overlap the times add up, to at most twice as much",
)
_over_wide = q.peak_flops / q.wide_peak_flops
narrow_attention_slowdown = Formula(
    q.attention_slowdown,
    Piecewise(
        (1, q.bytes_per_kv <= q.bytes_per_activation),
        (
            Max(1, _over_wide * q.bytes_per_kv / q.bytes_per_hidden),
            q.bytes_per_kv < q.bytes_per_hidden,
        ),
        (Max(1, _over_wide), True),
    ),
    why="attention multiplies numbers as wide as the cache, and wider ones have a lower peak",
    source="vLLM documentation, quantized KV cache: only an FP8 cache makes attention FP8",
    scope="between the two peaks, half the width has twice the peak",
)
dense_peak = Formula(
    q.peak_flops,
    q.sparse_peak_flops / 2,
    why="a data sheet that quotes 2:4 sparsity counts each multiply twice",
    source="scaling-book, roofline, problem 5",
    scope="only for data sheets with the sparsity footnote",
)
