'use strict';
// Node's own fetch classes (undici), which take 10 ms to load and 10 us to make: only fetched when
// something needs what the light classes lack. After that, objects of both kinds pass
// `instanceof Request`, `Response` and `Headers`.

// Node defines these as getters that load undici; they are taken before ours replace them.
const original = {};
for (const name of ['Request', 'Response', 'Headers', 'FormData']) {
  original[name] = Object.getOwnPropertyDescriptor(globalThis, name);
}
const originalFetch = globalThis.fetch;

let classes;

/** undici's { Request, Response, Headers, FormData }. */
function full() {
  if (classes !== undefined) return classes;
  classes = {};
  for (const name of Object.keys(original)) {
    const { get, value } = original[name];
    classes[name] = get === undefined ? value : get.call(globalThis);
  }
  for (const name of ['Request', 'Response', 'Headers']) {
    // undici's prototypes define every member themselves, so inheriting from ours changes nothing
    // but what instanceof sees.
    Object.setPrototypeOf(classes[name].prototype, exports.light[name].prototype);
  }
  return classes;
}

exports.full = full;
exports.fullLoaded = () => classes !== undefined;
exports.originalFetch = originalFetch;
exports.light = undefined;  // set by bootstrap.js: our classes by name
