'use strict';
// What Node-style applications see as req.socket: the connection is the host's, so this is a thin
// object that answers what frameworks ask (addresses, whether it is alive) and passes on what they
// do to it (destroy, pause). A net.Socket by instanceof, without its streams.

const { uncaught } = use.guard;
const { watch } = use.frame;

const HIGH_WATER = 65536;
const FULL = 1;  // of host.write()
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})\b/;
const ENDED = 'The connection has ended: nothing more can be written to its socket';
const SOME = 1;  // of host.wantBody(), and what it answers
const LATER = 0, GONE = -1;
const REFUSED = 'the rest of the request was refused';  // as exchange_object.cc says it

function aborted() {
  const error = new Error('aborted');
  error.code = 'ECONNRESET';
  return error;
}

// A request whose rest is malformed, too long or too late, as Node's parser tells it.
function refused() {
  return Object.assign(new Error(`Parse Error: ${REFUSED}`), { code: 'HPE_USER' });
}

/** Runs what user code listens with; what that throws fails the request, and nothing else. */
function guarded(frame, run) {
  try {
    run();
  } catch (error) {
    uncaught(frame, error);
  }
}

function cut(socket, error, byReset) {
  if (socket.destroyed) return socket;
  socket.destroyed = true;
  host.cut(socket.frame.id, byReset);
  process.nextTick(lose, socket, error);
  return socket;
}

let HostSocket, addressesOf;
let onLost;  // what the end of the connection means for its response: node_response.js

