'use strict';
// The routes of Express 4 and 5, of the package `router` alone, and of what is built on them
// (NestJS). A route knows only its own path; where its router is mounted is known from the calls
// that mounted it.

const { OTHER_ROUTES, frameOf, join, keyOf, note, registers, textOf } = use.routes;

// A router may be mounted in several places, and in a circle.
const MOST_PREFIXES = 16, MOST_DEPTH = 16;

const parents = new WeakMap();  // of a route, router or application: [{ router, path }]
const knownRoutes = new WeakMap();  // of a route: { app, mounts, templates, keys }
let mounts = 0;  // what was known of prefixes before the last mount is not known any more

function addParent(child, router, path) {
  const known = parents.get(child);
  if (known === undefined) parents.set(child, [{ router, path }]);
  else if (known.length < MOST_PREFIXES &&
           !known.some((one) => one.router === router && one.path === path)) {
    known.push({ router, path });
  } else {
    return;
  }
  mounts++;
}

function rootRouter(app) {
  const { _router: classic } = app;  // Express 4 throws when its `router` is read
  return typeof classic === 'function' ? classic : app.router;
}

const prefixOf = (path) => (path === '/' ? '' : path);

// The paths that `node` (a route, router or application) is reached by, with `below` at their end.
// `app` is the application that the request is in: it knows where it is mounted itself.
function reached(node, app, depth, found, below) {
  if (found.length >= MOST_PREFIXES || depth > MOST_DEPTH) return found;
  const above = parents.get(node);
  if (above !== undefined) {
    for (const { router, path } of above) {
      reached(router, app, depth + 1, found, join(prefixOf(path), below));
    }
    return found;
  }
  if (typeof app === 'function') {
    if (parents.has(app)) return reached(app, undefined, depth + 1, found, below);
    const { parent, mountpath } = app;
    if (parent !== undefined) {
      return reached(rootRouter(parent), parent, depth + 1, found,
                     join(prefixOf(textOf(mountpath)), below));
    }
  }
  found.push(below === '' ? '/' : below);
  return found;
}

// Does a path begin as this template says? Express ignores case unless told otherwise.
function fits(template, baseUrl) {
  const wanted = template.toLowerCase().split('/');
  return baseUrl.toLowerCase().split('/').every((part, i) => wanted[i] !== undefined &&
    (part === wanted[i] || /[:*({]/.test(wanted[i])));
}

function templatesOf(node, own, app) {
  let known = knownRoutes.get(node);
  if (known === undefined || known.mounts !== mounts || known.app !== app) {
    const templates = [...new Set(reached(node, app, 0, [], own))];
    known = { app, mounts, templates, keys: templates.map(keyOf) };
    knownRoutes.set(node, known);
  }
  return known;
}

function noteRoute(node, own, req) {
  const frame = frameOf(req);
  if (frame === undefined) return;
  const known = templatesOf(node, own, req.app);
  if (known.keys.length === 1) {
    note(frame, known.keys[0]);
    return;
  }
  const { rootPath } = frame.handler;
  const baseUrl = (req.baseUrl ?? '').slice(rootPath.length);
  const at = known.templates.findIndex((template) => fits(template, baseUrl));
  note(frame, at < 0 ? keyOf(OTHER_ROUTES) : known.keys[at]);
}

/** Of a router's lib/route.js: a route that takes a request says so. */
function watchRoute(Route, source) {
  const { dispatch } = Route.prototype;
  if (typeof dispatch !== 'function') throw new TypeError('Route.prototype.dispatch is no function');
  Route.prototype.dispatch = function (req, res, done) {
    source.run(noteRoute, this, '', req);
    return dispatch.call(this, req, res, done);
  };
}

/** Of a router's index.js: what is mounted where. */
function watchRouter(exported, source) {
  // Express 4 exports the prototype itself.
  const router = typeof exported.prototype?.use === 'function' ? exported.prototype : exported;
  const { use: mount, route: make } = router;
  if (typeof mount !== 'function') throw new TypeError('Router.use is no function');
  if (typeof make !== 'function') throw new TypeError('Router.route is no function');
  router.route = function route(path) {
    const made = make.call(this, path);
    source.run(madeRoute, made, this, path);
    return made;
  };
  router.use = function use(...values) {
    const before = this.stack?.length ?? 0;
    const result = mount.apply(this, values);
    source.run(mounted, this, values[0], before, source);
    return result;
  };
}

function madeRoute(route, router, path) {
  registers();
  addParent(route, router, textOf(path));
}

// The layers from number `first` on are what router.use(argument, ...) has just added.
function mounted(router, argument, first, source) {
  let leaf = argument;
  while (Array.isArray(leaf) && leaf.length > 0) [leaf] = leaf;
  const path = typeof leaf === 'function' ? '/' : textOf(argument);
  for (const layer of router.stack.slice(first)) {
    const { handle } = layer;
    if (Array.isArray(handle.stack) || typeof handle.handle === 'function') {
      addParent(handle, router, path);  // a router, or an application as a function
    } else if (handle.name === 'mounted_app') {
      mounts++;  // Express's own wrapper: the application knows its parent from now on
    } else if (path !== '/' && handle.length <= 3) {
      watchLayer(layer, router, path, source);
    }
  }
}

// A function that is used below a path and may answer there without a route: files, a proxy. It
// counts when it does not pass the request on.
function watchLayer(layer, router, path, source) {
  const name = typeof layer.handleRequest === 'function' ? 'handleRequest' : 'handle_request';
  const original = layer[name];
  if (typeof original !== 'function') throw new TypeError('Layer.handleRequest is no function');
  addParent(layer, router, path);
  Object.defineProperty(layer, name, {
    configurable: true, writable: true, enumerable: false,
    value(req, res, next) {
      const frame = source.broken ? undefined : frameOf(req);
      if (frame === undefined) return original.call(this, req, res, next);
      const before = frame.route;
      source.run(noteRoute, layer, '/*', req);
      return original.call(this, req, res, function (error) {
        const passes = !error || error === 'route' || error === 'router';
        if (passes) note(frame, before ?? keyOf(use.routes.NO_ROUTE));
        next(error);
      });
    },
  });
}

Object.assign(exports, { watchRoute, watchRouter });
