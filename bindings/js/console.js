'use strict';
// console.* writes lines of the host's log, with the handler's name; process.stdout stays as it is.

const { Console } = require('console');
const { currentFrame } = use.frame;

const DEBUG = 0, INFO = 1, WARN = 2, ERROR = 3;

function handlerName() {
  return currentFrame()?.handler.name ?? '';
}

function install() {
  let level = INFO;
  const stream = {
    write(text) {
      host.log(level, text.endsWith('\n') ? text.slice(0, -1) : text, handlerName());
      return true;
    },
    isTTY: false,
    on() {},
    once() {},
    removeListener() {},
    listenerCount: () => 0,
  };
  const sink = new Console({ stdout: stream, stderr: stream, ignoreErrors: false });
  const levels = { error: ERROR, assert: ERROR, warn: WARN, trace: WARN };
  for (const name of Object.keys(sink)) {
    const method = sink[name];
    if (typeof method !== 'function') continue;
    console[name] = {
      [name](...values) {
        const before = level;
        level = levels[name] ?? INFO;
        try {
          return method(...values);
        } finally {
          level = before;
        }
      },
    }[name];
  }

  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const text = `${warning.name}: ${warning.message}`;
    host.log(warning.name === 'ExperimentalWarning' ? DEBUG : WARN, text, handlerName());
  });
}

exports.install = install;
