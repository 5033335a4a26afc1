// A catalogue of 300 things as JSON: some work that no other process can help with.
const THINGS = 300;

export function catalogue() {
  const things = [];
  for (let id = 1; id <= THINGS; id++) {
    things.push({ id, name: `thing ${id}`, price: (id * 37) % 1000, tags: ["a", "b", String(id)] });
  }
  return JSON.stringify({ things });
}
