# SPDX-License-Identifier: Apache-2.0
"""What the article computes, as expressions, beside what the package derives.

Claims name the entries of `READINGS` and `NUMBERS`: no expression is read from text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sympy import Expr, Integer, Symbol, sqrt

from napkin.errors import AgreementError
from napkin.formulas import BASE, dollars, matmul, tokens_per_second, transformer
from napkin.formulas.agreement import agree
from napkin.formulas.graph import Graph
from napkin.quantities import notation as q

_TWO: Final = {q.flops_per_mac: Integer(2)}
# Elements instead of bytes.
_ONE_WIDE: Final = {
    q.bytes_per_activation: Integer(1),
    q.bytes_per_weight: Integer(1),
    q.bytes_per_output: Integer(1),
}
_FULL_HEADS: Final = {q.n_kv_heads: q.n_heads, q.d_head: q.d_model / q.n_heads}
_CLOCK: Final = 1_850_000_000  # cycles of a B200 in a second, while it works hard


@dataclass(frozen=True)
class Reading:
    """An expression of the article beside ours.

    Parameters
    ----------
    article : Expr
        What it writes, in our symbols.
    ours : Expr
        What the package derives for the same.
    narrowed : mapping of Symbol to Expr
        A narrower case in which both may be the same.
    """

    article: Expr
    ours: Expr
    narrowed: Mapping[Symbol, Expr] = field(default_factory=dict, hash=False)

    @property
    def verdict(self) -> str:
        """Right if both agree, imprecise if only in the narrower case, else wrong."""
        if _same(self.article, self.ours):
            return "right"
        narrow = [side.subs(self.narrowed) for side in (self.article, self.ours)]
        return "imprecise" if self.narrowed and _same(*narrow) else "wrong"


def _same(left: Expr, right: Expr) -> bool:
    try:
        agree(left, right)
    except AgreementError:
        return False
    return True


_elements = matmul.compulsory_bytes.expression.subs(_ONE_WIDE)
_work = matmul.matmul_flops.expression.subs(_TWO)
# A projection: `inner` rows and columns in the weights; then the same for a batch.
_reads = _elements.subs(q.columns, q.inner) - q.rows * q.inner
_batched = _reads.subs(q.rows, q.batch * q.rows)
_step_bytes = q.weight_bytes_read + q.batch * q.kv_bytes_per_sequence

_packaged = Graph(BASE, ())
_critical_batch = _packaged.closed_form(q.critical_batch)
_kept = _packaged.closed_form(q.kv_bytes_per_token, keep=[q.n_kv_heads, q.d_head, q.n_layers])

READINGS: Final[dict[str, Reading]] = {
    "element_loads": Reading(2 * q.rows * q.columns * q.inner, matmul.element_loads.expression),
    "matmul_flops": Reading(2 * q.rows * q.columns * q.inner, _work),
    "tiled_accesses": Reading(q.inner * (q.rows + q.columns), _elements),
    "projection_reads": Reading(q.inner * (q.rows + q.inner), _reads),
    "batch_reads": Reading(q.batch * q.inner * (q.rows + q.inner), _batched),
    "batch_flops": Reading(
        2 * q.batch * q.rows * q.inner**2,
        _work.subs({q.rows: q.batch * q.rows, q.columns: q.inner}),
    ),
    "attention_scale": Reading(sqrt(q.d_model), sqrt(q.d_head)),
    "projection_params": Reading(
        3 * q.d_model**2,
        transformer.attention_matrix_params.expression - q.d_model * q.n_heads * q.d_head,
        narrowed=_FULL_HEADS,
    ),
    "weight_intensity": Reading(
        2 * q.batch, matmul.skinny_intensity.expression.subs(_TWO).subs(_ONE_WIDE)
    ),
    "step_intensity": Reading(2 * q.batch, tokens_per_second.decode_intensity.expression),
    "layer_cache": Reading(
        2 * q.context * q.d_model,
        (_kept * q.context / q.n_layers).subs(_FULL_HEADS).subs(q.bytes_per_kv, 1),
    ),
    "lifetime_cost": Reading(
        q.capex / q.users,
        dollars.owned_price.expression * q.lifetime * q.n_gpus / q.users,
        narrowed={q.electricity_price: Integer(0), q.n_gpus: Integer(1)},
    ),
    "wider_numbers": Reading(
        _critical_batch.subs(
            {q.peak_flops: q.peak_flops / 2, q.bytes_per_weight: 2 * q.bytes_per_weight},
            simultaneous=True,
        ),
        _critical_batch,
    ),
}
"""Formulas of the article, each beside ours."""

NUMBERS: Final[dict[str, Expr]] = {
    "projection_reads": q.inner * (q.rows + q.columns),
    "work_per_read": q.matmul_flops / (q.inner * (q.rows + q.columns)),
    "projection_cycles": q.matmul_flops / q.peak_flops * _CLOCK,
    "whole_model_flops": q.weight_flops * q.context,
    "square_weights": q.d_model**2,
    "square_flops": q.flops_per_mac * q.d_model**2,
    "cache_saved": 1 - q.n_kv_heads / q.n_heads,
    "step_bytes": _step_bytes,
    "compute_idle": 1 - q.decode_compute_time / q.decode_step_time,
}
"""Combinations of quantities that the article prints and the worksheet has no name for."""
