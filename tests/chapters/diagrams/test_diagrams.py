"""Diagrams are found by chapter, and each says what it takes."""

import inspect

import pytest

import diagrams
from napkin.views.drawing import SHADE
from pages.chapters import CHAPTERS

STEMS = {chapter.stem.removeprefix(f"{chapter.number}-").replace("-", "_") for chapter in CHAPTERS}


def test_a_module_for_a_chapter() -> None:
    assert set(diagrams.__all__) <= STEMS
    assert STEMS - set(diagrams.__all__) == {"rederive"}
    with pytest.raises(AttributeError, match="diagrams has no 'page'; it has"):
        diagrams.page  # noqa: B018  (asking for it is the test)


@pytest.mark.parametrize("stem", diagrams.__all__)
def test_each_parameter_of_a_diagram_is_documented(stem: str) -> None:
    module = getattr(diagrams, stem)
    drawn = [
        thing
        for name, thing in vars(module).items()
        if inspect.isfunction(thing) and thing.__module__ == module.__name__ and name[0] != "_"
    ]
    assert drawn
    for thing in drawn:
        text = inspect.getdoc(thing) or ""
        section = text.partition("Parameters\n----------")[2].partition("\n-----")[0]
        assert not [name for name in inspect.signature(thing).parameters if name not in section]
        assert "Returns\n-------" in text


@pytest.mark.parametrize(("page", "ink"), [(0xFF, 0x00), (0x14, 0xCF)], ids=["light", "dark"])
def test_a_shade_stands_out_from_the_page(page: int, ink: int) -> None:
    def luminance(gray: float) -> float:
        return float(((gray / 255 + 0.055) / 1.055) ** 2.4)

    darker, lighter = sorted(map(luminance, (page, page + SHADE * (ink - page))))
    assert (lighter + 0.05) / (darker + 0.05) >= 3
