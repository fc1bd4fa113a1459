"""The rows of the capstone are those that its rule selects, none left out."""

import pytest

from .capstone import FILE, newest
from .vocabulary import MEASURED


@pytest.mark.skipif(not MEASURED.exists(), reason="measured data is not here")
def test_the_capstone_has_the_rows_that_its_rule_selects() -> None:
    assert FILE.read_text(encoding="utf-8") == newest()
