// SPDX-License-Identifier: Apache-2.0
// Python in a module worker: one interpreter for the whole page, asked by messages.
// In: {start: {mode}}, then {id, call, args}. Out: {progress}, {ready}, {id, result} or {id, error}, {kept}.
const IMAGE = "napkin-image-";
let python, door;
const waiting = [];

// Counts all bytes on their way in, also those that the interpreter fetches itself.
function counted(files) {
  const total = Object.values(files).reduce((sum, size) => sum + size, 0), own = self.fetch.bind(self);
  let done = 0;
  return async (...asked) => {
    const response = await own(...asked);
    if (!response.ok || !response.body) return response;
    const count = new TransformStream({
      transform(part, out) {
        done = Math.min(total, done + part.length);
        postMessage({ progress: { stage: "files", done, total } });
        out.enqueue(part);
      },
    });
    return new Response(response.body.pipeThrough(count), { headers: response.headers });
  };
}

// The interpreter restores an image into memory that it does not enlarge itself.
function enlarge(size) {
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const own = WebAssembly[name].bind(WebAssembly);
    WebAssembly[name] = async (...given) => {
      const made = await own(...given);
      const memory = (made.instance ?? made).exports?.memory;
      if (memory && memory.buffer.byteLength < size) memory.grow(Math.ceil((size - memory.buffer.byteLength) / 65536));
      WebAssembly[name] = own;
      return made;
    };
  }
}

// Caches of this or an earlier version, where the browser has any to give.
async function store(version) {
  try {
    for (const name of await caches.keys())
      if (/^napkin-(py|image)-/.test(name) && !name.endsWith(version)) await caches.delete(name);
    return await caches.open(IMAGE + version);
  } catch {
    return null;
  }
}

async function start({ mode }) {
  const began = performance.now(), marks = {};
  const mark = (name) => (marks[name] = Math.round(performance.now() - began));
  const { version, bytes: sizes } = await (await fetch("manifest.json", { cache: "no-cache" })).json();
  const { "katex.min.js": _, ...files } = sizes, folder = new URL(`${version}/`, self.location).href;
  self.fetch = counted(files);
  // All files are fetched side by side.
  const [sympy, napkin] = ["sympy.zip", "napkin.zip"].map(async (name) => {
    const response = await fetch(folder + name);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  });
  const { loadPyodide } = await import(`${folder}pyodide.mjs`);
  const kept = mode === "keep" ? await store(version) : null, found = await kept?.match("image");
  const options = { indexURL: folder, fullStdLib: false };
  if (found) {
    options._loadSnapshot = new Uint8Array(await found.arrayBuffer());
    enlarge(options._loadSnapshot.length);
  } else if (kept) options._makeSnapshot = true;
  try {
    python = await loadPyodide(options);
  } catch (reason) {
    if (!found) throw reason;
    await kept.delete("image"); // it does not fit this browser: begin with the archive, as at first
    postMessage({ again: true });
    return;
  }
  mark("interpreter");
  python.FS.writeFile("/lib/sympy.zip", await sympy); // files lie outside the image
  python.FS.writeFile("/lib/napkin.zip", await napkin);
  mark("files");
  postMessage({ progress: { stage: "import" } });
  if (!found) {
    python.runPython("import sys; sys.path[:0] = ['/lib/napkin.zip', '/lib/sympy.zip']\nimport live; live.warm()");
    mark("import");
  }
  const image = options._makeSnapshot ? python.makeMemorySnapshot() : null; // before a reader's code has run
  door = python.runPython("import live; live.call");
  mark("ready");
  postMessage({ ready: { marks, restored: Boolean(found), memory: python._module.HEAP8.length } });
  for (const message of waiting.splice(0)) answer(message);
  // Later, so that the first answers do not wait; without room for it, the archive is there.
  if (image) setTimeout(() => keep(kept, image).catch(() => {}), 3000);
}

// The memory with SymPy and the book imported, for the next visit: stored, never sent.
async function keep(kept, image) {
  await kept.put("image", new Response(image));
  postMessage({ kept: image.length });
}

function answer({ id, call, args }) {
  const began = performance.now();
  try {
    const result = JSON.parse(door(call, JSON.stringify(args)));
    postMessage({ id, result, ms: performance.now() - began, memory: python._module.HEAP8.length });
  } catch (reason) {
    postMessage({ id, error: String(reason.message ?? reason).trim().split("\n").pop() });
  }
}

self.onmessage = async ({ data }) => {
  if (data.start) {
    try {
      await start(data.start);
    } catch (reason) {
      postMessage({ failed: String(reason.message ?? reason).slice(0, 500) });
    }
  } else if (door) answer(data);
  else waiting.push(data);
};
