'use strict';
// The routes inside JavaScript applications: tells the host by which of its framework's routes an
// application answers a request, as the framework writes it ("/items/:id", with what it is mounted
// below). Which frameworks those are, and where they say it: framework_routes.js, express_routes.js.

const { Frame, currentFrame } = use.frame;

// Applications have tens of texts; of one that makes them up as it goes, the rest counts as one.
const MOST_KEYS = 4096;
const WARN = 2;
const NO_ROUTE = '(no route)', OTHER_ROUTES = '(other routes)';  // as in host/measure/metrics.h
const keys = new Map();  // of texts: the host's numbers

function keyOf(text) {
  const known = keys.get(text);
  if (known !== undefined) return known;
  if (keys.size >= MOST_KEYS && text !== OTHER_ROUTES) return keyOf(OTHER_ROUTES);
  const key = host.routeKey(text);
  keys.set(text, key);
  return key;
}

// The same route below the path that its application is mounted at.
function mountedKey({ rootPath, mountedKeys }, key) {
  let mounted = mountedKeys.get(key);
  if (mounted === undefined) {
    const text = [...keys].find(([, known]) => known === key)[0];
    mounted = text.startsWith('/') ? keyOf(join(rootPath, text)) : key;
    mountedKeys.set(key, mounted);
  }
  return mounted;
}

/** The request is answered by this route; what is noted last counts. */
function note(frame, key) {
  if (frame.handler.rootPath !== '') key = mountedKey(frame.handler, key);
  if (frame.route === key) return;
  frame.route = key;
  host.noteRoute(frame.id, key);
}

/** A handler (that of the code that runs) has routes: what none of them takes counts as one, too. */
function registers(handler = currentFrame()?.handler) {
  if (handler === undefined || handler.routed) return;
  handler.routed = true;
  host.hasRoutes(handler.index);
}

/** The frame of a request of Node's http; undefined when the host did not give it. */
function frameOf(req) {
  const frame = req?.socket?.frame;
  return frame instanceof Frame && frame.id !== 0 ? frame : undefined;
}

function join(prefix, path) {
  if (path === '/' && prefix !== '') return prefix;
  return prefix + path;
}

/** A path as it was given to a framework, as a text. */
function textOf(path) {
  if (typeof path === 'string') return path === '' ? '/' : path;
  if (Array.isArray(path)) return `(${path.flat(Infinity).map(textOf).join('|')})`;
  return String(path);  // a regular expression
}

/**
 * A framework's package. What we do beside it must not be what an application fails by: when it
 * fails, that is logged once, and the framework's routes are not counted any more.
 */
class Source {
  constructor(name) {
    this.name = name;
    this.broken = false;
  }

  /** Calls watch(a, b, c, d), and nothing after the first failure. Without `...`: every request comes
   * through here. */
  run(watch, a, b, c, d) {
    if (this.broken) return;
    try {
      watch(a, b, c, d);
    } catch (error) {
      this.refuse(error);
    }
  }

  refuse(error) {
    if (this.broken) return;
    this.broken = true;
    const why = error instanceof Error ? error.stack : String(error);
    const handler = currentFrame()?.handler.name ?? '';
    host.log(WARN, `the routes of ${this.name} are not counted, because it is not as expected; ` +
      `the application is served as it is, and its requests count as one\n${why}`, handler);
  }
}

Object.assign(exports, {
  NO_ROUTE, OTHER_ROUTES, Source, frameOf, join, keyOf, note, registers, textOf,
});
