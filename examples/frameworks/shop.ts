// The shop that every framework serves here: its data and its rules, without any framework.
export interface NewItem {
  name: string;
  cents: number;
}
export interface Item extends NewItem {
  id: string;
}

const items = new Map<string, Item>([
  ["1", { id: "1", name: "anvil", cents: 12900 }],
  ["2", { id: "2", name: "rope", cents: 950 }],
]);

export const find = (id: string) => items.get(id);
export const list = (query = "") =>
  [...items.values()].filter(({ name }) => name.includes(query));

/** The mistakes of an item that came as JSON; none when it can be stored. */
export function mistakes(item: Partial<NewItem> | undefined): string[] {
  const found = [];
  if (typeof item?.name !== "string" || item.name === "") found.push("name: a text is needed");
  if (!Number.isInteger(item?.cents) || item!.cents! < 0) found.push("cents: a whole number is needed");
  return found;
}

/** What is sent piece by piece. */
export async function* report() {
  for (const { id, name } of items.values()) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    yield `${id};${name}\n`;
  }
}
