// One file of Node's own tests, SUITE_FILE, as an application that duet serves: the first server that it
// lets listen is duet's. SUITE_RESULTS gets a line of JSON when the file is over: where Node would
// end, its servers are closed and nothing keeps the loop.
'use strict';
const fs = require('node:fs');
const http = require('node:http');

const { listen } = http.Server.prototype;
const servers = new Set();
http.Server.prototype.listen = function (...values) {
  servers.add(this);
  return Reflect.apply(listen, this, values);
};

class Exit extends Error {}
let over = false;
let code = 0;
const failures = [];
// As in Node it does not come back.
process.exit = process.reallyExit = (value = process.exitCode ?? 0) => {
  code = Math.max(code, Number(value));
  if (!over) finish();
  throw new Exit('exit');
};
process.abort = () => process.exit(134);

const known = { uncaughtException: 0, unhandledRejection: 0 };
for (const event of Object.keys(known)) {
  process.on(event, (error) => {
    // A test that listens itself wants it.
    if (!(error instanceof Exit) && process.listenerCount(event) <= known[event]) {
      failures.push(error?.stack ?? String(error));
      if (!over) finish();
    }
  });
  known[event] = process.listenerCount(event);
}

function finish() {
  over = true;
  clearInterval(timer);
  try {
    process.emit('exit', code);  // common.mustCall() looks now
  } catch (error) {
    if (!(error instanceof Exit)) failures.push(error.stack);
  }
  const ok = code === 0 && (process.exitCode ?? 0) === 0 && failures.length === 0;
  fs.writeFileSync(process.env.SUITE_RESULTS, `${JSON.stringify({ ok, code, failures })}\n`);
}

void [process.stdout, process.stderr];  // which are open from their first use on
const usual = process.getActiveResourcesInfo();
let quiet = 0;    // looks at which nothing was going on
let before = '';  // what was going on at the last look
const timer = setInterval(() => {
  const active = process.getActiveResourcesInfo();
  for (const one of usual) {
    const at = active.indexOf(one);
    if (at >= 0) active.splice(at, 1);
  }
  const open = [...servers].some((server) => server.listening && !server._unref);
  // Node ends the connections of a closed server, which duet keeps for others.
  const only = active.every((one) => one === 'TCPSocketWrap') ? active.length : -1;
  const same = String(only) === before;
  before = String(only);
  quiet = !open && only >= 0 && same ? quiet + 1 : 0;
  if (quiet >= (only === 0 ? 3 : 40)) finish();
}, 30).unref();

process.argv = [process.execPath, process.env.SUITE_FILE];
require(process.env.SUITE_FILE);
