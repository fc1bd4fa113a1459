"""Exercises that check themselves."""

from .checks import Exercise, Feedback, Slip, check

__all__ = ["Exercise", "Feedback", "Slip", "check"]
