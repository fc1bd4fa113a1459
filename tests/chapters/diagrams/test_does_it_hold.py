"""A calibrated step beside its ideal time, to scale."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.errors import NapkinError
from tests.chapters.example import EXAMPLE

OTHERS = {
    "the example": EXAMPLE,
    "another GPU": EXAMPLE.assume(accelerator="H200", precision="bf16"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=2_000, prompt=2_000),
}


@pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)
def test_the_parts_of_a_step_add_up_to_what_is_predicted(n: nk.Napkin) -> None:
    figure = diagrams.does_it_hold.in_turn(n, (1, 8))
    real = n.assume(calibrated=True)
    for svg in (figure.svg, figure.narrow):
        widths = [float(w) + 1 for w in re.findall(r'width="([\d.]+)" height="19"', svg)]
        one, many = widths[:5], widths[5:]
        for size, (ideal, *parts) in ((1, one), (8, many)):
            wanted = real.assume(batch=size).tpot / n.assume(batch=size).tpot
            assert sum(parts) / ideal == pytest.approx(float(wanted), rel=0.03)
        assert one[1] == pytest.approx(many[1])  # kernels do not know the batch
    factor = float(real.assume(batch=1).tpot / n.assume(batch=1).tpot)
    assert figure.alt.startswith(f"At batch 1, a token takes {factor:.1f} times its ideal time")
    assert 15 <= len(figure.alt.split()) <= 60


def test_a_step_with_other_parts_is_refused() -> None:
    with pytest.raises(NapkinError, match="smaller batch, or a single GPU"):
        diagrams.does_it_hold.in_turn(EXAMPLE.assume(n_gpus=8), (1,))
