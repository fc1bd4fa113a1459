"""A tornado: what a result is most sensitive to, each bar the way to its explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..verbs.sensitivity import sensitivity
from ..worksheet.napkin import Napkin
from .bar_chart import bars

if TYPE_CHECKING:
    from .widget import Tornado


def tornado(n: Napkin, target: str, title: str, count: int = 10) -> Tornado:
    """Show the largest elasticities of a result as bars that open an explorer.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    target : str
        The result.
    title : str
        What the bars show: a finding, not a topic.
    count : int
        How many bars, the largest first.

    Returns
    -------
    Tornado
        Bars that are buttons; without a kernel, the figure of `bars`.

    Raises
    ------
    NapkinError
        If the result has no elasticities.
    """
    from .widget import Tornado

    rows = sensitivity(n, target).rows[:count]
    what = f"percent of {target} for one percent of change"
    figure = bars({row.name: row.elasticity for row in rows}, title, what)
    return Tornado(n, target, rows, figure, title)
