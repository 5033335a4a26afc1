// What the shop sells.
const items = [{ id: "1", name: "rope", cents: 250 }, { id: "2", name: "nail", cents: 3 }];

export function list() {
  return items;
}

export function find(id) {
  return items.find((item) => item.id === id);
}

export function mistakes({ name, cents }) {
  const wrong = [];
  if (typeof name !== "string" || name === "") wrong.push("name is missing");
  if (!Number.isInteger(cents)) wrong.push("cents is no whole number");
  return wrong;
}
