// One file of a node:test suite, SUITE_FILE, inside a duet or in a Node. SUITE_RESULTS gets a line of JSON
// for each test.
'use strict';
const fs = require('node:fs');
const { run } = require('node:test');

function report(ok, { name, skip, todo }) {
  fs.appendFileSync(process.env.SUITE_RESULTS, `${JSON.stringify({ ok, name, skip: !!(skip ?? todo) })}\n`);
}

require('./ports.cjs')(() => {
  const tests = run({ files: [process.env.SUITE_FILE], isolation: 'none', timeout: 7_000 });
  tests.on('test:pass', (test) => report(true, test));
  tests.on('test:fail', (test) => report(false, test));
  tests.resume();
});
