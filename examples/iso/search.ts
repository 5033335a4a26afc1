// GET /js/search?q=TEXT[&table=NAME][&limit=N]: the rows whose names are most like the text.
//
// Likeness is that of trigrams (Dice's coefficient): of two sets, twice what they share over what
// they have, in thousandths. search.py ranks by the same steps and answers the same bytes.
import { tables } from "./tables.mjs";

type Row = Record<string, string>;
interface Table { rows: Row[]; codes: string[]; names: string[] }
interface Hit { score: number; table: string; row: Row }

const LEAST = 250; // thousandths; below it, likeness is chance
const MOST = 50; // rows of an answer

// "Côte d'Ivoire" → "cote d ivoire"
function fold(text: string): string {
  return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "")
    .replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

// Of each word, with two spaces before it and one after: beginnings weigh more than ends.
function trigrams(text: string): Set<string> {
  const found = new Set<string>();
  for (const word of fold(text).split(" ")) {
    if (word === "") continue;
    const letters = [..."  " + word + " "];
    for (let i = 0; i + 2 < letters.length; i++) {
      found.add(letters[i] + letters[i + 1] + letters[i + 2]);
    }
  }
  return found;
}

// Every name of every row, numbered in the order of the tables.
const names: { table: string; row: Row; size: number; rank: number }[] = [];
const index = new Map<string, number[]>(); // trigram → the numbers of the names that have it
let ranks = 0;
for (const [table, { rows, names: columns }] of tables as Map<string, Table>) {
  for (const row of rows) {
    for (const column of columns) {
      if (row[column] === undefined) continue;
      const grams = trigrams(row[column]);
      for (const gram of grams) {
        const numbers = index.get(gram);
        if (numbers === undefined) index.set(gram, [names.length]);
        else numbers.push(names.length);
      }
      names.push({ table, row, size: grams.size, rank: ranks });
    }
    ranks++;
  }
}
const shared = new Uint16Array(names.length);

function search(text: string, only: string | null, limit: number): Hit[] {
  const grams = trigrams(text);
  const touched: number[] = [];
  for (const gram of grams) {
    for (const number of index.get(gram) ?? []) {
      if (shared[number]++ === 0) touched.push(number);
    }
  }
  const best = new Map<number, Hit>(); // rank of a row → its best name's score
  for (const number of touched) {
    const { table, row, size, rank } = names[number];
    const score = Math.floor((2000 * shared[number]) / (grams.size + size));
    shared[number] = 0;
    if (score < LEAST || (only !== null && table !== only)) continue;
    if (score > (best.get(rank)?.score ?? 0)) best.set(rank, { score, table, row });
  }
  return [...best].sort(([a, x], [b, y]) => y.score - x.score || a - b).slice(0, limit)
    .map(([, hit]) => hit);
}

export default {
  fetch(request: Request) {
    const query = new URL(request.url).searchParams;
    const text = query.get("q") ?? "";
    const table = query.get("table");
    const limit = query.get("limit") ?? "10";
    if (trigrams(text).size === 0) {
      return Response.json({ error: "say what to search for: ?q=portugl" }, { status: 400 });
    }
    if (!/^[0-9]{1,2}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST) {
      return Response.json({ error: `limit is between 1 and ${MOST}` }, { status: 400 });
    }
    return search(text, table, Number(limit));
  },
};
