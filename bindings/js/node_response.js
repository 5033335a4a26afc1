'use strict';
// http.ServerResponse over the host's exchange. What an application calls is Node's own code up to
// the places where that would write HTTP: those are replaced on the base prototype, for responses of
// ours alone, because frameworks put prototypes of their own in front of it (Express).

const { watch } = use.frame;
const { guarded, setOnLost, settle } = use.nodeSocket;
const { channel } = require('diagnostics_channel');

const kFrame = Symbol('duet.frame');
const kHead = Symbol('duet.head');  // fields as name\nvalue\n, kept until the first byte is sent
const kCallbacks = Symbol('duet.callbacks');  // of end()
const kStatus = Symbol('duet.status');  // when the head was made: what is set later has no effect
const kSent = Symbol('duet.sent');  // bytes of the body, for strictContentLength
const FULL = 1, GONE = 2;           // of host.write()
const finished = channel('http.server.response.finish');
const INTERIM = /^HTTP\/1\.1 (1\d\d) /;

// Node's own state of a message, by the names of its symbols.
const symbols = {
  kOutHeaders: undefined, kNeedDrain: undefined, kSocket: undefined,
  kWritableFinished: undefined, kUniqueHeaders: undefined, kRejectNonStandardBodyWrites: undefined,
};

// What the fields of the head that is being made say about its framing.
const given = { length: undefined, transferEncoding: false, trailer: false };
let unique;  // its server's uniqueHeaders: a Set, or nothing

function add(head, name, value, validate, http) {
  if (Array.isArray(value)) {
    const lower = name.toLowerCase();
    if (value.length > 1 && (lower === 'cookie' || unique?.has(lower))) {
      return add(head, name, value.join('; '), validate, http);
    }
    for (const one of value) head = add(head, name, one, validate, http);
    return head;
  }
  if (validate) {
    http.validateHeaderName(name);
    http.validateHeaderValue(name, value);
  }
  if (name.length === 14 || name.length === 17 || name.length === 7) {
    const lower = name.toLowerCase();
    if (lower === 'content-length') given.length = Number(value);
    else if (lower === 'transfer-encoding') given.transferEncoding = true;
    else if (lower === 'trailer') given.trailer = true;
  }
  return `${head}${name}\n${value}\n`;
}

/** Whether the body is chunked, as Node decides it. */
function chunks(res) {
  if (given.length !== undefined) res._contentLength = given.length;
  if (given.length !== undefined || given.transferEncoding) return given.transferEncoding;
  return res._hasBody && res.useChunkedEncodingByDefault &&
    (given.trailer || res._removedContLen || typeof res._contentLength !== 'number');
}

// strictContentLength: another length than the declared one is an error, as Node tells it.
function lengthIsWrong(res, sum, ends) {
  if (typeof res._contentLength !== 'number' || !res._hasBody || res.chunkedEncoding) return false;
  return ends ? sum !== res._contentLength : sum > res._contentLength;
}

function throwLength(res, sum) {
  const { ERR_HTTP_CONTENT_LENGTH_MISMATCH: Mismatch } = host.internal('internal/errors').codes;
  throw new Mismatch(sum, res._contentLength);
}

function throwBodyNotAllowed() {
  const { ERR_HTTP_BODY_NOT_ALLOWED: NotAllowed } = host.internal('internal/errors').codes;
  throw new NotAllowed();
}

function lengthOf(chunk, encoding) {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding ?? 'utf8') : chunk.byteLength;
}

function flatten(headers, own, http) {
  let head = '';
  if (!headers) return head;
  if (own) {
    for (const key in headers) head = add(head, headers[key][0], headers[key][1], false, http);
  } else if (Array.isArray(headers)) {
    if (Array.isArray(headers[0])) {
      for (const [name, value] of headers) head = add(head, name, value, true, http);
    } else {
      for (let i = 0; i < headers.length; i += 2) {
        head = add(head, headers[i], headers[i + 1], true, http);
      }
    }
  } else {
    for (const name of Object.keys(headers)) head = add(head, name, headers[name], true, http);
  }
  return head;
}

function start(res) {
  const head = res[kHead];
  res[kHead] = undefined;
  res._headerSent = true;
  host.start(res[kFrame].id, res[kStatus], head);
}

// A piece as the host takes it: UTF-8 is its own affair, other encodings are ours.
function piece(chunk, encoding) {
  if (typeof chunk !== 'string' || encoding === undefined || encoding === null ||
      encoding === 'utf8' || encoding === 'utf-8') {
    return chunk;
  }
  return Buffer.from(chunk, encoding);
}

