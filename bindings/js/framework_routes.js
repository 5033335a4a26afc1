'use strict';
// How a framework is met, and what is watched of it. A framework is known by its package's name and
// the file in it that routes: when user code loads that, a line at its end hands us its parts, and
// what it calls for a matched route then tells us, too. Nothing else of it changes. An application
// that was bundled into one file has no such files: its requests count as one.

const { currentFrame } = use.frame;
const { NO_ROUTE, Source, frameOf, join, keyOf, note, registers, textOf } = use.routes;
const { watchRoute, watchRouter } = use.expressRoutes;
const { fileURLToPath } = require('url');
const path = require('path');
const fs = require('fs');
const Module = require('module');
const { getNearestParentPackageJSON } = host.internal('internal/modules/package_json_reader');

// --- Koa: its routers say in the context which route they took ---

function watchKoaContext(context, source) {
  const kMatched = Symbol('duet.matched');
  Object.defineProperty(context, '_matchedRoute', {
    configurable: true,
    enumerable: false,
    get() {
      return this[kMatched];
    },
    set(route) {
      this[kMatched] = route;
      source.run(noteKoa, this, route);
    },
  });
}

function noteKoa(context, route) {
  const frame = frameOf(context.req);
  if (frame === undefined || route === undefined) return;
  registers(frame.handler);
  note(frame, keyOf(join(koaPrefix(context), textOf(route))));
}

