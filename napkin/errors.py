"""The errors of the book: what was given, what was expected, what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class NapkinError(Exception):
    """Base of every error that Napkin raises on purpose.

    In a notebook it shows as one sentence instead of a traceback, so that a stored
    output names no file of the machine that ran it.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UnknownNameError(NapkinError, AttributeError):
    """A name of a quantity, model, accelerator or variant that is not known."""


class NoValueError(NapkinError, AttributeError):
    """A quantity that has no value here, so that a napkin has no such attribute."""


class MissingGivenError(NoValueError):
    """A quantity that a target needs, and that nobody gave."""


class NoFormulaError(MissingGivenError):
    """A target that was asked for, and that no formula computes."""


class UnitError(NapkinError):
    """Two sides of an equation, or a value and its quantity, differ in unit."""


class DomainError(NoValueError):
    """A value outside what its quantity allows."""


class DoesNotFitError(DomainError):
    """A model that leaves no room in memory, or a speed that no batch reaches."""


class CircularError(NoValueError):
    """Formulas that need each other."""


class ConfigError(NapkinError):
    """A config.json without a needed field, or of an unknown architecture."""


class FormulaSyntaxError(NapkinError):
    """A reader's formula that is not one: its message says where."""


class NoSolutionError(NapkinError):
    """A value that a quantity does not reach, or reaches everywhere."""


class AgreementError(NapkinError):
    """A derived expression that is not the packaged one."""


def unknown(kind: str, name: object, known: Iterable[str], advice: str = "") -> UnknownNameError:
    """Build the error for an unknown name, with the closest known ones."""
    names = sorted(known)
    lower = {candidate.lower(): candidate for candidate in names}
    close = [lower[match] for match in get_close_matches(str(name).lower(), lower, 3, 0.5)]
    near = f"did you mean {' or '.join(close)}?" if close else "none is close to it."
    few = ", ".join(names) if len(names) <= 12 else f"{len(names)} names, such as {names[0]}"
    also = f" {advice}" if advice else ""
    return UnknownNameError(f"there is no {kind} {name!r}: {near} Known: {few}.{also}")
