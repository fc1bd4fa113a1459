"""The diagrams of a transformer follow its shapes, and are to scale."""

import re
from collections.abc import Callable

import pytest

import diagrams
import napkin as nk
from napkin.views.figures import Figure

draw = diagrams.transformer
MODELS = ("Qwen3-32B", "Llama-3-8B", "Llama-3-70B")
RECTANGLE = re.compile(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="#0072B2"')

each_model = pytest.mark.parametrize("name", MODELS)


def matrices(svg: str) -> list[tuple[float, float]]:
    """Return width and height of each blue rectangle, with its hairline."""
    return [(float(w) + 1, float(h) + 1) for w, h in RECTANGLE.findall(svg)]


@each_model
@pytest.mark.parametrize("diagram", [draw.token_path, draw.layer, draw.mlp])
def test_each_is_drawn_at_both_widths(name: str, diagram: Callable[[nk.Napkin], Figure]) -> None:
    figure = diagram(nk.Napkin(model=name))
    assert figure.svg != figure.narrow
    assert 15 <= len(figure.alt.split()) <= 60


@each_model
def test_the_path_shows_the_share_of_the_layers(name: str) -> None:
    n = nk.Napkin(model=name)
    figure = draw.token_path(n)
    inner = float(n.n_params - n.embedding_params - n.head_params) / float(n.n_params)
    assert figure.alt.startswith(f"{n.n_layers} layers hold {inner:.0%} of the parameters")
    for svg in (figure.svg, figure.narrow):
        (embedding, _), (layers, _), (head, _) = matrices(svg)[:3]
        assert layers / (embedding + layers + head) == pytest.approx(inner, rel=1e-3)


@each_model
def test_the_matrices_of_a_layer_are_to_scale(name: str) -> None:
    n = nk.Napkin(model=name)
    figure = draw.layer(n)
    share = float(n.dense_mlp_params) / float(n.dense_mlp_params + n.attention_matrix_params)
    assert figure.alt.startswith(f"{share:.0%} of the ")
    for svg in (figure.svg, figure.narrow):
        areas = [wide * high for wide, high in matrices(svg)]
        assert sum(areas[4:]) / sum(areas) == pytest.approx(share, rel=1e-3)


def test_an_mlp_without_a_gate_has_two_matrices() -> None:
    n = nk.Napkin(model="Llama-3-8B").assume(n_mlp_matrices=2)
    assert "gate" not in draw.mlp(n).alt + draw.layer(n).alt
    assert len(matrices(draw.layer(n).narrow)) == 6


def test_the_thickest_arc_is_the_heaviest_weight() -> None:
    figure = draw.look_up(("a", "b", "c"), (0.25, 0.7, 0.05))
    assert figure.alt.startswith("“c” fetches 70% of its result from “b”.")
    assert 15 <= len(figure.alt.split()) <= 60
    thick = [float(t) for t in re.findall(r'stroke="#E69F00" stroke-width="([\d.]+)"', figure.svg)]
    assert [t / sum(thick) for t in thick] == pytest.approx([0.05, 0.7, 0.25])
