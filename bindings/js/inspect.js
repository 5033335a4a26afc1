'use strict';
// V8's inspector, which --inspect opens, or user code by node:inspector, or SIGUSR1.

const { internalBinding } = host.internal('internal/bootstrap/realm');

// Whoever opens it: handlers may stand still from then on. Node tells its cluster of it so.
function watch() {
  process.on('internalMessage', (message) => {
    if (message?.cmd === 'NODE_DEBUG_ENABLED') host.onDebugger();
  });
  if (internalBinding('inspector').isEnabled()) host.onDebugger();  // NODE_OPTIONS=--inspect
}

/** Opens it, which prints its address, and may wait for a client. False: the port is taken. */
function open(hostname, port, wait) {
  const inspector = require('inspector');
  if (inspector.url() === undefined) inspector.open(port, hostname);
  if (inspector.url() === undefined) return false;
  if (wait) inspector.waitForDebugger();
  return true;
}

exports.watch = watch;
exports.open = open;