/** Makes the class, once net is loaded. */
function define() {
  if (HostSocket !== undefined) return;
  const net = require('net');
  const { EventEmitter } = require('events');

  HostSocket = function HostSocket(frame, server, hasBody) {
    this._events = undefined;
    this._eventsCount = 0;
    this._maxListeners = undefined;
    this._httpMessage = null;
    this._paused = false;
    this.destroyed = false;
    this.frame = frame;
    this.req = null;
    this.res = null;
    this.owed = false;       // a server that closes waits for its answer
    this.lost = false;       // its end was told
    this.hasBody = hasBody;  // the request has one
    this.ended = false;      // its end was given to req
    this.addresses = undefined;
    this.parser = null;
    this.server = server;
    this.idle = undefined;   // the timer of setTimeout()
  };

  addressesOf = (socket) => {
    return socket.addresses ??= host.addresses(socket.frame.id) ?? [];
  };

  const emitter = EventEmitter.prototype;
  const members = {
    constructor: net.Socket,
    on: emitter.on,
    addListener: emitter.addListener,
    off: emitter.off,
    removeListener: emitter.removeListener,
    removeAllListeners: emitter.removeAllListeners,
    eventNames() {
      return this._events === undefined ? [] : Reflect.ownKeys(this._events);
    },

    // Called by IncomingMessage when somebody reads: gives it the next piece of the body.
    resume() {
      this._paused = false;
      giveBody(this);
      return this;
    },
    pause() {
      this._paused = true;
      return this;
    },
    destroy(error) {
      return cut(this, error, false);
    },
    // After an answer, or after what was written here, the connection ends once that has left.
    end(chunk, encoding, callback) {
      if (typeof chunk === 'function') [chunk, callback] = [null, chunk];
      else if (typeof encoding === 'function') [encoding, callback] = [null, encoding];
      if (typeof callback === 'function') this.once('finish', callback);
      if (this.destroyed || this.writableEnded) return this;
      if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
      this.writableEnded = true;
      if (!this.raw && !this.res?.finished) return this.destroy();
      if (this.raw) host.end(this.frame.id);
      else host.closeAfter(this.frame.id);
      process.nextTick(finishEnd, this);
      return this;
    },
    destroySoon() {
      this.end();
    },
    resetAndDestroy() {
      return cut(this, undefined, true);
    },
    // Instead of an answer by `res`: bytes that the application has framed itself.
    write(chunk, encoding, callback) {
      if (typeof encoding === 'function') [encoding, callback] = [null, encoding];
      if (this.destroyed || this.writableEnded) throw new Error(ENDED);
      if (!this.raw) startRaw(this, chunk);
      const bytes = use.nodeResponse.piece(chunk, encoding);
      this.bytesWritten += typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
      this.idle?.refresh();
      const result = host.write(this.frame.id, bytes);
      if (typeof callback === 'function') process.nextTick(callback);
      if (result === FULL) waitForRoom(this);
      return result === 0;
    },
    address() {
      const [, , address, port] = addressesOf(this);
      return address === undefined ? {}
        : { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
    },
    cork() {},
    uncork() {},
    ref() {
      return this;
    },
    unref() {
      return this;
    },
    // Of this request: it is over with it. Between requests, timeouts are the host's.
    setTimeout(milliseconds, callback) {
      clearTimeout(this.idle);
      this.idle = undefined;
      this.timeout = milliseconds;
      if (milliseconds === 0) {
        if (typeof callback === 'function') this.removeListener('timeout', callback);
        return this;
      }
      if (typeof callback === 'function') this.once('timeout', callback);
      if (!this.res?.finished && !this.lost) {
        this.idle = setTimeout(timedOut, milliseconds, this).unref();
      }
      return this;
    },
    setKeepAlive() {
      return this;
    },
    setNoDelay() {
      return this;
    },
    setEncoding() {
      return this;
    },
  };
  const values = {
    raw: false,            // the application writes its answer here
    writableEnded: false,  // by end()
    destroyed: false,  // in front of the accessor that streams have
    readableHighWaterMark: HIGH_WATER, writableHighWaterMark: HIGH_WATER, writableLength: 0,
    readableLength: 0, writableNeedDrain: false, allowHalfOpen: true, encrypted: undefined,
    connecting: false, pending: false, bytesRead: 0, bytesWritten: 0, timeout: undefined,
    errored: null, _writableState: { corked: 0 },  // that end() of an answer sets
    readableFlowing: null, writableCorked: 0, readableEncoding: null, readableObjectMode: false,
    writableObjectMode: false, readableAborted: false,
  };
  const getters = {
    readable: (socket) => !socket.destroyed,
    writable: (socket) => !socket.destroyed && !socket.writableEnded,
    closed: (socket) => socket.lost,
    readableEnded: (socket) => socket.lost,
    writableFinished: (socket) => socket.lost,
    readyState: (socket) => (socket.destroyed ? 'closed' : 'open'),
    remoteAddress: (socket) => addressesOf(socket)[0],
    remotePort: (socket) => addressesOf(socket)[1],
    remoteFamily: (socket) => familyOf(addressesOf(socket)[0]),
    localAddress: (socket) => addressesOf(socket)[2],
    localPort: (socket) => addressesOf(socket)[3],
    localFamily: (socket) => familyOf(addressesOf(socket)[2]),
    _peername: (socket) => ({ address: addressesOf(socket)[0], port: addressesOf(socket)[1] }),
  };
  const prototype = Object.create(net.Socket.prototype);
  for (const [name, value] of Object.entries({ ...members, ...values })) {
    Object.defineProperty(prototype, name, { configurable: true, writable: true, value });
  }
  for (const [name, read] of Object.entries(getters)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get() {
        return read(this);
      },
    });
  }
  HostSocket.prototype = prototype;
  exports.HostSocket = HostSocket;
}

// The first bytes say which answer it is, for the books.
function startRaw(socket, chunk) {
  const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1', 0, 16);
  const status = STATUS_LINE.exec(text)?.[1];
  if (socket.res?.headersSent || status === undefined ||
      !host.startRaw(socket.frame.id, Number(status))) {
    throw new Error('The connection is the host\'s: answer through res. Its socket takes a whole ' +
      'answer, with its status line ("HTTP/1.1 200 OK"), before res has begun one');
  }
  socket.raw = true;
}

