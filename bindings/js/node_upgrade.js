'use strict';
// Node's 'upgrade' event: the application gets the connection itself and answers as it likes, so
// that `ws`, socket.io and their like run unmodified.
//
// The socket is Node's own net.Socket on a handle of ours, and therefore has Node's streams, timeouts
// and events. What libuv does for Node's handles the host does here, through one number.

const { setFrame, entered } = use.frame;
const { fail } = use.guard;
const { piece } = use.nodeResponse;

const DATA = 0, END = 1, WRITABLE = 2, DRAIN = 3, CLOSE = 4;  // as in tunnel_object.h
const FULL = 1, GONE = 2;                                     // of host.tunnelWrite()
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'];

const sockets = [undefined];  // by slot; 0 is none
const free = [];
let UpgradedSocket, newTunnel;

/** In the place of libuv's TCP handle: what net.Socket asks of one. */
class Handle {
  constructor(addresses) {
    this.id = 0;             // of the tunnel
    this.addresses = addresses;
    this.reading = false;
    this.bytesRead = 0;
    this.bytesWritten = 0;
    this.waiting = undefined;   // called when what was written has left
    this.closed = undefined;    // called when the connection is gone
    this.gone = false;
    this.resets = false;        // instead of ending the connection in order
  }
  getpeername(out) {
    return nameInto(out, this.addresses[0], this.addresses[1]);
  }
  getsockname(out) {
    return nameInto(out, this.addresses[2], this.addresses[3]);
  }
  close(done) {
    if (this.gone) {
      process.nextTick(() => process.nextTick(done));  // after the socket's 'error'
      return;
    }
    this.closed = done;
    host.tunnelDestroy(this.id, this.resets);
  }
  read(whether) {
    if (this.reading === whether) return;
    this.reading = whether;
    host.tunnelRead(this.id, whether);
  }
  // What was written is with the kernel, or will never be.
  sent() {
    const callback = this.waiting;
    this.waiting = undefined;
    callback?.();
  }
  ref() {}
  unref() {}
  hasRef() {
    return true;
  }
}

function nameInto(out, address, port) {
  if (address === undefined) return 0;  // a Unix socket has no names
  out.address = address;
  out.port = port;
  out.family = address.includes(':') ? 'IPv6' : 'IPv4';
  return 0;
}

function systemError(number, call) {
  const [name] = require('util').getSystemErrorMap().get(-number) ?? ['ECONNRESET'];
  return Object.assign(new Error(`${call} ${name}`), { errno: -number, code: name, syscall: call });
}

/** Makes the classes, once net is loaded. */
function define() {
  if (UpgradedSocket !== undefined) return;
  const net = require('net');

  UpgradedSocket = class Socket extends net.Socket {
    #frame;
    #handle;
    #attended;
    #peerEnded = false;

    constructor(handle, frame) {
      // As Node's server makes them: an end of the client is not answered by itself. Reading begins
      // when it has a tunnel, and at once, so that a client that leaves is noticed.
      super({ handle, allowHalfOpen: true, manualStart: true });
      this.#frame = frame;
      this.#handle = handle;
      // A listener of once() is no longer there when the host stops.
      this.#attended = listensForStop();
    }

    _read() {
      this.#handle.read(true);
    }
    _writeGeneric(writev, data, encoding, callback) {
      this._unrefTimer();
      if (writev) {
        let last = 0;
        for (const { chunk, encoding: own } of data) last = this.#send(chunk, own);
        this.#wrote(last, callback);
      } else {
        this.#wrote(this.#send(data, encoding), callback);
      }
    }
    #send(chunk, encoding) {
      const bytes = piece(chunk, encoding);
      this.#handle.bytesWritten += typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
      return host.tunnelWrite(this.#handle.id, bytes);
    }
    #wrote(result, callback) {
      if (result === GONE) callback(systemError(EPIPE, 'write'));
      else if (result === FULL) this.#handle.waiting = callback;
      else callback();
    }
    _final(callback) {
      if (host.tunnelEnd(this.#handle.id)) this.#handle.waiting = callback;
      else callback();
    }
    resetAndDestroy() {
      this.#handle.resets = true;
      return this.destroy();
    }

    #data(buffer) {
      this.#handle.bytesRead += buffer.byteLength;
      this._unrefTimer();
      if (!this.destroyed && !this.push(Buffer.from(buffer))) this.#handle.read(false);
    }
    #closed(error) {
      const handle = this.#handle;
      handle.gone = true;
      if (handle.closed !== undefined) {
        handle.closed();
      } else if (error !== 0) {
        this.destroy(systemError(error, 'read'));
      } else if (!this.#peerEnded || !this.writableEnded) {
        this.destroy();
      }  // otherwise it ends by itself, once what is still buffered has been read
      handle.sent();
    }
    // Without a listener for the signal this application would have ended at once on Node: its
    // connections do not hold up the host. One that listens has the grace.
    #drain() {
      if (!this.#attended && !listensForStop()) this.destroySoon();
    }

    static {
      newTunnel = (frame, slot, addresses) => {
        const id = host.tunnelOpen(frame.id, slot);
        if (id === 0) return undefined;
        const handle = new Handle(addresses);
        handle.id = id;
        const head = Buffer.from(host.tunnelHead(id) ?? []);
        handle.bytesRead = head.length;
        return { socket: new UpgradedSocket(handle, frame), head };
      };
      tell = (kind, slot, value) => {
        const socket = sockets[slot];
        if (kind === CLOSE) {
          sockets[slot] = undefined;
          free.push(slot);
        }
        const frame = socket.#frame;
        entered(frame);
        setFrame(frame);
        try {
          if (kind === DATA) {
            socket.#data(value);
          } else if (kind === WRITABLE) {
            socket.#handle.sent();
          } else if (kind === END) {
            socket.#peerEnded = true;
            socket.push(null);
            socket.read(0);
          } else if (kind === DRAIN) {
            socket.#drain();
          } else {
            socket.#closed(value);
          }
        } catch (error) {
          fail(frame, error, 'uncaught exception');
        } finally {
          setFrame(undefined);
        }
      };
    }
  };
  // What code sees that looks at an object's class, as in Node.
  Object.defineProperty(UpgradedSocket.prototype, 'constructor', {
    configurable: true, writable: true, value: net.Socket,
  });
}
let tell;
const EPIPE = 32;

function listensForStop() {
  return STOP_SIGNALS.some((name) => process.listenerCount(name) > 0);
}

/** Emits the server's 'upgrade' or 'connect'. False: the connection cannot be had. */
function upgrade(frame, server, req, event) {
  define();
  const slot = free.length > 0 ? free.pop() : sockets.length;
  const opened = newTunnel(frame, slot, host.addresses(frame.id) ?? []);
  if (opened === undefined) {
    if (slot < sockets.length) free.push(slot);
    return false;
  }
  const { socket, head } = opened;
  sockets[slot] = socket;
  frame.onFail = () => socket.destroy();
  socket.server = server;
  if (server._handle) {
    socket._server = server;  // which waits for it when it closes
    server._connections++;
  }
  req.socket = socket;
  req.upgrade = true;
  req.push(null);  // it has no body; what follows is the socket's
  socket.read(0);
  server.emit(event, req, socket, head);
  return true;
}

Object.assign(exports, {
  upgrade,
  /** Called by C++, inside a slice of the handler. */
  event(kind, slot, value) {
    tell(kind, slot, value);
  },
});
