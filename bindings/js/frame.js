'use strict';
// Which request is running: one Frame a request, carried through promises, timers and I/O by the
// same slot of V8 that AsyncLocalStorage uses. On top of it, the slices of time that the host
// charges to requests.
//
// Node fills that slot with a Map from storage to value and copies it at every run(). A Map a
// request would cost more than all the rest of a small answer, so a Frame stands in for one: it
// answers has() and get() like a Map whose only entry is itself, and gives that entry when Node
// copies it. User code's own AsyncLocalStorage works on top, and our entry survives in its copies.

const { internalBinding } = host.internal('internal/bootstrap/realm');
const { getFrame, setFrame } = host;
const KEY = { __proto__: null };

class Frame {
  constructor(id, handler) {
    this.id = id;            // the exchange; 0 for work of the handler outside any request
    this.handler = handler;  // an entry of `handlers` in bootstrap.js
    this.slot = 0;           // in `watched`, when the exchange's events are wanted
    this.request = undefined;  // given by request.js when it wants those events
    this.onBody = undefined;
    this.onWritable = undefined;
    this.onAbort = undefined;
    this.socket = undefined;  // the WebSocket that the request has become
    this.onFail = undefined;  // ends what the request has become, when its handler fails
    this.route = undefined;   // the key of the application's route that answers: routes.js
    this.mount = undefined;   // Hono: what lies above the application that is asked next
  }

  has(key) {
    return key === KEY;
  }
  get(key) {
    return key === KEY ? this : undefined;
  }
  delete() {
    return false;
  }
  disable() {}
  *[Symbol.iterator]() {
    yield [KEY, this];
  }
}

/** The frame of the code that runs, or undefined. */
function currentFrame() {
  const value = getFrame();
  if (value === undefined) return undefined;
  if (value instanceof Frame) return value;
  return value.get?.(KEY);
}

// --- slices ---
// shared[OPEN] is 1 while a slice is open. C++ closes slices by itself when the microtasks are
// done, so JavaScript must look before it believes `running`.
const { shared } = host;
const OPEN = 0;  // as in Pump::Shared
let running;
const outer = [];  // frames of the slices around nested callbacks (AsyncResource.runInAsyncScope)

function open(frame) {
  running = frame;
  host.resume(frame.id, frame.handler.index, 0, 0);
}

// A timer could have run when it was due: between then and now the loop was busy.
function openCallback(frame) {
  running = frame;
  const { _idleStart: start, _idleTimeout: delay } = executionAsyncResource();
  if (typeof start === 'number') {
    host.resume(frame.id, frame.handler.index, start, Math.trunc(delay));
  } else {
    host.resume(frame.id, frame.handler.index, 0, 0);
  }
}
let executionAsyncResource;

/** Dispatch and events open their slice in C++ and say here whose it is. */
function entered(frame) {
  running = frame;
}

// Before each continuation of a promise. Most continue the request that is running already: then
// this costs one comparison.
function beforePromise() {
  const value = getFrame();
  if (value === running && shared[OPEN] !== 0) return;
  const frame = currentFrame();
  if (shared[OPEN] !== 0) {
    if (frame === running) return;
    if (frame === undefined) {
      host.pause();
      return;
    }
  } else if (frame === undefined) {
    return;
  }
  open(frame);
}

// Around each callback that is not a promise's: timers, immediates, ticks, sockets, files.
function beforeCallback() {
  if (shared[OPEN] === 0) {
    outer.length = 0;
    const frame = currentFrame();
    outer.push(undefined);
    if (frame !== undefined) openCallback(frame);
    return;
  }
  outer.push(running);
  const frame = currentFrame();
  if (frame === running) return;
  if (frame === undefined) host.pause();
  else open(frame);
}

function afterCallback() {
  const frame = outer.pop();
  if (frame === undefined) {
    if (shared[OPEN] !== 0) host.pause();
  } else if (frame !== running || shared[OPEN] === 0) {
    open(frame);
  }
}

