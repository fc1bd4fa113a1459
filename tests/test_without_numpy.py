"""The core of the book runs where SymPy is all that there is, as in a small browser kernel."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
ABSENT: Final = [
    "anywidget",
    "ipywidgets",
    "matplotlib",
    "numpy",
    "pandas",
    "pint",
    "scipy",
    "xarray",
]
BEFORE: Final = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ImportError(f"{{name}} is not there")

sys.meta_path.insert(0, Absent())
import napkin as nk
from napkin import notation as q

n = nk.Napkin(
    model="Qwen3-32B", accelerator="B200", precision="fp8", kv_precision="fp8", context=20_000,
    duty_cycle=0.2, price=4, overflow_target=0.01, wait_target=0.05,
)
config = {{
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
    "vocab_size": 128256, "tie_word_embeddings": False,
}}
experts = nk.Napkin(
    model="gpt-oss-120b", accelerator="H100", n_gpus=4, precision="bf16", context=8192,
    speed_target=30,
)
right = nk.lessons.exercise("0.1").expected
"""
STATEMENTS: Final = {
    "a config": "assert float(nk.Napkin(model=config).n_params) > 8e9",
    "a value": "assert 60 < float(n.concurrent_sequences) < 61",
    "its text": "assert str(n.concurrent_sequences) == '60.8 sequences'",
    "the worksheet": "assert 'Qwen3-32B' in repr(n)",
    "an expression": "assert float(n[q.memory / q.bandwidth]) > 0",
    "derive": "assert q.n_layers in n.derive('kv_bytes_per_token').free_symbols",
    "another given": "assert float(n.assume(context=40_000).concurrent_sequences) < 31",
    "a given with a unit": "assert n.assume(bandwidth='8 TB/s') != n",
    "a bundle": "assert n.assume('idle_offloaded').formulas != n.formulas",
    "a formula": "assert float(n.assume('users = 2 * concurrent_sequences').users) > 112",
    "explain": "assert '60.8' in str(nk.explain(n, 'concurrent_sequences'))",
    "explain, shown": "assert '<' in nk.explain(n, 'concurrent_sequences')._repr_html_()",
    "binding": "assert str(nk.binding(n, 'users'))",
    "sensitivity": "assert nk.sensitivity(n, 'kv_bytes_per_sequence').to('context') == 1",
    "sensitivity to chance": "assert nk.sensitivity(n.assume('binomial'), 'users_by_load').rows",
    "solve": "assert nk.solve(n, 'context', concurrent_sequences=100)[0].how == 'exact'",
    "solve, bracketed": "assert nk.solve(n.assume('binomial'), 'duty_cycle', users_by_load=200)",
    "a root": "assert float(experts.largest_batch_at_speed) > 600",
    "compare": "assert str(nk.compare(n, n.assume(context=40_000), targets='users_per_gpu'))",
    "binomial": "assert float(n.assume('binomial').users_by_load) > 100",
    "binomial users": "assert float(n.assume('binomial').users) > 50",
    "erlang": "assert float(n.assume('erlang').users_by_load) > 100",
    "erlang users": "assert float(n.assume('erlang').users) > 50",
    "show": "assert 'sequence' in str(nk.show(nk.formulas.BASE[q.users]))",
    "say": "assert str(nk.say('{users}', users=n.users)) == str(n.users)",
    "symbols": "assert len(nk.symbols(n, 'users', 'price').rows) == 2",
    "results": "assert nk.views.results({'here': n}, 'users').rows",
    "a right number": "assert nk.check('0.1', right).state == 'right'",
    "a wrong number": "assert nk.check('0.1', 1).state == 'wrong'",
    "a right formula": "assert nk.check('1.4', q.peak_flops / (2 * q.bandwidth)).state == 'right'",
    "a formula as text": "assert nk.check('1.4', 'peak_flops / bandwidth').state == 'wrong'",
}


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """Run all statements in one interpreter, each on its own, and keep what fails."""
    lines = [
        f"try:\n    {statement}\nexcept Exception:\n    failed[{name!r}] = format_exc()"
        for name, statement in STATEMENTS.items()
    ]
    start = "import json\nfrom traceback import format_exc\nfailed = {}"
    done = run("\n".join([BEFORE, start, *lines, "print(json.dumps(failed))"]))
    assert not done.returncode, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEMENTS)
def test_it_works_with_sympy_alone(name: str, failures: dict[str, str]) -> None:
    assert name not in failures, failures[name]


def test_what_is_absent_is_absent() -> None:
    for name in ABSENT:
        done = run(BEFORE.partition("import napkin")[0] + f"import {name}")
        assert f"{name} is not there" in done.stderr
