# SPDX-License-Identifier: Apache-2.0
"""What a page asks Python for: one form, cells, exercises. JSON in, JSON out."""

import json
from collections.abc import Callable
from typing import Any, Final

from live_cells import run, spaces
from live_form import answer, derive, explain, policies, sensitivity

import napkin as nk


def check(number: str, text: str) -> dict[str, str]:
    """Check an answer as it was typed."""
    feedback = nk.check(number, text if text.strip() else None)
    return {"state": feedback.state, "text": feedback.text}


_CALLS: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    made.__name__: made for made in (answer, policies, derive, explain, sensitivity, check, run)
}


def call(name: str, arguments: str) -> str:
    """Answer a question of the page: the only door."""
    return json.dumps(_CALLS[name](*json.loads(arguments)))


def warm() -> None:
    """Import and compute once what every answer needs, before any reader's code runs."""
    config = {
        **{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336},
        **{"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8},
        **{"vocab_size": 128256, "tie_word_embeddings": False},
    }
    form = {
        **{"config": json.dumps(config), "accelerator": "own", "memory": "96 GB"},
        **{"bandwidth": "4 TB/s", "peak": "1200 TFLOP/s", "precision": "fp8"},
        **{"context": "6000", "message": "400", "new_tokens": "300", "think_time": "45 s"},
        **{"speed_target": "20", "host_memory": "384 GB", "host_link_bandwidth": "50 GB/s"},
        **{"price": "2", "policy": "idle_offloaded"},
    }
    answer(form)
    run("import diagrams\nimport napkin as nk\nfrom napkin import notation\nnk.say('')", "warm")
    check("0.1", "")
    spaces.clear()
