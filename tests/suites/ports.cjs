// In a duet that listens on SUITE_PORTS: the first server that listens is its entry; every server that
// a test lets listen from then on has one of the ports while it is open, and gets what comes there.
'use strict';
const http = require('node:http');
const net = require('node:net');

const free = (process.env.SUITE_PORTS ?? '').split(' ').filter(Boolean).map(Number);
const open = new Map();   // port to server
const asked = new Map();  // the port that a test wanted, to the one that its server has
const clients = new Map();  // that port, to the sockets that were led to it
const opened = http.Server.prototype.listen;

function serverOf(req) {
  return open.get(req.socket.localPort);
}

function listen(...values) {
  const [options, callback] = net._normalizeArgs(values);
  if (options.path !== undefined || options.fd !== undefined || free.length === 0) {
    return Reflect.apply(opened, this, values);
  }
  if (this._handle) {
    throw Object.assign(new Error('Listen method has been called more than once without closing.'),
                        { code: 'ERR_SERVER_ALREADY_LISTEN' });
  }
  const wanted = Number(options.port);
  const port = free.shift();  // the one that was given back longest ago
  for (const socket of clients.get(port) ?? []) {  // of the server before, kept alive
    if (socket._httpMessage === null) socket.destroy();
  }
  clients.delete(port);
  this._handle = {
    close: (done) => {
      open.delete(port);
      if (asked.get(wanted) === port) asked.delete(wanted);
      free.push(port);
      if (done) setImmediate(done);
    },
    getsockname: (out) => {
      Object.assign(out, { address: '127.0.0.1', family: 'IPv4', port });
      return 0;
    },
    ref() {}, unref() {}, hasRef: () => true, getAsyncId: () => 0,
  };
  if (callback !== null) this.once('listening', callback);
  open.set(port, this);
  if (wanted > 0) asked.set(wanted, port);
  process.nextTick(() => this._handle && this.emit('listening'));
  return this;
}

// A client that asks for the port of a test finds the server's.
function redirectClients() {
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (...values) {
    const [options, callback] = Array.isArray(values[0]) ? values[0] : net._normalizeArgs(values);
    const port = asked.get(Number(options.port));
    if (port === undefined) return Reflect.apply(connect, this, values);
    clients.set(port, [...clients.get(port) ?? [], this]);
    return Reflect.apply(connect, this, [{ ...options, port, host: '127.0.0.1' }, ...callback ? [callback] : []]);
  };
}

/** Calls `run` once tests may listen: at once on a Node, whose servers stay its own. */
module.exports = function withPorts(run) {
  if (free.length === 0) {
    run();
    return;
  }
  const entry = http.createServer((req, res) => {
    const server = serverOf(req);
    if (server?.timeout > 0) req.socket.setTimeout(server.timeout);  // the entry's own is not set
    if (server?.emit('request', req, res)) return;
    res.statusCode = 503;
    res.end('no server listens\n');
  });
  entry.on('checkContinue', (req, res) => {
    if (serverOf(req)?.emit('checkContinue', req, res)) return;
    res.writeContinue();
    entry.emit('request', req, res);
  });
  for (const event of ['upgrade', 'connect']) {
    entry.on(event, (req, socket, head) => {
      if (!serverOf(req)?.emit(event, req, socket, head)) socket.destroy();
    });
  }
  entry.shouldUpgradeCallback = (req) => serverOf(req)?.listenerCount('upgrade') > 0;
  entry.listen(0, () => setImmediate(() => {
    http.Server.prototype.listen = listen;
    if (process.env.SUITE_OWN_PORTS) redirectClients();
    run();
  }));
};
