// SPDX-License-Identifier: Apache-2.0
// node pack.mjs PYODIDE PACK SOURCE OUT KEEP: an archive of sources, compiled by the interpreter of the page.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [pyodide, packer, source, out, keep] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(pyodide).href);
const python = await loadPyodide();
python.FS.writeFile("/pack.py", readFileSync(packer));
python.FS.writeFile("/source.zip", readFileSync(source));
python.globals.set("keep", keep);
python.runPython(`
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, "/")
import pack
pack.pack("/source.zip", "/out.zip", keep.split(","))`);
writeFileSync(out, python.FS.readFile("/out.zip"));
