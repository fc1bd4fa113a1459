// SPDX-License-Identifier: Apache-2.0
// The page's side of Python: one worker, started when something first asks, and the bar that tells of it.
const root = new URL("../../", import.meta.url);

class Stopped extends Error {}

class Python {
  mode = new URLSearchParams(location.search).get("python") === "archive" ? "archive" : "keep";
  open = new Map();
  count = 0;

  start() {
    this.ready ??= this.#begin();
    return this.ready;
  }

  async #begin() {
    const began = performance.now();
    this.told("Loading Python …");
    await (this.offline ??= keepOffline());
    const worker = (this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
    return new Promise((resolve, reject) => {
      this.refuse = reject;
      worker.onmessage = ({ data }) => {
        if (data.progress) this.#progress(data.progress);
        else if (data.ready) {
          this.facts = { ...data.ready, ms: performance.now() - began };
          this.told(null);
          resolve(this.facts);
        } else if (data.kept) this.bar.dataset.kept = data.kept; // the next visit starts from it
        else if (data.again) worker.postMessage({ start: { mode: "archive" } });
        else if (data.failed) this.#fail(data.failed);
        else {
          const { good, bad } = this.open.get(data.id) ?? {};
          this.open.delete(data.id);
          if (data.error) bad?.(new Error(data.error));
          else good?.(Object.assign(data.result, { ms: data.ms, memory: data.memory }));
        }
      };
      worker.onerror = (event) => this.#fail(event.message || "the worker did not load");
      worker.postMessage({ start: { mode: this.mode } });
    });
  }

  #fail(reason) {
    this.#end(new Error(`Python didn't start: ${reason}`));
    this.told(null);
  }

  #end(reason) {
    this.worker?.terminate();
    this.refuse?.(reason);
    for (const { bad } of this.open.values()) bad(reason);
    this.open.clear();
    this.ready = this.worker = null;
  }

  #progress({ stage, done, total }) {
    const mb = (bytes) => (bytes / 1e6).toFixed(1);
    if (stage === "files" && done < total) this.told(`Loading Python, ${mb(done)} of ${mb(total)} MB`, done / total);
    else this.told("Starting Python …");
  }

  async ask(call, ...args) {
    await this.start();
    const id = ++this.count;
    const answer = new Promise((good, bad) => this.open.set(id, { good, bad }));
    this.worker.postMessage({ id, call, args });
    const late = setTimeout(() => this.told("Python is computing …"), 1000);
    try {
      return await answer;
    } finally {
      clearTimeout(late);
      if (!this.open.size) this.told(null);
    }
  }

  // Without shared memory there is no other way to stop a cell: end the worker. The next question starts one.
  stop() {
    this.#end(new Stopped("stopped"));
    this.told(null);
    this.stopped?.();
  }

  // One bar for the page, with a button that stops: null takes it away.
  told(text, share) {
    if (!this.bar) {
      this.bar = Object.assign(document.createElement("div"), { className: "live-bar", hidden: true });
      const stop = Object.assign(document.createElement("button"), { type: "button", textContent: "Stop" });
      stop.addEventListener("click", () => this.stop());
      this.said = document.createElement("span");
      this.said.setAttribute("role", "status");
      this.part = document.createElement("progress");
      this.part.setAttribute("aria-label", "Python on its way");
      this.bar.append(this.said, this.part, stop);
      document.body.append(this.bar);
    }
    this.bar.hidden = text === null;
    this.said.textContent = text ?? "";
    if (share === undefined) this.part.removeAttribute("value");
    else this.part.value = share;
  }
}

// The service worker may be refused (private windows): then the page works, only not offline.
async function keepOffline() {
  const service = navigator.serviceWorker;
  if (!service) return;
  try {
    await service.register(new URL("sw.js", root));
    await service.ready;
    if (!service.controller) await new Promise((go) => service.addEventListener("controllerchange", go, { once: true }));
    // What this page has loaded before there was anyone to keep it.
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const own = [location.href.split("#")[0], ...loaded].filter((url) => url.startsWith(root.href));
    const cache = await caches.open("napkin-pages");
    await Promise.allSettled([...new Set(own)].map((url) => cache.add(url)));
  } catch {}
}

export const python = new Python();
export const isStop = (reason) => reason instanceof Stopped;
