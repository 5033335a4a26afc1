// Module state in CommonJS: each handler has its own.
let count = 0;

module.exports = { fetch: () => ({ count: ++count, filename: require("node:path").basename(__filename) }) };
