'use strict';
// What user code does when the process is told to stop. On Node it ends the process itself: by
// process.exit(), or by leaving nothing to wait for. The host ends in its place, and waits for that.

const SIGNALS = ['SIGTERM', 'SIGINT'];
const CHECK_EVERY = 10;  // ms, while the host waits

let told = false;    // listeners of a signal are called
let exited = false;  // it has called process.exit() since

/** Sees the signals that reach user code. A listener of our own would be counted by user code. */
function install() {
  const { emit } = process;
  process.emit = function (event, ...values) {
    // What user code emits has no number.
    if (SIGNALS.includes(event) && typeof values[1] === 'number') told = true;
    return Reflect.apply(emit, this, [event, ...values]);
  };
}

/** process.exit() was called, or a signal sent to ourselves: whether that is how user code stops. */
function exits() {
  if (told) exited = true;
  return told;
}

/** Whether Node would go on. The standard streams are no reason; those that are pipes look like one. */
function waitsForSomething() {
  const standard = process._getActiveHandles().filter(({ fd }) => fd >= 0 && fd <= 2);
  return process.getActiveResourcesInfo().length > standard.length;
}

/** Calls `done` when user code has stopped. False, and it is not called: there is nothing to wait for. */
function whenOver(done) {
  if (exited || !(told || SIGNALS.some((name) => process.listenerCount(name) > 0))) return false;
  const over = () => !told || exited || !waitsForSomething();
  // The host is the first to see the signal; the listeners are called before this.
  setImmediate(() => {
    if (over()) return done();
    const timer = setInterval(() => {
      if (!over()) return;
      clearInterval(timer);
      done();
    }, CHECK_EVERY);
    timer.unref();
  });
  return true;
}

exports.install = install;
exports.exits = exits;
exports.whenOver = whenOver;
