"""What a verb expects first: a napkin."""

from __future__ import annotations

from ..errors import NapkinError
from .napkin import Napkin


def expect_napkin(n: object, verb: str) -> None:
    """Refuse anything else, by name, before it fails somewhere below.

    Parameters
    ----------
    n : object
        What was given.
    verb : str
        What was called.

    Raises
    ------
    NapkinError
        If it is no napkin.
    """
    if not isinstance(n, Napkin):
        raise NapkinError(
            f"{verb} takes a napkin first, got {n!r:.60}. Make one, as in "
            "n = nk.Napkin(model='Qwen3-32B', accelerator='B200'), and "
            f"call nk.{verb}(n, ...)."
        )
