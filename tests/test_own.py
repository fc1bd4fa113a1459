"""Quantities of a reader's own."""

import pickle
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

import napkin as nk
from napkin.errors import NapkinError, UnitError


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


def test_no_quantity_can_hide_what_a_napkin_or_a_verb_has() -> None:
    taken = {name for name in vars(nk.Napkin) if not name.startswith("_")}
    for verb in (nk.Napkin.__init__, nk.Napkin.assume, nk.sweep, nk.solve, nk.uncertainty):
        parameters = signature(verb).parameters.values()
        taken |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    for name in taken:
        with pytest.raises(NapkinError, match="is no name for a quantity"):
            nk.quantity(name)
