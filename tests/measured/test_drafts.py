"""The rows of chapter 15 are those that its rule selects, none left out."""

import pytest

from .drafts import DATA, FILES
from .vocabulary import MEASURED

pytestmark = pytest.mark.skipif(not MEASURED.exists(), reason="measured data is not here")


@pytest.mark.parametrize("name", FILES)
def test_the_chapter_has_the_rows_that_the_rule_selects(name: str) -> None:
    assert (DATA / name).read_text(encoding="utf-8") == FILES[name]()
