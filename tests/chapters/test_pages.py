"""Pages that follow from the package are as it writes them, and name every quantity once."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import napkin as nk
from audit import claims
from napkin.quantities.quantity import REGISTRY
from pages import PAGES, notation
from pages.api import api_page
from pages.claims import claims_page

CHAPTERS = Path(__file__).parents[2] / "chapters"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_would_be_written(name: str) -> None:
    assert (CHAPTERS / name).read_text(encoding="utf-8") == PAGES[name](), "run make chapters"


def test_every_quantity_of_the_book_has_one_row() -> None:
    page = notation.notation_page().split("## In the letters of others")[0]
    for name, quantity in REGISTRY.items():
        if name in vars(import_module("napkin.notation")):
            assert page.count(f"| `{name}` | {quantity.meaning} |") == 1, name


def test_every_module_of_formulas_has_a_heading() -> None:
    assert [module for module, _ in notation.grouped()] == list(notation.HEADINGS)


def test_every_public_name_of_the_package_is_on_its_page() -> None:
    page = api_page()
    for name in nk.__all__:
        thing = getattr(nk, name)
        assert isinstance(thing, ModuleType) or f"### nk.{name}\n" in page or f"`{name}`" in page
    for name in nk.catalog.__all__:
        assert not callable(getattr(nk.catalog, name)) or f"| `{name}` |" in page


def test_every_claim_has_a_row_and_links_lead_somewhere() -> None:
    page = claims_page()
    for entry in claims():
        assert page.count(f"| {entry.id} |") == 1
    links = re.findall(r"\]\(([^)#:]+\.ipynb)\)", page)
    assert len(links) >= 50
    assert all((CHAPTERS / link).is_file() for link in links)
