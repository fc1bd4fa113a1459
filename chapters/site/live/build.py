# SPDX-License-Identifier: Apache-2.0
"""Gather what Python in the page needs: ``build.py gather OUT``, then ``build.py pack BASE OUT``.

The first part fetches the interpreter and compiles SymPy, once. The second compiles the book's own
package with that interpreter, in seconds, and puts all of it into a folder with a version for name.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from sphinxcontrib import katex

HERE = Path(__file__).parent
CHAPTERS = HERE.parents[1]
PYODIDE = "314.0.7"  # whether it can store its memory is not promised: try before you change it
INTERPRETER = (
    *("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"),
    *("python_stdlib.zip", "pyodide-lock.json"),
)
DOOR = ("live", "live_cells", "live_form")
OWN = ("napkin", "diagrams", *DOOR)


def _fetch(package: str, target: Path) -> None:
    """Unpack a package of npm."""
    with TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", package]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            archive.extractall(target, filter="data")


def _compile(base: Path, source: Path, out: Path, keep: str) -> None:
    """Turn an archive of sources into one of what the interpreter reads at once."""
    pyodide = base / "npm" / "pyodide" / "package" / "pyodide.mjs"
    subprocess.run(
        ["node", HERE / "pack.mjs", pyodide, HERE / "pack.py", source, out, keep], check=True
    )


def gather(base: Path) -> None:
    """Fetch the interpreter and the typesetter, and compile SymPy as it is installed here."""
    shutil.rmtree(base, ignore_errors=True)
    _fetch(f"pyodide@{PYODIDE}", base / "npm" / "pyodide")
    _fetch(f"katex@{katex.katex_version}", base / "npm" / "katex")
    files = base / "files"
    files.mkdir()
    package = base / "npm" / "pyodide" / "package"
    for name in INTERPRETER:
        shutil.copy(package / name, files)
    start = files / "pyodide.mjs"  # without the address of a map that is not here
    start.write_text(re.sub(r"\n//# sourceMappingURL=.*", "", start.read_text("utf-8")), "utf-8")
    lock = json.loads((files / "pyodide-lock.json").read_text("utf-8"))
    (files / "pyodide-lock.json").write_text(json.dumps(lock | {"packages": {}}), "utf-8")
    shutil.copy(base / "npm" / "katex" / "package" / "dist" / "katex.min.js", files)
    with ZipFile(base / "sympy.zip", "w") as archive:
        for name in ("sympy", "mpmath"):
            for file in distribution(name).files or ():
                if file.suffix == ".py" and file.parts[0] == name:
                    archive.write(file.locate(), file.as_posix())
    _compile(base, base / "sympy.zip", files / "sympy.zip", "")


def pack(base: Path, out: Path) -> None:
    """Add the book's package, and name the folder by what is in it."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "own.zip"
        with ZipFile(source, "w") as archive:
            for root in (CHAPTERS.parent / "napkin", CHAPTERS / "diagrams"):
                for path in sorted(root.rglob("*")):
                    if path.suffix in {".py", ".toml", ".csv"}:
                        archive.write(path, path.relative_to(root.parent))
            for name in DOOR:
                archive.write(HERE / f"{name}.py", f"{name}.py")
        made = Path(folder) / "napkin.zip"
        _compile(base, source, made, ",".join(OWN))
        files = [*sorted((base / "files").iterdir()), made]
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.read_bytes())
        version = digest.hexdigest()[:12]
        shutil.rmtree(out, ignore_errors=True)
        (out / "live" / version).mkdir(parents=True)
        for path in files:
            shutil.copy(path, out / "live" / version)
    sizes = {path.name: path.stat().st_size for path in (out / "live" / version).iterdir()}
    manifest = {"version": version, "bytes": sizes}
    (out / "live" / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")


if __name__ == "__main__":
    base, *outs = (Path(name).resolve() for name in sys.argv[2:])
    pack(base, *outs) if sys.argv[1] == "pack" else gather(base)
