"""The side of a peer: runs in the peer's environment, and imports nothing but Python's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

Row = Mapping[str, Any]
"""What `rows.told` tells."""
Predict = Callable[[Row], float]


class NoAnswerError(Exception):
    """A row that the peer has no means to express; the message is the reason."""


def serve(start: Callable[[], Predict]) -> None:
    """Answer the rows of one file in another, a line each: seconds of a token, or a reason."""
    rows = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with Path(sys.argv[2]).open("w", encoding="utf-8") as answers, redirect_stdout(sys.stderr):
        predict = start()
        for row in rows:
            began = perf_counter()
            answer = _answer(predict, row) | {"seconds": perf_counter() - began}
            print(json.dumps(answer), file=answers, flush=True)  # what is answered counts


def _answer(predict: Predict, row: Row) -> dict[str, Any]:
    try:
        tpot = float(predict(row))
    except (Exception, SystemExit) as reason:
        told = str(reason) if isinstance(reason, NoAnswerError) else repr(reason)
        return {"reason": " ".join(told.split())[:300]}
    return {"tpot": tpot} if isfinite(tpot) and tpot > 0 else {"reason": f"it answers {tpot}"}
