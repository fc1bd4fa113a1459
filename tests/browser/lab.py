"""A JupyterLab on this machine only."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen


@contextmanager
def running(root: Path) -> Iterator[str]:
    """Run JupyterLab over a folder, and say where.

    Parameters
    ----------
    root : Path
        What it shows.

    Yields
    ------
    str
        Its address.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--port={port}", "--ServerApp.token=", f"--ServerApp.root_dir={root}"),
            "--ServerApp.disable_check_xsrf=True",  # tests end kernels
            f"--LabApp.workspaces_dir={root / 'workspaces'}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(120):
        try:
            urlopen(f"http://127.0.0.1:{port}/api").close()
            break
        except OSError:
            time.sleep(0.5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
