// Module state: each handler has its own.
let count = 0;

export default () => ({ count: ++count });
