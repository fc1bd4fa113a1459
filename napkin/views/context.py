"""The answer over the context, as a figure."""

from __future__ import annotations

from ..formulas import variants
from ..worksheet.napkin import Napkin
from .figures import Figure
from .line_chart import curves


def users_over_context(n: Napkin, lowest: float = 2_000, highest: float = 200_000) -> Figure:
    """Draw the users of a replica over the context, idle caches resident and offloaded.

    Parameters
    ----------
    n : Napkin
        The worksheet, with a duty cycle.
    lowest, highest : float
        Ends of the context axis, in tokens.

    Returns
    -------
    Figure
        Two lines on logarithmic axes, and the napkin's own context marked.
    """
    offloaded, resident = n.assume(variants.idle_offloaded), n.assume(variants.idle_resident)
    ratio = float(offloaded.users_per_gpu) / float(resident.users_per_gpu)
    return curves(
        {
            "idle caches offloaded": (offloaded, "users_per_gpu"),
            "idle caches resident": (resident, "users_per_gpu"),
        },
        f"Offloading idle caches carries {ratio:.1f} times as many users",
        at=float(n.context),
        context=(lowest, highest),
    )
