// One file of a framework's node:test suite, SUITE_FILE, inside a duet: the first server that listens is
// its; every server that a test lets listen later gets its requests from that one. SUITE_RESULTS
// gets a JSON line for each test.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const { run } = require('node:test');

let current;  // the server that listened last and is open
const entry = http.createServer((req, res) => {
  if (current !== undefined) return current.emit('request', req, res);
  res.statusCode = 503;
  res.end('no server listens\n');
});
entry.on('upgrade', (req, socket, head) => {
  if (current === undefined || !current.emit('upgrade', req, socket, head)) socket.destroy();
});

function listen(...values) {
  const [options, callback] = require('node:net')._normalizeArgs(values);
  if (options.path !== undefined || options.fd !== undefined) {
    return Reflect.apply(opened, this, values);
  }
  if (this._handle) {
    throw Object.assign(new Error('Listen method has been called more than once without closing.'),
                        { code: 'ERR_SERVER_ALREADY_LISTEN' });
  }
  const close = (done) => {
    if (current === this) current = undefined;
    if (done) setImmediate(done);
  };
  const getsockname = (out) => {
    Object.assign(out, entry.address());
    return 0;
  };
  this._handle = { close, getsockname, ref() {}, unref() {}, hasRef: () => true, getAsyncId: () => 0 };
  if (callback !== null) this.once('listening', callback);
  current = this;
  process.nextTick(() => this._handle && this.emit('listening'));
  return this;
}

function report(ok, { name, skip, todo }) {
  fs.appendFileSync(process.env.SUITE_RESULTS, `${JSON.stringify({ ok, name, skip: !!(skip ?? todo) })}\n`);
}

const opened = http.Server.prototype.listen;
entry.listen(0, () => setImmediate(() => {
  http.Server.prototype.listen = listen;
  const tests = run({ files: [process.env.SUITE_FILE], isolation: 'none', timeout: 5_000 });
  tests.on('test:pass', (test) => report(true, test));
  tests.on('test:fail', (test) => report(false, test));
  tests.resume();
}));