function waitForRoom(socket) {
  const { frame } = socket;
  socket.writableNeedDrain = true;
  if (!watch(frame)) return;
  frame.onWritable = () => {
    socket.writableNeedDrain = false;
    guarded(frame, () => {
      socket.emit('drain');
    });
  };
}

function finishEnd(socket) {
  guarded(socket.frame, () => {
    socket.emit('finish');
  });
  if (!socket.raw) return;
  clearTimeout(socket.idle);
  lose(socket);
}

function familyOf(address) {
  return address === undefined ? undefined : address.includes(':') ? 'IPv6' : 'IPv4';
}

// One piece of the body for the request of `socket`, now or when it has come.
function giveBody(socket) {
  const { req, frame } = socket;
  if (socket.ended || req === null) return;
  if (!req.complete && socket.hasBody) {
    socket.idle?.refresh();
    const answer = host.wantBody(frame.id, SOME);
    if (answer === LATER) {
      if (watch(frame)) {
        frame.onBody = () => {
          frame.onBody = undefined;
          guarded(frame, () => giveBody(socket));
        };
      }
      return;
    }
    const bytes = answer === GONE ? undefined : host.takeBytes(frame.id);
    if (bytes === undefined) {  // cut off: the event that says why follows, or came before
      socket.ended = true;
      process.nextTick(loseRequest, socket);
      return;
    }
    req.complete = host.bodyEnded(frame.id);
    if (bytes.byteLength > 0) {
      req.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } else if (!req.complete) {
      giveBody(socket);
      return;
    }
  }
  if ((req.complete || !socket.hasBody) && !socket.ended) {
    socket.ended = req.complete = true;
    const trailers = socket.hasBody ? host.trailers(frame.id) : undefined;
    if (trailers !== undefined) req._addHeaderLines(trailers, trailers.length);
    req.push(null);
  }
}

// Nothing was received or sent for the time of setTimeout(): as Node's server tells it, and ends
// the connection when nobody listens.
function timedOut(socket) {
  const { req, res, server } = socket;
  if (res === null || res.finished || socket.lost) return;
  guarded(socket.frame, () => {
    const told = [req !== null && !req.complete && req.emit('timeout', socket),
      res.emit('timeout', socket), server.emit('timeout', socket)];
    if (!told.includes(true)) socket.destroy();
    socket.emit('timeout');
  });
}

function loseRequest({ frame, req }) {
  guarded(frame, () => {
    if (!req.destroyed) req.destroy(aborted());
  });
}

// Node's server listens as well: an error of a socket is never uncaught.
function tellError(socket, error) {
  guarded(socket.frame, () => {
    if (socket.listenerCount('error') > 0) socket.emit('error', error);
  });
  guarded(socket.frame, () => {
    socket.server.emit('clientError', error, socket);
  });
}

/** Its request is answered, or nobody waits for that any more: a server that closes waits no longer. */
function settle(socket) {
  if (!socket.owed) return;
  socket.owed = false;
  const { server } = socket;
  if (--server._connections === 0 && !server._handle) server._emitCloseIfDrained();
}

/** What the end of its exchange means for it; `why` is the host's word for it. */
function abort(socket, why) {
  lose(socket, why === REFUSED ? refused() : undefined);
}

/** The client is gone, the deadline has passed, or the application destroyed the socket. */
function lose(socket, error) {
  if (socket.lost) return;
  socket.lost = socket.destroyed = true;
  settle(socket);
  clearTimeout(socket.idle);
  loseRequest(socket);
  guarded(socket.frame, () => {
    onLost(socket.res);
  });
  if (error) tellError(socket, error);
  guarded(socket.frame, () => {
    socket.emit('close', Boolean(error));
  });
}

Object.assign(exports, {
  define, abort, guarded, settle,
  setOnLost(hook) {
    onLost = hook;
  },
});