function startTiming() {
  const hooks = require('async_hooks');
  ({ executionAsyncResource } = hooks);
  require('v8').promiseHooks.onBefore(beforePromise);
  // Node's clock for timers, against the loop's.
  const probe = setTimeout(() => {}, 1);
  host.timerBase(probe._idleStart);
  clearTimeout(probe);
  hooks.createHook({
    before: beforeCallback,
    after: afterCallback,
    trackPromises: false,
  }).enable();
  // Hooks make Node check its stack of async ids, and end the process when that is deeper than it
  // should be, as it is after an interrupt. mend() clears the stack instead.
  const { async_hook_fields, constants } = internalBinding('async_wrap');
  async_hook_fields[constants.kCheck] = 0;
}

/**
 * Before code is terminated, which runs no `finally`. Node marks an immediate as done before it runs
 * it, and would stumble over the stopped one for ever: it becomes one that does nothing yet, so that
 * Node finds it again, and behind it the immediates of others.
 */
function beforeStop() {
  const stopped = executionAsyncResource();
  if (typeof stopped?._onImmediate !== 'function' || !stopped._destroyed) return;
  const { immediateInfo } = internalBinding('timers');
  stopped._destroyed = false;
  stopped._onImmediate = () => {};
  stopped._argv = null;
  immediateInfo[IMMEDIATE_COUNT]++;
  if (stopped._idlePrev !== null) return;  // then Node still holds the list
  const { immediateQueue } = host.internal('internal/timers');
  for (let next = stopped; next !== null;) {
    const immediate = next;
    next = immediate._idleNext;
    immediateQueue.append(immediate);
  }
}
const IMMEDIATE_COUNT = 0;  // in Node's immediateInfo

/** After code was terminated: what Node's `finally` blocks would have done. */
function mend() {
  internalBinding('async_wrap').clearAsyncIdStack();
  outer.length = 0;
  setFrame(undefined);
}

// --- events of exchanges ---
// The host tells about a request's body, its answer's buffer and its end only when asked.
const watched = [undefined];  // slot 0 is "not watched"
const free = [];

/** Asks for the events of the frame's exchange. False: the exchange is over. */
function watch(frame) {
  if (frame.slot !== 0) return true;
  const slot = free.length > 0 ? free.pop() : watched.length;
  if (!host.watch(frame.id, slot)) {
    free.push(slot);
    return false;
  }
  watched[slot] = frame;
  frame.slot = slot;
  return true;
}

const BODY = 0, WRITABLE = 1, ABORT = 2, END = 3;

function wakeWriter(frame) {
  const resolve = frame.onWritable;
  frame.onWritable = undefined;
  resolve?.();
}

// Whoever waits goes on, and finds that the exchange is over.
function wake(frame) {
  frame.onBody?.();
  wakeWriter(frame);
}

/** Called by C++, inside a slice of the frame. */
function event(kind, slot, why) {
  const frame = watched[slot];
  if (frame === undefined) return;
  running = frame;
  setFrame(frame);
  try {
    if (kind === BODY) {
      frame.onBody?.();
    } else if (kind === WRITABLE) {
      wakeWriter(frame);
    } else if (kind === ABORT) {
      frame.onAbort?.(why);
      wake(frame);
    } else if (kind === END) {
      watched[slot] = undefined;
      frame.slot = 0;
      free.push(slot);
      wake(frame);
    }
  } finally {
    setFrame(undefined);
  }
}

// Numbers of exchanges are too large for V8's small integers. A field that has only ever held such
// numbers is copied when it is read; one that has held something else holds a pointer.
new Frame(undefined, undefined);

exports.Frame = Frame;
exports.currentFrame = currentFrame;
exports.setFrame = setFrame;
exports.entered = entered;
exports.runningFrame = () => (shared[OPEN] !== 0 ? running : undefined);
exports.startTiming = startTiming;
exports.watch = watch;
exports.event = event;
exports.beforeStop = beforeStop;
exports.mend = mend;
