"""Quantities of a reader's own."""

import pickle
import subprocess
import sys
from inspect import Parameter, isclass, isfunction, signature
from pathlib import Path

import pytest

import napkin as nk
from napkin.errors import NapkinError, UnitError
from napkin.worksheet.parse import FUNCTIONS


def test_a_quantity_of_ones_own_stands_in_a_formula() -> None:
    gain = nk.quantity("drafted_gain", unit="1", meaning="tokens for each step", default=1)
    n = nk.Napkin(decode_step_time="20 ms")
    sped = n.assume("tokens_per_second_per_user = drafted_gain / decode_step_time")
    assert sped.tokens_per_second_per_user.number == 50
    assert sped.assume(drafted_gain=1.8).tokens_per_second_per_user.number == 90
    assert gain == nk.quantity("drafted_gain", "1", "tokens for each step", default=1)


def test_its_unit_and_domain_are_checked() -> None:
    nk.quantity("warm_time", unit="s", domain="non-negative")
    n = nk.Napkin(warm_time="200 ms")
    assert str(n.warm_time) == "200 ms"
    with pytest.raises(UnitError):
        n.assume("users = warm_time")
    with pytest.raises(NapkinError, match="at least 0"):
        n.assume(warm_time=-1)


@pytest.mark.parametrize("name", ["", "2x", "a b", "lambda", "_x", "batch"])
def test_a_name_that_is_none_or_is_taken(name: str) -> None:
    with pytest.raises(NapkinError, match="name"):
        nk.quantity(name)


def test_a_unit_or_domain_that_is_not_known() -> None:
    with pytest.raises(UnitError, match="furlong"):
        nk.quantity("race", unit="furlong")
    with pytest.raises(NapkinError, match="no domain 'big'"):
        nk.quantity("race", domain="big")


def test_a_pickled_napkin_brings_it_along(tmp_path: Path) -> None:
    nk.quantity("borrowed", unit="s")
    n = nk.Napkin(borrowed=2).assume("host_time = borrowed / 4")
    path = tmp_path / "napkin.pickle"
    path.write_bytes(pickle.dumps(n))
    code = f"import pickle; print(pickle.load(open({str(path)!r}, 'rb')).host_time)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "500 ms"


def _taken() -> set[str]:
    """Collect what a napkin has, and what stands beside quantities in a call, by signature."""
    taken = {name for name in (*dir(nk.Napkin), *nk.Napkin.__annotations__) if name[0] != "_"}
    taken |= {*FUNCTIONS, "fits"}  # what a formula may call, and a column of every sweep
    calls = [getattr(face, name) for face in (nk, nk.views) for name in face.__all__]
    calls += [method for call in calls if isclass(call) for method in vars(call).values()]
    for call in filter(isfunction, calls):
        if call.__module__.startswith("napkin") and call not in FREE:
            parameters = list(signature(call).parameters.values())
            if any(p.kind is p.VAR_KEYWORD for p in parameters):
                taken |= {p.name for p in parameters if p.kind in NAMED}
    return taken


FREE = (nk.say, nk.compare)  # their keywords are words of the reader's, not quantities
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def test_what_is_taken_is_found() -> None:
    """A few from each place where a name may be taken."""
    assert {"assume", "typed", "derive", "Max", "n", "samples", "unknown", "regimes"} <= _taken()


@pytest.mark.parametrize("name", sorted(_taken()))
def test_no_quantity_can_hide_what_a_napkin_or_a_verb_has(name: str) -> None:
    with pytest.raises(NapkinError, match="is no name for a quantity"):
        nk.quantity(name)