function acceptable(chunk) {
  return typeof chunk === 'string' || chunk instanceof Uint8Array;
}

function waitForRoom(res) {
  const frame = res[kFrame];
  res[symbols.kNeedDrain] = true;
  if (!watch(frame)) return;
  frame.onWritable = () => {
    if (!res[symbols.kNeedDrain] || res.destroyed) return;
    res[symbols.kNeedDrain] = false;
    guarded(frame, () => {
      res.emit('drain');
    });
  };
}

// 'finish' a tick after the end, and the events of a request that nobody read; then 'close'.
function finish(res) {
  const { req } = res;
  if (res[symbols.kWritableFinished] || res._closed) return;
  res[symbols.kWritableFinished] = true;
  guarded(res[kFrame], () => {
    for (const callback of takeCallbacks(res)) callback(null);
    res.emit('finish');
    if (finished.hasSubscribers) {
      const { req, socket } = res;
      finished.publish({ request: req, response: res, socket, server: socket?.server });
    }
    if (!req._consuming && req._eventsCount > 0) req._dump();
  });
  res[symbols.kSocket] = null;
  process.nextTick(close, res);
}

function close(res) {
  if (res._closed) return;
  res.destroyed = res._closed = true;
  guarded(res[kFrame], () => {
    const callbacks = takeCallbacks(res);
    if (callbacks.length > 0) {
      const { ERR_STREAM_DESTROYED: Destroyed } = host.internal('internal/errors').codes;
      for (const callback of callbacks) callback(res.errored ?? new Destroyed('end'));
    }
    res.emit('close');
  });
}

function takeCallbacks(res) {
  const callbacks = res[kCallbacks] ?? [];
  res[kCallbacks] = undefined;
  return callbacks;
}

