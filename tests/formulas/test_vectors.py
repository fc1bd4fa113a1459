"""Every packaged formula gives the published value, within the row's tolerance."""

import pytest

from napkin.formulas import ALL
from napkin.quantities.value import exact_number
from tests.vectors import VECTORS, Vector


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_vector(vector: Vector) -> None:
    computed = vector.compute()
    if vector.tolerance == 0:
        assert computed == vector.expected, vector.source
    else:
        assert abs(computed / vector.expected - 1) <= vector.tolerance, vector.source


def test_vectors_notice_a_wrong_formula() -> None:
    """Each vector fails when its expected value moves by one part in ten."""
    for vector in VECTORS:
        moved = vector.compute() * exact_number(1.1)
        assert abs(moved / vector.expected - 1) > vector.tolerance, vector.id


def test_each_target_of_a_vector_is_a_packaged_formula() -> None:
    targets = {formula.target.name for formula in ALL.values()}
    assert {vector.target for vector in VECTORS} <= targets
