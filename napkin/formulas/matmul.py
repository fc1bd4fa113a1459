"""What a matrix multiplication costs: work, traffic, and the batch that balances them."""

from sympy import ceiling, sqrt

from ..quantities import notation as q
from .formula import Formula, Solved

_FIRST = "counted from the triple loop"

matmul_flops = Formula(
    q.matmul_flops,
    q.flops_per_mac * q.rows * q.inner * q.columns,
    why="each of the rows x columns results is a sum of `inner` multiply-adds",
    source=_FIRST,
    scope="a multiply-add counts as two operations, as hardware vendors count",
)
matmul_scalar_operations = Formula(
    q.matmul_scalar_operations,
    q.rows * q.columns * (q.flops_per_mac * q.inner - q.flops_per_mac / 2),
    why="a sum of `inner` products needs one addition fewer than it has products",
    source=_FIRST,
    scope="no fused multiply-add",
)
element_loads = Formula(
    q.element_loads,
    2 * q.rows * q.inner * q.columns,
    why="without reuse each multiplication fetches both of its factors",
    source=_FIRST,
    scope="loads only: writing the results is extra",
)
compulsory_bytes = Formula(
    q.compulsory_bytes,
    q.bytes_per_activation * q.rows * q.inner
    + q.bytes_per_weight * q.inner * q.columns
    + q.bytes_per_output * q.rows * q.columns,
    why="each input is read at least once, and each result is written once",
    source="scaling-book, roofline",
    scope="a lower bound: reached only if a whole operand panel fits on chip",
)
bytes_per_output = Formula(
    q.bytes_per_output,
    q.bytes_per_activation,
    why="a result is stored at the width of the activation that it becomes",
    source="convention",
)
tiled_traffic = Formula(
    q.tiled_traffic,
    q.inner
    * (q.rows * ceiling(q.columns / q.tile_columns) + q.columns * ceiling(q.rows / q.tile_rows))
    + q.rows * q.columns,
    why="a tile of results stays on chip while one panel of each input streams past it",
    source="NVIDIA, CUDA C++ programming guide, shared memory",
    scope="no reuse between tiles; ragged tiles load only real rows",
)
traffic_lower_bound = Formula(
    q.traffic_lower_bound,
    2 * q.rows * q.inner * q.columns / sqrt(q.fast_memory),
    why="elements on chip can be combined in only so many ways before they must be replaced",
    source="Hong and Kung 1981; constant 2: Smith et al. 2017, arXiv:1702.02017",
    scope="leading term, for matrices much larger than the fast memory",
)
tile_intensity = Formula(
    q.tile_intensity,
    q.flops_per_mac
    * q.tile_rows
    * q.tile_columns
    / (q.bytes_per_element * (q.tile_rows + q.tile_columns)),
    why="for each step along `inner` a tile loads its two edges and works on its area",
    source=_FIRST,
    scope="writing the results is left out",
)
matmul_intensity = Formula(
    q.matmul_intensity,
    q.matmul_flops / q.compulsory_bytes,
    why="the work of the whole multiplication over the bytes that it must move",
    source="scaling-book, roofline",
    scope="an upper bound: compulsory traffic only",
)
skinny_intensity = Formula(
    q.skinny_intensity,
    q.flops_per_mac * q.batch / q.bytes_per_weight,
    why="with few rows, nearly all traffic is weights, and each weight is used once per row",
    source="scaling-book, roofline, questions 1 and 2",
    scope="for a batch much smaller than the matrix",
)
critical_batch = Solved(
    q.critical_batch,
    q.batch,
    q.skinny_intensity,
    q.ridge,
    why="the batch at which the skinny intensity reaches the ridge",
    source="scaling-book, roofline, questions 1 and 2",
    scope="weights only: a KV cache raises it, or puts it out of reach",
)
critical_batch_exact = Solved(
    q.critical_batch_exact,
    q.rows,
    q.matmul_intensity,
    q.ridge,
    why="the same, with the activations that are read and written counted too",
    source="scaling-book, tpus, question 4, generalized",
    scope="the matrix must be large enough, or no batch reaches the ridge",
)
