"""Pages that follow from the package are as it writes them, and name every quantity once."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import napkin as nk
from audit import VERDICTS, claims
from napkin.quantities.quantity import REGISTRY
from pages import PAGES, notation
from pages.api import api_page
from pages.chapters import NUMBERED
from pages.claims import claims_page
from pages.end import end_page
from pages.glossary import anchor, glossary, glossary_page

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


def test_every_claim_has_a_card_and_links_lead_somewhere() -> None:
    page = claims_page()
    for entry in claims():
        (card,) = re.findall(rf'<li class="claim" id="{entry.id}".*?</li>', page, re.DOTALL)
        told = [card.index(f"</span> {entry.verdict.capitalize()}**")]
        told += [card.index(f"**{lead}:**") for lead in ("The article says", "We find", "Why")]
        assert told == sorted(told), "the verdict comes first"
        assert all(printed in card for printed in entry.printed)
        assert all(str(value) in card for value in (*entry.derived, *entry.other))
    counts = re.findall(r"> . ([A-Z][a-z ]+) \((\d+)\)</label>", page)
    assert [verdict.lower() for verdict, _ in counts] == list(VERDICTS)
    assert sum(int(count) for _, count in counts) == len(claims())
    links = re.findall(r"\]\(([^)#:]+\.ipynb)\)", page)
    assert len(links) >= 50
    assert all((CHAPTERS / link).is_file() for link in links)


def test_the_glossary_is_one_list_in_the_order_of_the_alphabet() -> None:
    anchors = re.findall(r'^<dt id="([^"]+)">', glossary_page(), re.MULTILINE)
    assert sorted(anchors) == sorted(anchor(term) for term in glossary())
    assert len(set(anchors)) == len(anchors)
    assert [a[0] for a in anchors] == sorted(a[0] for a in anchors)


def test_the_last_page_tells_each_objective_and_the_version_to_cite() -> None:
    page = end_page()
    for chapter in NUMBERED:
        assert f"[{chapter.title}]({chapter.stem}.ipynb)" in page
        assert all(f"  - {objective}\n" in page for objective in chapter.objectives.values())
    assert f"version = {{{nk.__version__}}}" in page
