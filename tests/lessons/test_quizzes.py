"""Quizzes: four questions a chapter, one right answer each, feedback to every choice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import napkin as nk
from napkin.errors import ConfigError
from napkin.lessons import Question, questions

CHAPTERS = Path(__file__).parents[2] / "chapters"
QUIZZES = sorted((CHAPTERS / "quizzes").glob("*.toml"))
ASKED = [(path, place) for path in QUIZZES for place in range(4)]


def question(path: Path, place: int) -> Question:
    return questions(path)[place]


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_a_quiz_belongs_to_a_chapter_that_shows_it(path: Path) -> None:
    text = (CHAPTERS / "text" / f"{path.stem}.md").read_text(encoding="utf-8")
    assert f'nk.quiz("quizzes/{path.name}")' in text
    assert len(questions(path)) == 4
    promised = set(re.findall(r"`(O\d+\.\d+)`", text.split("## Setup")[0]))
    assert {asked.objective for asked in questions(path)} <= promised


@pytest.mark.parametrize(("path", "place"), ASKED)
def test_options_and_their_feedback_differ(path: Path, place: int) -> None:
    options = question(path, place).options
    assert 3 <= len(options) <= 5
    assert len({option.says for option in options}) == len(options)
    assert len({option.feedback for option in options}) == len(options)
    assert not any("of the above" in option.says for option in options)


def test_right_answers_stand_in_every_place() -> None:
    """Nobody passes by choosing the same letter each time."""
    places = [
        [option.correct for option in asked.options].index(True)
        for path in QUIZZES
        for asked in questions(path)
    ]
    for place in set(places):
        assert places.count(place) <= len(places) / 2


def test_a_choice_gets_its_feedback() -> None:
    path = QUIZZES[0]
    box = nk.quiz(path)
    for asked, row in zip(questions(path), box.children, strict=True):
        title, buttons, said = row.children
        assert asked.asks in title.value
        for option in asked.options:
            buttons.value = option
            assert option.feedback in said.value
            assert said.value.startswith("<b>Right" if option.correct else "<b>Not quite")


def test_without_a_front_end_it_reads_as_text_with_a_folded_key() -> None:
    bundle = nk.quiz(QUIZZES[0])._repr_mimebundle_()
    assert bundle["text/plain"].startswith("1. ")
    assert "<details>" in bundle["text/markdown"]
    for asked in questions(QUIZZES[0]):
        assert asked.asks in bundle["text/plain"] and asked.asks in bundle["text/markdown"]
        (right,) = (option.feedback for option in asked.options if option.correct)
        assert right in bundle["text/markdown"]
        assert right not in bundle["text/plain"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[question]", "is not a TOML file"),
        ("other = 1", "is no quiz: 'question'"),
        ('[[question]]\nobjective = "O1"\nasks = "?"\noptions = []', "one option must be correct"),
        (
            '[[question]]\nobjective = "O1"\nasks = "?"\n'
            'options = [{ says = "a", feedback = "b", right = true }]',
            "unexpected keyword argument 'right'",
        ),
    ],
)
def test_a_file_that_is_no_quiz_is_named(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        nk.quiz(path)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="none.toml cannot be read"):
        nk.quiz("none.toml")
