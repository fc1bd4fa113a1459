"""What the book promises as a whole: one place for each term, objective, source and minute."""

import re
from collections import Counter
from pathlib import Path

import pytest

from napkin.formulas import ALL
from napkin.quantities.quantity import REGISTRY
from pages import chapters, matrix, references
from pages.glossary import glossary

BOOK = Path(__file__).parents[2] / "chapters"
GLOSSARY = glossary()
ENTRIES = references.bibliography().entries
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
UNITS = {"fifteen": 15, "five": 5}

each_numbered = pytest.mark.parametrize("chapter", chapters.NUMBERED, ids=lambda c: c.stem)


def minutes(words: str) -> int:
    return sum((TENS | UNITS)[word] for word in words.lower().split("-"))


def test_each_term_is_introduced_once_and_stands_in_the_glossary() -> None:
    introduced = [(term.lower(), c.stem) for c in chapters.CHAPTERS for term in c.terms]
    twice = [term for term, count in Counter(t for t, _ in introduced).items() if count > 1]
    assert not twice, f"bold in more than one place: {twice}"
    assert dict(introduced) == {t.lower(): entry["chapter"] for t, entry in GLOSSARY.items()}


def test_each_entry_of_the_glossary_is_one_sentence_with_a_known_quantity() -> None:
    for term, entry in GLOSSARY.items():
        assert re.fullmatch(r"[A-Z][^.]+\.", entry["says"]), term
        assert "quantity" not in entry or entry["quantity"] in REGISTRY, term


@each_numbered
def test_each_objective_is_taught_practiced_and_asked_about(chapter) -> None:
    wanted = set(chapter.objectives)
    assert 3 <= len(wanted) <= 5
    assert {tag for _, tags in matrix.plan(chapter).values() for tag in tags} == wanted
    assert {tag for tags in chapter.exercises.values() for tag in tags} == wanted
    assert not chapter.quiz or set(chapter.quiz) == wanted


@each_numbered
def test_a_teachers_page_follows_its_chapter(chapter) -> None:
    taught = [name for name in chapter.sections if name not in ("When it breaks", "Takeaways")]
    plan = matrix.plan(chapter)
    assert list(plan) == taught
    promised = re.findall(r"([A-Z][a-z-]+) minutes to read", chapter.prose)
    stated = minutes(promised[0]) if promised else chapter.minutes
    assert sum(time for time, _ in plan.values()) == stated


def test_each_workshop_takes_two_hours() -> None:
    text = (BOOK / "instructor" / "workshop.md").read_text(encoding="utf-8")
    plans = re.split(r"^## The (?:first|second) one", text, flags=re.MULTILINE)[1:]
    assert len(plans) == 2
    for plan in plans:
        end = 0
        for hours, past, lasts in re.findall(r"^\| (\d):(\d\d) \| (\d+) \|", plan, re.MULTILINE):
            assert end == 60 * int(hours) + int(past)
            end += int(lasts)
        assert end == 120


def test_each_link_and_each_published_source_stands_in_the_references() -> None:
    addresses = [address for e in ENTRIES.values() if (address := references.address(e))]
    links = {link for chapter in chapters.CHAPTERS for link in chapter.links}
    assert [link for link in links if not any(map(link.startswith, addresses))] == []
    published = re.compile(r"\b(19|20)\d\d\b|arXiv|scaling-book|model cards?\b|documentation")
    sources = {formula.source for formula in ALL.values() if published.search(formula.source)}
    named = {s for s in sources if any(references.is_named(e, s) for e in ENTRIES.values())}
    assert sources - named == set()
    assert len(named) > 30


def test_each_arxiv_number_of_a_formula_is_an_entry_of_its_own() -> None:
    numbers = set(re.findall(r"arXiv:([\d.]+\d)", " ".join(f.source for f in ALL.values())))
    assert numbers <= {entry.fields.get("eprint") for entry in ENTRIES.values()}


def test_no_reference_is_unused() -> None:
    assert [key for key, entry in ENTRIES.items() if not references.users(entry)] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*BOOK.glob("*.md"), *(BOOK / "instructor").glob("*.md"), *(BOOK / "text").glob("*.md")]
    for page in pages:
        home = BOOK if page.parent.name == "text" else page.parent
        for target in re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (home / target).is_file(), f"{page.name} points to {target}"
