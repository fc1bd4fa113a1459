"""One virtual environment for each peer, and the peer asked in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.benchmarks.peers.rows import Answer

ROOT: Final = Path(__file__).parents[3]
ENVIRONMENTS: Final = ROOT / "_build/peers"
PEERS: Final = {
    "aiconfigurator": ("aiconfigurator==0.12.0", "tests.benchmarks.peers.ask_aiconfigurator"),
    "aisimulate": ("aisimulate==0.13.0", "tests.benchmarks.peers.ask_aiconfigurator"),
    "llm-analysis": ("llm-analysis==0.2.2", "tests.benchmarks.peers.ask_static"),
    "genz-llm": ("genz-llm==0.0.16", "tests.benchmarks.peers.ask_static"),
}
"""What is installed, and the module that asks it."""


class NotInstalledError(Exception):
    """A peer that does not install; the message says why."""


def python_of(name: str, requirement: str) -> str:
    """Return the Python of a peer's environment, which is made unless it is complete."""
    home = ENVIRONMENTS / name
    python, done = str(home / "bin/python"), home / "installed.txt"
    if not done.is_file() or done.read_text(encoding="utf-8") != requirement:
        _run(sys.executable, "-m", "venv", "--clear", str(home))
        _run(python, "-m", "pip", "install", "--quiet", requirement)
        done.write_text(requirement, encoding="utf-8")
    return python


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        errors = re.findall(r"^\s*([\w.]*Error\b.*|ERROR: .*)", ended.stderr, re.MULTILINE)
        raise NotInstalledError(errors[-1] if errors else ended.stderr.strip()[-200:])


def ask(
    python: str, module: str, name: str, rows: Sequence[Mapping[str, Any]], limit: float = 3600
) -> list[Answer]:
    """Return a peer's answer to each row; a peer that dies or takes too long leaves a reason."""
    with TemporaryDirectory() as folder:
        asked, answered = Path(folder, "rows.json"), Path(folder, "answers.jsonl")
        asked.write_text(json.dumps([row for row in rows if "reason" not in row]), encoding="utf-8")
        command = [python, "-m", module, str(asked), str(answered), name]
        here = {**os.environ, "PYTHONPATH": str(ROOT)}
        try:
            ended = subprocess.run(
                command, cwd=folder, env=here, capture_output=True, text=True, timeout=limit
            )
            why = f"it ended with {ended.returncode}: {ended.stderr.strip()[-200:]}"
        except subprocess.TimeoutExpired:
            why = f"it took longer than {limit:g} s"
        lines = answered.read_text(encoding="utf-8").splitlines() if answered.is_file() else []
    found = iter([json.loads(line) for line in lines if line.endswith("}")])
    return [dict(row) if "reason" in row else next(found, {"reason": why}) for row in rows]
