"""Exercises that check themselves, and quizzes."""

from .checks import Feedback, check
from .exercises import Exercise, Slip, chapters, exercise
from .quizzes import Option, Question, questions, quiz

__all__ = [
    "Exercise",
    "Feedback",
    "Option",
    "Question",
    "Slip",
    "chapters",
    "check",
    "exercise",
    "questions",
    "quiz",
]
