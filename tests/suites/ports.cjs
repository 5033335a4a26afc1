// In a duet that listens on SUITE_PORTS: the first server that listens is its entry; every server that
// a test lets listen from then on has one of the ports while it is open, and gets what comes there.
'use strict';
const http = require('node:http');
const net = require('node:net');

const free = (process.env.SUITE_PORTS ?? '').split(' ').filter(Boolean).map(Number);
const open = new Map();  // port to server
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
  const port = free.shift();  // the one that was given back longest ago
  this._handle = {
    close: (done) => {
      open.delete(port);
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
  process.nextTick(() => this._handle && this.emit('listening'));
  return this;
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
    run();
  }));
};
