'use strict';
// Node-style applications: `(req, res)` listeners, and servers that call listen(). The first
// http.Server that a handler's module lets listen is the handler: its requests come from the host,
// parsed once, and its port stays unopened.

const { currentFrame, watch } = use.frame;
const { attach } = use.nodeResponse;
const { abort, settle } = use.nodeSocket;
const { upgrade } = use.nodeUpgrade;
const { channel } = require('diagnostics_channel');

// Milliseconds in which a module without a default export may still listen: one that has loaded
// http by then, and one that may be loading it.
const PATIENCE = 30_000, SHORT_PATIENCE = 1_000;
const NO_PROXY = 'This server is no proxy.\n';
const UNAVAILABLE = 'content-type\ntext/plain; charset=utf-8\n';
const NO_UPGRADE = 'The connection cannot be upgraded now: the server stops, or an earlier request ' +
  'of it is not answered yet.\n';

const listenArguments = Symbol('duet.listen');
const symbols = { IncomingMessage: undefined, ServerResponse: undefined, kUniqueHeaders: undefined };
const started = channel('http.server.request.start');
let http, HostSocket, originalListen;

// Loaded when user code first loads http, which takes 4 ms that other handlers do not need.
function install(found) {
  if (http !== undefined) return;
  http = found;
  use.nodeSocket.define();
  ({ HostSocket } = use.nodeSocket);
  use.nodeResponse.install(http);
  for (const symbol of Object.getOwnPropertySymbols(http.createServer())) {
    if (Object.hasOwn(symbols, symbol.description)) symbols[symbol.description] = symbol;
  }
  originalListen = http.Server.prototype.listen;
  Object.defineProperty(http.Server.prototype, 'listen', {
    configurable: true, writable: true, enumerable: true, value: listen,
  });
}

/** From now on user code that loads Node's http gets ours in it. */
function hookHttp() {
  const { BuiltinModule } = host.internal('internal/bootstrap/realm');
  const original = BuiltinModule.prototype.compileForPublicLoader;
  BuiltinModule.prototype.compileForPublicLoader = function compileForPublicLoader() {
    const loaded = original.call(this);
    if (http === undefined && (this.id === 'http' || this.id === 'https' ||
                               this.id === '_http_server')) {
      install(require('http'));
    }
    return loaded;
  };
}

function listen(...values) {
  const frame = currentFrame();
  const handler = frame?.handler;
  if (frame === undefined || frame.id !== 0 || this._handle) {
    return originalListen.apply(this, values);
  }
  const [options, callback] = require('net')._normalizeArgs(values);
  if (handler.server === undefined && handler.target === undefined) {
    handler.server = this;
  } else if (!sameAddress(handler, this, options)) {
    return originalListen.apply(this, values);
  }
  this[listenArguments] = { values, options };
  if (typeof callback === 'function') this.once('listening', callback);
  this._handle = new UnopenedHandle(options);
  // It would look for slow connections every 30 s, and has none.
  const watcher = this.listeners('listening').find(({ name }) => name === 'setupConnectionsTracking');
  if (watcher !== undefined) this.removeListener('listening', watcher);
  process.nextTick(() => {
    if (this._handle) this.emit('listening');
  });
  handler.onListen?.();
  host.onListen();
  return this;
}

// Some frameworks open one server for each address of a name: they are one handler here.
function sameAddress(handler, server, options) {
  const first = handler.server?.[listenArguments]?.options;
  return handler.server === server || (first !== undefined && options.port !== undefined &&
    first.port !== undefined && Number(first.port) === Number(options.port) && options.port !== 0);
}

/** In the place of a listening socket: it is never opened. Its address is the host's. */
class UnopenedHandle {
  constructor({ port, host: name }) {
    this.port = host.listenPort || Number(port) || 0;
    this.address = host.listenPort ? host.listenHost : name ?? '::';
  }
  getsockname(out) {
    out.address = this.address;
    out.port = this.port;
    out.family = this.address.includes(':') ? 'IPv6' : 'IPv4';
    return 0;
  }
  close(done) {
    if (typeof done === 'function') process.nextTick(done);
  }
  ref() {}
  unref() {}
  hasRef() {
    return true;
  }
  getAsyncId() {
    return 0;
  }
}

/** The module has a fetch handler: a server beside it listens by itself after all. */
function release(handler) {
  const { server } = handler;
  handler.server = undefined;
  if (server === undefined || !server[listenArguments]) return;
  server._handle = null;
  originalListen.apply(server, server[listenArguments].values.filter((value) =>
    typeof value !== 'function'));
}

// A primary of cluster leaves listening to its workers.
function hasWorkers() {
  return Object.keys(require('cluster').workers ?? {}).length > 0;
}

/**
 * Resolves when the handler's module has let a server listen; false when it does not in time. Rejects when
 * it fails before that.
 */
function listening(handler) {
  if (handler.server !== undefined) return Promise.resolve(true);
  if (handler.startError !== undefined) return Promise.reject(handler.startError);
  return new Promise((resolve, reject) => {
    const patience = http === undefined || hasWorkers() ? SHORT_PATIENCE : PATIENCE;
    const timer = setTimeout(resolve, patience, false);
    handler.onListen = () => {
      clearTimeout(timer);
      resolve(true);
    };
    handler.onStartError = (error) => {
      clearTimeout(timer);
      reject(error);
    };
  });
}

/** A server around a listener, or the server itself. */
function serverFor(listener) {
  install(require('http'));
  return listener instanceof http.Server ? listener : http.createServer(listener);
}

