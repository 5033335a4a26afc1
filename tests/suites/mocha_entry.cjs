// The mocha tests of one package, SUITE_FILES, inside a duet or in a Node. SUITE_RESULTS gets a line of
// JSON for each test, and one for the end.
'use strict';
const fs = require('node:fs');

const report = (result) => fs.appendFileSync(process.env.SUITE_RESULTS, `${JSON.stringify(result)}\n`);

require('./ports.cjs')(() => {
  const Mocha = require(require.resolve('mocha', { paths: [process.cwd()] }));
  const mocha = new Mocha({ timeout: 5_000, reporter: function quiet() {} });
  for (const file of process.env.SUITE_FILES.split(' ')) mocha.addFile(file);
  mocha.run()
    .on('pass', (test) => report({ ok: true, skip: false, name: test.fullTitle() }))
    .on('pending', (test) => report({ ok: true, skip: true, name: test.fullTitle() }))
    .on('fail', (test, error) => report({ ok: false, skip: false, name: test.fullTitle(), error: `${error.stack}` }))
    .on('end', () => report({ end: true }));
});
