"""Quizzes: questions from a data file, as radio buttons where there is a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalog.data import read_toml
from ..errors import ConfigError

if TYPE_CHECKING:
    from ipywidgets import VBox


@dataclass(frozen=True)
class Option:
    """One answer of a question."""

    says: str
    feedback: str
    correct: bool = False


@dataclass(frozen=True)
class Question:
    """A question with one right answer."""

    objective: str
    asks: str
    options: tuple[Option, ...]


def questions(path: str | Path) -> list[Question]:
    """Read the questions of a quiz."""
    name = Path(path).name
    try:
        rows = read_toml(path)["question"]
        found = [
            Question(**r | {"options": tuple(Option(**o) for o in r["options"])}) for r in rows
        ]
    except (KeyError, TypeError) as reason:
        raise ConfigError(f"{name} is no quiz: {reason}. See chapters/quizzes.") from None
    for place, question in enumerate(found, start=1):
        if sum(option.correct for option in question.options) != 1:
            raise ConfigError(f"{name}, question {place}: one option must be correct.")
    return found


def quiz(path: str | Path) -> VBox:
    """Show a quiz: radio buttons with feedback, or a list with a folded key.

    Parameters
    ----------
    path : str or Path
        A data file, as in `questions`.

    Returns
    -------
    ipywidgets.VBox
        With a kernel it answers each choice; without one it reads as text.

    Raises
    ------
    ConfigError
        As `questions` does.
    """
    import ipywidgets as widgets

    asked = questions(path)

    class Quiz(widgets.VBox):
        """The box, which reads as its questions where there is no front end."""

        def __repr__(self) -> str:
            return _text(asked)

        def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
            bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
            return bundle | {"text/plain": _text(asked), "text/markdown": _markdown(asked)}

    return Quiz([_row(number, question) for number, question in enumerate(asked, start=1)])


def _row(number: int, question: Question) -> VBox:
    import ipywidgets as widgets

    said = widgets.HTML()
    said.add_class("napkin-feedback")
    buttons = widgets.RadioButtons(
        options=[(option.says, option) for option in question.options],
        value=None,
        layout={"width": "max-content"},
    )

    def tell(change: dict[str, Any]) -> None:
        option = change["new"]
        said.value = f"<b>{'Right' if option.correct else 'Not quite'}.</b> {option.feedback}"

    buttons.observe(tell, "value")
    return widgets.VBox([widgets.HTML(f"<b>{number}.</b> {question.asks}"), buttons, said])


def _letters(question: Question) -> list[tuple[str, Option]]:
    return list(zip("abcdefgh", question.options, strict=False))


def _text(asked: list[Question]) -> str:
    lines = []
    for number, question in enumerate(asked, start=1):
        lines += [f"{number}. {question.asks}"]
        lines += [f"   - {letter}) {option.says}" for letter, option in _letters(question)]
    return "\n".join(lines)


def _key(question: Question) -> str:
    letter, right = next(pair for pair in _letters(question) if pair[1].correct)
    return f"<li>{letter}) {right.feedback}</li>"


def _markdown(asked: list[Question]) -> str:
    folded = f"<ol>{''.join(map(_key, asked))}</ol>"
    return f"{_text(asked)}\n\n<details><summary>Answers</summary>{folded}</details>"