// Settings of a server that are about connections, the values that nobody has chosen (Node's own and
// Fastify's), and what is set in their place.
const OF_CONNECTIONS = [
  ['keepAliveTimeout', [5_000, 72_000], 'keep_alive of [server.timeouts] in duet.toml'],
  ['headersTimeout', [60_000], 'head of [server.timeouts] in duet.toml'],
  ['requestTimeout', [300_000, 0], 'body of [server.timeouts] in duet.toml'],
  ['maxHeaderSize', [undefined], 'head of [server.limits] in duet.toml'],
  ['maxHeadersCount', [null], 'head of [server.limits] in duet.toml'],
  ['maxRequestsPerSocket', [0, null], undefined],
  ['maxConnections', [undefined], undefined],
  ['insecureHTTPParser', [undefined, false], undefined],
];
const WARN = 2;  // of host.log()

/** Says which settings of the handler's server have no effect. */
function tellUnheeded({ server, name }) {
  for (const [setting, usual, instead] of OF_CONNECTIONS) {
    if (usual.includes(server[setting])) continue;
    host.log(WARN, `server.${setting} = ${server[setting]} has no effect: connections are the host's` +
      (instead === undefined ? ', which has no such setting' : `; set ${instead}`), name);
  }
}

/** Is it what http.createServer() takes? Frameworks' applications are known by their methods. */
function asListener(found) {
  if (typeof found === 'function') {
    if (typeof found.listen === 'function' && typeof found.handle === 'function') return found;
    return LISTENER.test(Function.prototype.toString.call(found)) ? found : undefined;
  }
  if (typeof found !== 'object' || found === null) return undefined;
  if (http !== undefined && found instanceof http.Server) return found;
  if (typeof found.callback === 'function' && typeof found.listen === 'function') {
    return found.callback();  // Koa
  }
  if (typeof found.routing === 'function' && typeof found.ready === 'function') {
    return found.ready().then(() => found.routing);  // Fastify
  }
  return undefined;
}
// A function's text, up to a second parameter that is called what Node's manual calls it.
const LISTENER = /^(?:async\s+)?(?:function\b\s*[\w$]*\s*)?\(\s*[\w$]+\s*,\s*_?(?:res|resp|response)\b/;

const STRICT = { rejectNonStandardBodyWrites: true };

// Without listeners an upgrade is a request like any other, as in Node.
function wantsUpgrade(server, req) {
  if (req.method === 'CONNECT') return server.listenerCount('connect') > 0;
  if (typeof server.shouldUpgradeCallback === 'function') return server.shouldUpgradeCallback(req);
  return server.listenerCount('upgrade') > 0;
}

// Mounted below a path, as Express mounts one application in another: `url` is what lies below it. A
// target that does not begin with the path comes from a proxy that has taken it off.
function mount(req, rootPath) {
  const { url } = req;
  const below = url.startsWith(rootPath) && /^$|^[/?]/.test(url.slice(rootPath.length));
  if (!below && !url.startsWith('/')) return;  // OPTIONS *
  const rest = below ? url.slice(rootPath.length) : url;
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
  req.originalUrl = below ? url : rootPath + url;
  req.baseUrl = rootPath;
}

/** Called for each request of a Node-style handler, inside its slice. */
function dispatch(frame, server) {
  if (server[listenArguments] !== undefined && !server._handle) {
    host.respond(frame.id, 503, UNAVAILABLE, 'The application has closed its server.\n');
    return;
  }
  const [method, url, minor, hasBody, rawHeaders, expects, upgrades] = host.nodeHead(frame.id);
  const socket = new HostSocket(frame, server, hasBody);
  const req = new server[symbols.IncomingMessage](socket);
  req.httpVersionMajor = 1;
  req.httpVersionMinor = minor;
  req.httpVersion = minor === 1 ? '1.1' : '1.0';
  req.method = method;
  req.url = url;
  if (frame.handler.rootPath !== '') mount(req, frame.handler.rootPath);
  req.upgrade = false;
  req.joinDuplicateHeaders = server.joinDuplicateHeaders;
  req._addHeaderLines(rawHeaders, rawHeaders.length);
  if (upgrades && wantsUpgrade(server, req)) {
    req.complete = true;
    const event = method === 'CONNECT' ? 'connect' : 'upgrade';
    if (!upgrade(frame, server, req, event)) host.respond(frame.id, 503, UNAVAILABLE, NO_UPGRADE);
    return;
  }
  if (method === 'CONNECT') {
    host.respond(frame.id, 501, UNAVAILABLE, NO_PROXY);
    return;
  }
  const res = new server[symbols.ServerResponse](req, server.rejectNonStandardBodyWrites ? STRICT
    : undefined);
  attach(res, frame, socket);
  res[symbols.kUniqueHeaders] = server[symbols.kUniqueHeaders];
  socket.req = req;
  socket.res = res;
  if (server.timeout > 0) socket.setTimeout(server.timeout);
  if (started.hasSubscribers) started.publish({ request: req, response: res, socket, server });
  const event = expects && server.listenerCount('checkContinue') > 0 ? 'checkContinue' : 'request';
  if (server._handle) {  // one that was never let listen is never closed
    socket.owed = true;
    server._connections++;
  }
  try {
    server.emit(event, req, res);
  } catch (error) {
    settle(socket);
    throw error;
  }
  // Node's parser has the end of a request without a body after its listener has run.
  if (!hasBody) req.complete = true;
  if (res.finished) return;
  if (!watch(frame)) {
    settle(socket);
    return;
  }
  frame.onAbort = (why) => abort(socket, why);
  frame.onFail = () => settle(socket);
}

Object.assign(exports, {
  hookHttp, release, listening, hasWorkers, serverFor, asListener, dispatch, tellUnheeded,
});