// An application that is mounted below another (koa-mount) sees the rest of the path: its prefix has
// no parameters.
function koaPrefix({ mountPath, path: rest, originalUrl }) {
  if (typeof mountPath !== 'string') return '';
  const end = originalUrl.search(/[?#]/);
  const whole = end < 0 ? originalUrl : originalUrl.slice(0, end);
  if (whole.endsWith(rest)) return whole.slice(0, whole.length - rest.length);
  return rest === '/' ? whole : mountPath;
}

function watchKoaApplication(Application, source) {
  const { use: add } = Application.prototype;
  if (typeof add !== 'function') throw new TypeError('Application.prototype.use is no function');
  Application.prototype.use = function use(middleware) {
    if (middleware?.router !== undefined) source.run(registers);
    return add.call(this, middleware);
  };
}

// --- Fastify: its routes are in a router of the package find-my-way ---

function watchFindMyWay(Router, source) {
  const { on } = Router.prototype;
  if (typeof on !== 'function') throw new TypeError('Router.prototype.on is no function');
  const watched = new WeakSet();
  Router.prototype.on = function (method, route, options, handler, store) {
    const values = [method, route, options, handler, store];
    const at = typeof options === 'function' ? 2 : 3;
    const original = values[at];
    const template = values[at + 1]?.config?.url;
    // Others than Fastify use this package, and Fastify itself has a second router for what is not
    // found: their routes have no such text. For several methods it calls itself again.
    if (typeof template === 'string' && !watched.has(original)) {
      source.run(() => {
        registers();
        const key = keyOf(template);
        values[at] = function (req, res, params, context, query) {
          const frame = frameOf(req);
          if (frame !== undefined) note(frame, key);
          return original.call(this, req, res, params, context, query);
        };
        watched.add(values[at]);
      });
    }
    return on.apply(this, values);
  };
}

// --- Hono: what its router found comes through here, on its way to the handlers ---

function noteHono(entries) {
  const frame = currentFrame();
  if (frame === undefined || frame.id === 0) return;
  registers(frame.handler);
  // The first route counts, and below a mount that of the mounted application: others may ask their
  // applications themselves.
  const prefix = frame.mount;
  if (frame.route !== undefined && prefix === undefined) return;
  const route = honoRoute(entries);
  if (route === undefined) {
    if (prefix === undefined) note(frame, keyOf(NO_ROUTE));
    return;
  }
  const { method, path: below } = route;
  note(frame, keyOf(prefix === undefined ? below : join(prefix, below)));
  const mounts = method === 'ALL' && below.endsWith('/*');
  frame.mount = mounts ? (prefix ?? '') + below.slice(0, -2) : undefined;
}

// Of all that match, the route rather than the middleware, which is 'ALL' and often of every path.
function honoRoute(entries) {
  let best, rank = 0;
  for (let i = 0; i < entries.length; i++) {
    const route = entries[i][0][1];  // an entry: [[handler, route], parameters]
    const bare = route.path === '/*' || route.path === '*';
    if (route.method !== 'ALL' && !bare) return route;
    const its = route.method !== 'ALL' ? 2 : bare ? 0 : 1;
    if (its > rank) [best, rank] = [route, its];
  }
  return best;
}

// --- how a framework is met ---

const FRAMEWORKS = [
  ['express', 'lib/router/route.js', watchRoute],  // Express 4
  ['express', 'lib/router/index.js', watchRouter],
  ['router', 'lib/route.js', watchRoute],  // Express 5
  ['router', 'index.js', watchRouter],
  ['koa', 'lib/context.js', watchKoaContext],
  ['koa', 'lib/application.js', watchKoaApplication],
  ['find-my-way', 'index.js', watchFindMyWay],
];
const HONO = ['dist/hono-base.js', 'dist/cjs/hono-base.js'];
const HONO_MATCH = 'this.router.match(method, path)';
const DUET = 'globalThis[Symbol.for("duet.routes")]';

// Calls from the lines that were added to the frameworks, by the number of their Source.
const sources = [];
const watched = new WeakSet();

Object.defineProperty(globalThis, Symbol.for('duet.routes'), {
  configurable: true,
  value: Object.freeze({
    watch(number, at, exported) {
      const source = sources[number];
      source.run(() => {
        if (watched.has(exported)) return;
        watched.add(exported);
        FRAMEWORKS[at][2](exported, source);
      });
    },
    hono(number, found) {
      sources[number].run(noteHono, found[0]);
      return found;
    },
  }),
});

// One for each copy of a package: { number, source }, by its folder.
const byFolder = new Map();

function sourceOf(folder, name) {
  const known = byFolder.get(folder);
  if (known !== undefined) return known;
  const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const source = new Source(`${name} ${version ?? 'without a version'}`);
  const added = { source, number: sources.push(source) - 1 };
  byFolder.set(folder, added);
  return added;
}

// The package and the path in it of a file that may be one of a framework; else undefined.
function placeOf(url) {
  const file = fileURLToPath(url);
  const found = getNearestParentPackageJSON(file);
  const name = found?.data?.name;
  if (name === undefined) return undefined;
  const folder = path.dirname(found.path);
  return { name, folder, file: path.relative(folder, file).replaceAll(path.sep, '/') };
}

const NAMES = /\/(?:route|index|context|application|hono-base)\.js$/;

/** The text of a framework's file with what is added to it; undefined: it is none. */
function rewritten(url, text) {
  if (!url.startsWith('file:') || !NAMES.test(url)) return undefined;
  const place = placeOf(url);
  if (place === undefined) return undefined;
  const { name, folder, file } = place;
  const at = FRAMEWORKS.findIndex(([its, where]) => its === name && where === file);
  if (at >= 0) {
    const { number } = sourceOf(folder, name);
    // In a worker thread there is nobody to tell; what only bears the framework's name may be an ES
    // module.
    return `${text()}\n;${DUET}?.watch(${number}, ${at}, ` +
      'typeof module === "undefined" ? undefined : module.exports);';
  }
  if (name !== 'hono' || !HONO.includes(file)) return undefined;
  const { source, number } = sourceOf(folder, name);
  const before = text();
  if (!before.includes(HONO_MATCH)) {
    source.refuse(new TypeError(`${file} has no ${HONO_MATCH}`));
    return undefined;
  }
  return before.replace(HONO_MATCH, `duetMatch(${HONO_MATCH})`) +
    `\n;const duetRoutes = ${DUET};` +
    `const duetMatch = (found) => duetRoutes?.hono(${number}, found) ?? found;`;
}

function load(url, context, next) {
  const loaded = next(url, context);
  const source = rewritten(url, () => String(loaded.source ??
    fs.readFileSync(fileURLToPath(url), 'utf8')));
  return source === undefined ? loaded : { ...loaded, source };
}

/** From now on the frameworks that user code loads tell their routes. */
exports.hookFrameworks = () => {
  Module.registerHooks({ load });
};