/** Puts our writing in the place of Node's. */
function install(http) {
  const { ServerResponse, OutgoingMessage } = http;
  const states = [new OutgoingMessage(), http.createServer()];
  for (const symbol of states.flatMap(Object.getOwnPropertySymbols)) {
    if (Object.hasOwn(symbols, symbol.description)) symbols[symbol.description] = symbol;
  }
  for (const [name, symbol] of Object.entries(symbols)) {
    if (symbol === undefined) throw new Error(`This Node's http has no ${name}: use Node 24`);
  }
  const node = OutgoingMessage.prototype;

  const replace = (name, make) => {
    const original = ServerResponse.prototype[name] ?? node[name];
    Object.defineProperty(ServerResponse.prototype, name, {
      configurable: true, writable: true, enumerable: true, value: make(original),
    });
  };

  replace('_storeHeader', (original) => function _storeHeader(firstLine, headers) {
    if (this[kFrame] === undefined) return original.call(this, firstLine, headers);
    const { statusCode, statusMessage } = this;
    if (statusCode < 200) {
      throw new RangeError(`The status of an answer is 200 to 999, not ${statusCode}`);
    }
    this[kStatus] = statusCode;
    unique = this[symbols.kUniqueHeaders];
    given.length = undefined;
    given.transferEncoding = given.trailer = false;
    let head = flatten(headers, headers === this[symbols.kOutHeaders], http);
    this.chunkedEncoding = chunks(this);
    if (given.trailer && !this.chunkedEncoding) {
      const { ERR_HTTP_TRAILER_INVALID: Invalid } = host.internal('internal/errors').codes;
      throw new Invalid();
    }
    if (this.chunkedEncoding) head += ':chunked\n\n';
    if (statusCode !== 200 || statusMessage !== 'OK') head += `:reason\n${statusMessage}\n`;
    if (!this.sendDate) head += ':dateless\n\n';
    if (!this.shouldKeepAlive && this.req.httpVersionMinor > 0) head += 'connection\nclose\n';
    this[kHead] = head;
    this._header = firstLine;  // headersSent
  });

  replace('write', (original) => function write(chunk, encoding, callback) {
    const frame = this[kFrame];
    if (typeof encoding === 'function') {
      callback = encoding;
      encoding = null;
    }
    if (frame === undefined || this.finished || this.destroyed || !acceptable(chunk)) {
      return original.call(this, chunk, encoding, callback);
    }
    if (this.strictContentLength) {
      const sum = this[kSent] + lengthOf(chunk, encoding);
      if (this._header && lengthIsWrong(this, sum, false)) throwLength(this, sum);
      this[kSent] = sum;
    }
    if (!this._header) this._implicitHeader();
    if (!this._hasBody && this[symbols.kRejectNonStandardBodyWrites]) throwBodyNotAllowed();
    if (this[kHead] !== undefined) start(this);
    this[symbols.kSocket]?.idle?.refresh();
    let result = 0;
    if (this._hasBody && chunk.length > 0) result = host.write(frame.id, piece(chunk, encoding));
    if (typeof callback === 'function') process.nextTick(callback, null);
    if (result === FULL) waitForRoom(this);
    return result !== FULL && result !== GONE;
  });

  replace('end', (original) => function end(chunk, encoding, callback) {
    const frame = this[kFrame];
    if (typeof chunk === 'function') {
      callback = chunk;
      chunk = encoding = null;
    } else if (typeof encoding === 'function') {
      callback = encoding;
      encoding = null;
    }
    if (frame !== undefined && this.finished && !chunk && callback &&
        !this[symbols.kWritableFinished] && !this._closed) {
      (this[kCallbacks] ??= []).push(callback);
      process.nextTick(finish, this);
      return this;
    }
    if (frame === undefined || this.finished || this.destroyed || (chunk && !acceptable(chunk))) {
      return original.call(this, chunk, encoding, callback);
    }
    if (!this._header) {
      this._contentLength = chunk ? lengthOf(chunk, encoding) : 0;
      this._implicitHeader();
    }
    if (chunk && !this._hasBody && this[symbols.kRejectNonStandardBodyWrites]) {
      throwBodyNotAllowed();
    }
    if (this.strictContentLength) {
      const sum = this[kSent] + (chunk ? lengthOf(chunk, encoding) : 0);
      if (lengthIsWrong(this, sum, true)) {
        if (chunk) this.write(chunk, encoding);  // Node, too, has sent it by then
        throwLength(this, sum);
      }
    }
    if (typeof callback === 'function') (this[kCallbacks] ??= []).push(callback);
    if (this[kHead] !== undefined && this._hasBody &&
        (this._trailer === '' || !this.chunkedEncoding)) {
      const head = this[kHead];
      this[kHead] = undefined;
      this._headerSent = true;
      host.respond(frame.id, this[kStatus], head, chunk ? piece(chunk, encoding) : null);
    } else {
      if (this[kHead] !== undefined) start(this);
      if (chunk && this._hasBody) host.write(frame.id, piece(chunk, encoding));
      host.end(frame.id, this._trailer);
    }
    this.finished = true;
    const socket = this[symbols.kSocket];
    if (socket) {
      clearTimeout(socket.idle);
      settle(socket);
    }
    if (this._eventsCount > 0) this.emit('prefinish');
    if (this._eventsCount > 0 || this.req._eventsCount > 0 || this[kCallbacks] !== undefined ||
        finished.hasSubscribers) {
      process.nextTick(finish, this);
    }
    return this;
  });

  // Who listens after the end: the events come a tick later still.
  for (const name of ['on', 'addListener']) {
    replace(name, (original) => function (event, listener) {
      if (this[kFrame] !== undefined && this.finished && !this._closed) {
        process.nextTick(finish, this);
      }
      return original.call(this, event, listener);
    });
  }

  replace('flushHeaders', (original) => function flushHeaders() {
    if (this[kFrame] === undefined) return original.call(this);
    if (!this._header) this._implicitHeader();
    if (this[kHead] !== undefined) start(this);
  });

  // Interim answers arrive here as text.
  replace('_writeRaw', (original) => function _writeRaw(data, encoding, callback, size) {
    if (this[kFrame] === undefined) return original.call(this, data, encoding, callback, size);
    if (typeof encoding === 'function') callback = encoding;
    if (this.destroyed) return false;
    const status = typeof data === 'string' ? INTERIM.exec(data) : null;
    if (status !== null) {
      host.interim(this[kFrame].id, Number(status[1]), data.slice(data.indexOf('\r\n') + 2, -2));
    }
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  });
}

/** Makes `res` answer the frame's exchange; `socket` is what it shows as its connection. */
function attach(res, frame, socket) {
  res[kFrame] = frame;
  res[kHead] = res[kCallbacks] = undefined;
  res[kSent] = 0;
  res[symbols.kSocket] = socket;
  socket._httpMessage = res;
}

/** The exchange went away: 'close' without 'finish', unless the answer was complete. */
function closeUnfinished(res) {
  if (res.finished) finish(res);
  else close(res);
}

setOnLost(closeUnfinished);

Object.assign(exports, { install, attach, piece });
