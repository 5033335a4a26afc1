'use strict';
// What user code does to the process it does to its own request only: exits, uncaught exceptions,
// rejected promises that nobody awaits.

const { currentFrame, runningFrame } = use.frame;

// Errors that have been answered or logged already, so that they are not logged again when they
// arrive as a rejection.
const reported = new WeakSet();

/** Fails the frame's request with `error`; logged when it is over, or when there is none. */
function fail(frame, error, how) {
  if (typeof error === 'object' && error !== null) {
    if (reported.has(error)) return;
    reported.add(error);
  }
  host.fail(frame === undefined ? 0 : frame.id, frame === undefined ? -1 : frame.handler.index,
            error, how);
  frame?.onFail?.();
}

/**
 * Fails the frame's request with what a listener of Node's http threw. On Node such an error ends the
 * process, unless the application listens for it: so it is told.
 */
function uncaught(frame, error) {
  fail(frame, error, 'uncaught exception');
  for (const listener of process.rawListeners('uncaughtException')) {
    if (listener === onException) continue;
    try {
      listener.call(process, error, 'uncaughtException');
    } catch (further) {
      fail(frame, further, 'uncaught exception');
    }
  }
}

/** Marks an error whose request has been answered, and which is not the handler's fault. */
function answered(error) {
  reported.add(error);
  return error;
}

class ExitError extends Error {
  constructor(what, loading) {
    super(loading ? `${what} was called while the module loads`
      : `${what} was called: it ends this request, not the host`);
    this.name = 'ExitError';
    this.code = 'ERR_DUET_EXIT';
    this.hint = loading ? 'a handler\'s module stays: throw an error that says what is missing'
      : 'throw an error or return a Response instead';
  }
}

let stopping = false;

function refuse(what) {
  const frame = currentFrame() ?? runningFrame();
  const loading = frame !== undefined && frame.handler.target === undefined;
  const error = new ExitError(what, loading);
  if (loading) throw error;  // the error of the load
  // What begins with a signal listener usually ends with this, and the host is ending then. It returns:
  // thrown, it would be caught and logged as a failure of what was done before (NestJS). Callbacks that
  // it waited for, such as that of a server's close(), may have the frame of a request.
  if (use.ending.exits()) {
    if (!stopping) fail(frame, error, 'last exit');
    return;
  }
  if (stopping) reported.add(error);
  else fail(frame, error, 'exit');
  throw error;
}

function replaceExits() {
  process.exit = function exit(code = process.exitCode) {
    refuse(`process.exit(${code ?? ''})`);
  };
  process.reallyExit = process.exit;
  process.abort = function abort() {
    refuse('process.abort()');
  };
  if (process.execve !== undefined) {
    process.execve = function execve() {
      refuse('process.execve()');
    };
  }
  const { kill } = process;
  process.kill = function (pid, signal = 'SIGTERM') {
    const own = Number(pid) === process.pid || Number(pid) === 0 || Number(pid) === -process.pid;
    if (own && signal !== 0) {
      // A listener of user code's own is what the caller wants to reach.
      const name = typeof signal === 'number' ? nameOf(signal) : signal;
      if (process.listenerCount(name) > 0) {
        process.emit(name, name);
        return true;
      }
      // Without a listener, so this is how user code ends when it was told to (NestJS does). On Node it
      // goes on until the signal arrives.
      if (use.ending.exits() || stopping) return true;
      refuse(`process.kill(${pid}, ${JSON.stringify(signal)})`);
    }
    return kill.call(process, pid, signal);
  };
}

function nameOf(number) {
  const { signals } = require('os').constants;
  return Object.keys(signals).find((name) => signals[name] === number);
}

/**
 * What nobody caught. Without a listener of the application's own it ends Node's process: one that has not
 * let its server listen yet does not load. Whether that is all there is to say of it.
 */
function endsStart(frame, event, error) {
  const handler = frame?.handler;
  if (handler === undefined || handler.target !== undefined || handler.server !== undefined ||
      process.listenerCount(event) > 1) return false;
  handler.startError ??= error;
  handler.onStartError?.(error);
  return handler.onStartError !== undefined;
}

function onException(error) {
  const frame = currentFrame() ?? runningFrame();
  if (!endsStart(frame, 'uncaughtException', error)) fail(frame, error, 'uncaught exception');
}

function catchTheRest() {
  const onRejection = (reason) => {
    const frame = currentFrame() ?? runningFrame();
    if (!endsStart(frame, 'unhandledRejection', reason)) fail(frame, reason, 'unhandled rejection');
  };
  const guards = { uncaughtException: onException, unhandledRejection: onRejection };
  for (const [event, listener] of Object.entries(guards)) process.on(event, listener);
  // Without a listener Node ends the process, so removeAllListeners() does not remove ours.
  process.on('removeListener', (event, listener) => {
    if (Object.hasOwn(guards, event) && guards[event] === listener) {
      queueMicrotask(() => {
        if (!process.listeners(event).includes(listener)) process.on(event, listener);
      });
    }
  });
}

function install() {
  replaceExits();
  catchTheRest();
}

exports.fail = fail;
exports.uncaught = uncaught;
exports.answered = answered;
exports.install = install;
exports.setStopping = () => {
  stopping = true;
};
