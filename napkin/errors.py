"""Errors: each says what was given, what was expected, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class NapkinError(Exception):
    """Base of every error that Napkin raises on purpose.

    A notebook shows one sentence instead of a traceback, so that a stored output
    names no file of the machine that produced it.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UnknownNameError(NapkinError, AttributeError):
    """A quantity, model, accelerator or variant has an unknown name."""


class NoValueError(NapkinError, AttributeError):
    """A quantity has no value in this napkin, so the napkin has no such attribute."""


class MissingGivenError(NoValueError):
    """A target needs a quantity that nobody gave."""


class NoFormulaError(MissingGivenError):
    """No formula computes the target, and nobody gave its value."""


class UnitError(NapkinError):
    """The two sides of an equation, or a value and its quantity, have different units."""


class DomainError(NoValueError):
    """A value lies outside the range of its quantity."""


class DoesNotFitError(DomainError):
    """A model leaves no room in memory, or no batch reaches the speed target."""


class CircularError(NoValueError):
    """Formulas need each other's results."""


class ConfigError(NapkinError):
    """A config.json lacks a required field or names an unknown architecture."""


class FormulaSyntaxError(NapkinError):
    """A reader's text is not a formula; the message says where it goes wrong."""


class NoSolutionError(NapkinError):
    """A quantity never reaches the requested value, or has it everywhere."""


class AgreementError(NapkinError):
    """A derived expression differs from the packaged one."""


def unknown(kind: str, name: object, known: Iterable[str], advice: str = "") -> UnknownNameError:
    """Build the error for an unknown name, with the closest known ones."""
    names = sorted(known)
    lower = {candidate.lower(): candidate for candidate in names}
    close = [lower[match] for match in get_close_matches(str(name).lower(), lower, 3, 0.5)]
    near = f"did you mean {' or '.join(close)}?" if close else "none is close to it."
    few = ", ".join(names) if len(names) <= 12 else f"{len(names)} names, such as {names[0]}"
    also = f" {advice}" if advice else ""
    return UnknownNameError(f"there is no {kind} {name!r}: {near} Known: {few}.{also}")
