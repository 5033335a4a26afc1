// Requests that wait together, and one among them that never lets go: js_test.py lets a group
// continue at once, in each of the ways in which Node continues something.
const groups = {
  promise: (run) => Promise.resolve().then(run),
  tick: (run) => process.nextTick(run),
  immediate: (run) => setImmediate(run),
  timer: (run) => setTimeout(run, 5),
};
const waiting = { promise: [], tick: [], immediate: [], timer: [] };

export default {
  async fetch(request) {
    const { how, what } = request.params;
    if (what === "go") {
      const count = waiting[how].length;
      for (const run of waiting[how].splice(0)) groups[how](run);
      return { count };
    }
    if (what === "now") for (;;);
    return new Promise((resolve) => {
      waiting[how].push(() => {
        if (what === "hang") for (;;);
        resolve(`through ${how}`);
      });
    });
  },
};
