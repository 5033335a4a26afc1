'use strict';
// Puts the parts together and gives C++ the functions it calls: dispatch, event, load, stop.

const { Frame, setFrame, entered, startTiming, event } = use.frame;
const { Headers } = use.headers;
const { Response, isResponse } = use.response;
const { Request, toFull, keepHead } = use.request;
const { settle } = use.answer;
const { fail, uncaught } = use.guard;
const { dispatch: dispatchNode } = use.nodeServer;

// --- the global classes ---

use.full.replaceGlobals({ Request, Response, Headers });
Object.defineProperty(globalThis, 'fetch', {
  configurable: true,
  enumerable: true,
  writable: true,
  value: function fetch(input, init = undefined) {
    use.full.full();  // so that its Response passes instanceof
    try {
      return use.full.originalFetch(toFull(input, true), init);
    } catch (error) {
      return Promise.reject(error);
    }
  },
});

// --- requests ---

const handlers = [];  // by slot: { name, index, target, server, env }

class Context {
  #frame;
  #request;

  constructor(frame, request) {
    this.#frame = frame;
    this.#request = request;
  }

  /** Keeps the host up until the promise settles; the answer does not wait for it. */
  waitUntil(promise) {
    const frame = this.#frame;
    keepHead(this.#request);
    afterWork++;
    Promise.resolve(promise).catch((error) => {
      fail(frame, error, 'waitUntil');
    }).finally(workEnded);
  }
}
let afterWork = 0;  // promises given to waitUntil and not settled, and the end of user code

function workEnded() {
  if (--afterWork === 0) host.idle();
}

const { shared, sharedId } = host;
const SLOT = 2;  // in `shared`, as in Pump::Shared

/** Called by C++ for each request, inside a slice of its handler. */
function dispatch() {
  const handler = handlers[shared[SLOT]];
  const frame = new Frame(sharedId[0], handler);
  entered(frame);
  setFrame(frame);
  if (handler.server !== undefined) {
    try {
      dispatchNode(frame, handler.server);
    } catch (error) {
      uncaught(frame, error);
    }
    setFrame(undefined);
    return;
  }
  try {
    const request = new Request(frame);
    const result = handler.target.fetch(request, handler.env, new Context(frame, request));
    if (typeof result !== 'object' || result === null || isResponse(result)) {
      settle(frame, result);
    } else if (typeof result.then === 'function') {
      // An async function that never waited is done already: no microtask for it.
      const value = host.fulfilled(result);
      if (value !== result) {
        settle(frame, value);
        setFrame(undefined);
        return;
      }
      result.then((value) => {
        try {
          settle(frame, value);
        } catch (error) {
          fail(frame, error, 'request');
        }
      }, (error) => {
        fail(frame, error, 'request');
      });
    } else {
      settle(frame, result);
    }
  } catch (error) {
    fail(frame, error, 'request');
  }
  setFrame(undefined);
}

// --- loading ---

let prepared = false;

/** Loads handler number `slot`; tells host.loaded() or host.loadFailed(). */
function load(slot, name, index, file, pairs, rootPath) {
  if (!prepared) {
    prepared = true;
    use.loader.hookTypeScript();
    use.frameworkRoutes.hookFrameworks();
    use.nodeServer.hookHttp();
  }
  const env = {};
  for (let i = 0; i < pairs.length; i += 2) env[pairs[i]] = pairs[i + 1];
  const handler = {
    name, index, target: undefined, server: undefined, onListen: undefined,
    startError: undefined, onStartError: undefined, routed: false,
    env: Object.freeze(env), rootPath, mountedKeys: new Map(),
  };
  use.loader.load(handler, file).then(({ target, shape }) => {
    handler.target = target;
    if (shape === 'fetch') use.nodeServer.release(handler);
    else use.nodeServer.tellUnheeded(handler);
    handlers[slot] = handler;
    host.loaded(slot, shape);
  }).catch((error) => {
    host.loadFailed(slot, error);
  });
}

/**
 * No request follows. The number of waitUntil promises that still run; undefined when there is nothing
 * to wait for, else host.idle() tells of the end of it.
 */
function stop() {
  use.guard.setStopping();
  const promises = afterWork;
  if (use.ending.whenOver(workEnded)) afterWork++;
  return afterWork > 0 ? promises : undefined;
}

use.guard.install();
use.ending.install();
use.console.install();
use.inspect.watch();
startTiming();

const { beforeStop, mend } = use.frame;
Object.assign(exports, {
  dispatch, event, socketEvent: use.websocket.event,
  tunnelEvent: use.nodeUpgrade.event, load, stop, beforeStop, mend,
  inspect: use.inspect.open,
});
