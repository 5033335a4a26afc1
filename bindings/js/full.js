'use strict';
// Node's own fetch classes (undici), which take 30 ms to load and 10 us to make: only fetched when
// something needs what the light classes lack. After that, objects of both kinds pass
// `instanceof Request`, `Response` and `Headers`.
// Node's globals of these names are not looked at before they go: they are lazy, and to ask for their
// property descriptors already loads undici.

/** Puts our classes in the place of Node's. */
function replaceGlobals(light) {
  exports.light = light;
  for (const [name, value] of Object.entries(light)) {
    delete globalThis[name];  // to define over a lazy property would ask for its value
    Object.defineProperty(globalThis, name, {
      configurable: true, enumerable: false, writable: true, value,
    });
  }
}

let classes;

/** undici's { Request, Response, Headers, FormData ... }. */
function full() {
  if (classes !== undefined) return classes;
  classes = host.internal('internal/deps/undici/undici');
  for (const name of ['Request', 'Response', 'Headers']) {
    // undici's prototypes define every member themselves, so inheriting from ours changes nothing
    // but what instanceof sees.
    Object.setPrototypeOf(classes[name].prototype, exports.light[name].prototype);
  }
  return classes;
}

exports.full = full;
exports.fullLoaded = () => classes !== undefined;
exports.originalFetch = globalThis.fetch;
exports.replaceGlobals = replaceGlobals;
exports.light = undefined;  // our classes by name
