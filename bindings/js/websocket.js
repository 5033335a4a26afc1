'use strict';
// The server's side of a WebSocket: the standard's WebSocket for handlers, with light events, and
// what a server needs beside it: backpressure in both directions and `for await`.

const { setFrame, entered } = use.frame;
const { Headers, over } = use.headers;
const { Response } = use.response;
const { fail, answered } = use.guard;
const inspectCustom = Symbol.for('nodejs.util.inspect.custom');

const MESSAGE = 0, WRITABLE = 1, CLOSE = 2;  // kinds of event, as in websocket_object.cc
const FULL = 1;                              // of host.socketSend()
const OPEN = 1, CLOSING = 2, CLOSED = 3;     // readyState
const INTERNAL_ERROR = 1011;

// Messages that wait in an iterator before the client is not read any more.
const HIGH_WATER = 16;

class SocketEvent {
  constructor(type, target) {
    this.type = type;
    this.target = target;
    this.currentTarget = target;
    this.stopped = false;
  }
  get bubbles() {
    return false;
  }
  get cancelable() {
    return false;
  }
  get defaultPrevented() {
    return false;
  }
  preventDefault() {}
  stopPropagation() {}
  stopImmediatePropagation() {
    this.stopped = true;
  }
}
class MessageEvent extends SocketEvent {
  constructor(target, data) {
    super('message', target);
    this.data = data;
  }
}
class CloseEvent extends SocketEvent {
  constructor(target, code, reason, wasClean) {
    super('close', target);
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

const sockets = [undefined];  // by slot; 0 is none
const free = [];

let create, startSocket, failSocket, event;

class WebSocket {
  static CONNECTING = 0;
  static OPEN = OPEN;
  static CLOSING = CLOSING;
  static CLOSED = CLOSED;

  #id;
  #frame;
  #state = OPEN;
  #started = false;
  #binaryType = 'arraybuffer';
  #handlers;   // { message: function } of onmessage and its like
  #listeners;  // { message: [{ listener, once }] }
  #reader;     // of the iterator: { queue, wake }

  constructor(key, id, frame, url, protocol) {
    if (key !== sockets) {
      throw new TypeError('Illegal constructor: request.duet.upgradeWebSocket() makes it');
    }
    this.#id = id;
    this.#frame = frame;
    this.url = url;
    this.protocol = protocol;
  }

  get readyState() {
    return this.#state;
  }
  get extensions() {
    return '';
  }
  get bufferedAmount() {
    return host.socketBuffered(this.#id);
  }
  get binaryType() {
    return this.#binaryType;
  }
  set binaryType(type) {
    if (type !== 'arraybuffer' && type !== 'blob') {
      throw new TypeError(`binaryType is "arraybuffer" or "blob", not ${JSON.stringify(type)}`);
    }
    this.#binaryType = type;
  }

  /** Sends a message. False: it is taken, but what waits is much: await the "drain" event. */
  send(data) {
    const result = host.socketSend(this.#id, data);
    if (result === undefined) {
      throw new TypeError('send() takes a string, an ArrayBuffer or a view of one' +
        (data instanceof Blob ? ': await blob.arrayBuffer() first' : ''));
    }
    return result !== FULL;
  }

  close(code = 0, reason = '') {
    if (!host.socketClose(this.#id, code === undefined ? 0 : Number(code), String(reason))) {
      throw new DOMException(`close(${code}, ...): the code is 1000 to 1014, or 3000 to 4999, and ` +
        'the reason has at most 123 bytes', 'InvalidAccessError');
    }
    if (this.#state === OPEN) this.#state = CLOSING;
  }

  /** Ends the connection without the closing handshake. */
  terminate() {
    host.socketTerminate(this.#id);
    if (this.#state === OPEN) this.#state = CLOSING;
  }

  // --- events ---

  addEventListener(type, listener, options = undefined) {
    if (listener === null || listener === undefined) return;
    const list = (this.#listeners ??= {})[type] ??= [];
    if (list.some((entry) => entry.listener === listener)) return;
    const once = typeof options === 'object' && options !== null && Boolean(options.once);
    list.push({ listener, once });
    const signal = typeof options === 'object' ? options?.signal : undefined;
    signal?.addEventListener('abort', () => this.removeEventListener(type, listener));
    if (type === 'message') this.#startSoon();
  }

  removeEventListener(type, listener) {
    const list = this.#listeners?.[type];
    if (list === undefined) return;
    this.#listeners[type] = list.filter((entry) => entry.listener !== listener);
  }

  dispatchEvent(event) {
    this.#emit(event);
    return true;
  }

  #emit(event) {
    const { type } = event;
    const handler = this.#handlers?.[type];
    if (typeof handler === 'function') this.#call(handler, event);
    const list = this.#listeners?.[type];
    if (list === undefined) return;
    for (const entry of [...list]) {
      if (event.stopped) return;
      if (entry.once) this.removeEventListener(type, entry.listener);
      const { listener } = entry;
      if (typeof listener === 'function') this.#call(listener, event);
      else this.#call(listener.handleEvent, event, listener);
    }
  }

  // What a listener throws, also by its promise, is the handler's failure: logged, and the client
  // sees 1011.
  #call(listener, event, receiver = this) {
    try {
      const result = listener.call(receiver, event);
      if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
        result.then(undefined, (error) => fail(this.#frame, error, 'websocket'));
      }
    } catch (error) {
      fail(this.#frame, error, 'websocket');
    }
  }

  #on(type) {
    return this.#handlers?.[type] ?? null;
  }
  #setOn(type, handler) {
    (this.#handlers ??= {})[type] = typeof handler === 'function' ? handler : null;
  }
  get onopen() {
    return this.#on('open');
  }
  set onopen(handler) {
    this.#setOn('open', handler);
  }
  get onmessage() {
    return this.#on('message');
  }
  set onmessage(handler) {
    this.#setOn('message', handler);
    this.#startSoon();
  }
  get onclose() {
    return this.#on('close');
  }
  set onclose(handler) {
    this.#setOn('close', handler);
  }
  get onerror() {
    return this.#on('error');
  }
  set onerror(handler) {
    this.#setOn('error', handler);
  }
  get ondrain() {
    return this.#on('drain');
  }
  set ondrain(handler) {
    this.#setOn('drain', handler);
  }

  // Messages are not read before somebody listens, so that none is lost while a handler awaits
  // something first: until then the socket is paused.
  #startSoon() {
    if (!this.#started) queueMicrotask(() => this.#start());
  }
  #start() {
    if (this.#started) return;
    this.#started = true;
    this.#emit(new SocketEvent('open', this));
    host.socketPause(this.#id, false);
  }

  // --- for await ---

  /** The messages, until the socket closes. A consumer that is behind slows the client down. */
  [Symbol.asyncIterator]() {
    const reader = this.#reader ??= { queue: [], wake: undefined, paused: false };
    if (!this.#started) this.#start();
    return {
      next: async () => {
        for (;;) {
          if (reader.queue.length > 0) {
            const value = reader.queue.shift();
            if (reader.paused && reader.queue.length === 0) {
              reader.paused = false;
              host.socketPause(this.#id, false);
            }
            return { done: false, value };
          }
          if (this.#state === CLOSED) return { done: true, value: undefined };
          await new Promise((resolve) => {
            reader.wake = resolve;
          });
        }
      },
      return: async (value) => {
        this.#reader = undefined;
        this.close(1000);
        return { done: true, value };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #queue(data) {
    const reader = this.#reader;
    reader.queue.push(data);
    if (!reader.paused && reader.queue.length >= HIGH_WATER) {
      reader.paused = true;
      host.socketPause(this.#id, true);
    }
    this.#wake();
  }
  #wake() {
    const wake = this.#reader?.wake;
    if (wake === undefined) return;
    this.#reader.wake = undefined;
    wake();
  }

  #event(kind, first, second, clean) {
    if (kind === MESSAGE) {
      const data = typeof first !== 'string' && this.#binaryType === 'blob'
        ? new Blob([first]) : first;
      if (this.#reader !== undefined) this.#queue(data);
      else this.#emit(new MessageEvent(this, data));
    } else if (kind === WRITABLE) {
      this.#emit(new SocketEvent('drain', this));
    } else {
      this.#state = CLOSED;
      this.#wake();
      if (!clean) this.#emit(new SocketEvent('error', this));
      this.#emit(new CloseEvent(this, first, second, clean));
    }
  }

  get [Symbol.toStringTag]() {
    return 'WebSocket';
  }
  [inspectCustom](depth, options, inspect) {
    return `WebSocket ${inspect({ url: this.url, protocol: this.protocol,
                                  readyState: this.#state }, options)}`;
  }

  static {
    create = (id, frame, url, protocol) => new WebSocket(sockets, id, frame, url, protocol);
    startSocket = (socket) => socket.#start();
    failSocket = (socket) => {
      if (socket.#state === OPEN) socket.close(INTERNAL_ERROR, 'the handler failed');
    };
    /** Called by C++, inside a slice of the handler. */
    event = (kind, slot, first, second, clean) => {
      const socket = sockets[slot];
      if (kind === CLOSE) {
        sockets[slot] = undefined;
        free.push(slot);
      }
      const frame = socket.#frame;
      entered(frame);
      setFrame(frame);
      try {
        socket.#event(kind, first, second, clean);
      } finally {
        setFrame(undefined);
      }
    };
  }
}
for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN, CLOSING, CLOSED })) {
  Object.defineProperty(WebSocket.prototype, name, { value, enumerable: true });
}

/** request.duet.upgradeWebSocket(): answers the handshake, and gives the socket. */
function upgrade(frame, url, options = {}) {
  const { protocol = '', headers = undefined } = options ?? {};
  let fields = '';
  if (headers !== undefined) {
    for (const [name, value] of new Headers(headers)) fields += `${name}\n${value}\n`;
  }
  const slot = free.length > 0 ? free.pop() : sockets.length;
  let id;
  try {
    id = host.socketAccept(frame.id, slot, String(protocol), fields);
  } finally {
    if (!(id > 0)) {
      if (slot < sockets.length) free.push(slot);
    }
  }
  if (id === undefined) throw over('duet.upgradeWebSocket');
  if (id === 0) {
    // The client's fault, and answered: nothing that the handler's author should find in the log.
    throw answered(new TypeError('The request is no WebSocket handshake, or a wrong one: it has ' +
      'been answered'));
  }
  const socket = create(id, frame, url, String(protocol));
  sockets[slot] = socket;
  frame.socket = socket;
  frame.onFail = () => failSocket(socket);
  const response = new Response(null);
  Object.defineProperty(response, 'status', { value: 101 });
  return { socket, response };
}

exports.upgrade = upgrade;
exports.startSocket = startSocket;
exports.event = event;
