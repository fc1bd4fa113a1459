"""The answer over the context: a figure, and a slider that redraws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import variants
from ..errors import NapkinError
from ..worksheet import Napkin
from .figures import Figure
from .line_chart import curves

if TYPE_CHECKING:
    from ipywidgets import VBox


def users_over_context(n: Napkin, lowest: float = 2_000, highest: float = 200_000) -> Figure:
    """Draw the users of a replica over the context, idle users kept and evicted.

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
    evicted, kept = n.assume(variants.idle_evicted), n.assume(variants.idle_kept)
    ratio = float(evicted.users_per_gpu) / float(kept.users_per_gpu)
    return curves(
        {
            "idle users evicted": (evicted, "users_per_gpu"),
            "idle users kept": (kept, "users_per_gpu"),
        },
        f"Evicting idle users carries {ratio:.1f} times as many users",
        at=float(n.context),
        context=(lowest, highest),
    )


def sentence(n: Napkin) -> str:
    """Say the answer for one napkin: users, dollars, and speed.

    Parameters
    ----------
    n : Napkin
        The worksheet.

    Returns
    -------
    str
        One sentence, or the error's message where there is no answer.
    """
    try:
        return (
            f"{n.context:short} each: {n.users_per_gpu:short}, {n.cost_per_user_month:short} "
            f"a month for each, {n.tokens_per_second_per_user} for each active user."
        )
    except NapkinError as reason:
        return str(reason)


def answer_over_context(n: Napkin, lowest: int = 2_000, highest: int = 120_000) -> VBox:
    """Build a slider over the context that redraws the answer and its figure.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    lowest, highest : int
        Ends of the slider, in tokens.

    Returns
    -------
    ipywidgets.VBox
        Slider, sentence and figure; as text, the sentence alone.
    """
    import ipywidgets as widgets

    class Answer(widgets.VBox):
        """The box, which reads as its sentence where there is no front end."""

        def __repr__(self) -> str:
            return sentence(n.assume(context=slider.value))

    slider = widgets.IntSlider(
        value=int(float(n.context)),
        min=lowest,
        max=highest,
        step=1_000,
        description="context, tokens",
        style={"description_width": "initial"},
        layout={"width": "60%"},
    )
    text, picture = widgets.HTML(), widgets.HTML()

    def redraw(_: Any = None) -> None:
        moved = n.assume(context=slider.value)
        text.value = sentence(moved)
        try:
            picture.value = users_over_context(moved)._repr_html_()
        except NapkinError:  # the sentence says why
            picture.value = ""

    slider.observe(redraw, "value")
    redraw()
    return Answer([slider, text, picture])
