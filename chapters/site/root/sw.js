// SPDX-License-Identifier: Apache-2.0
// Offline after the first visit. What has a version for its folder never changes and comes from the
// cache of that version; for all else the server is asked first, and the cache where it does not answer.
const PAGES = "napkin-pages";
const VERSIONED = /\/_static\/live\/([0-9a-f]{12})\//;

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const version = VERSIONED.exec(url.pathname)?.[1];
  event.respondWith(version ? fromCache(event, `napkin-py-${version}`) : fromServer(event));
});

async function fromCache(event, name) {
  const cache = await caches.open(name);
  return (await cache.match(event.request)) ?? kept(event, cache, await fetch(event.request));
}

async function fromServer(event) {
  const cache = await caches.open(PAGES);
  try {
    return kept(event, cache, await fetch(event.request));
  } catch (reason) {
    const found = await cache.match(event.request, { ignoreSearch: true });
    if (found) return found;
    throw reason;
  }
}

// Storing may fail where there is no room: the answer counts.
function kept(event, cache, response) {
  if (response.status === 200) event.waitUntil(cache.put(event.request, response.clone()).catch(() => {}));
  return response;
}
