// The ISO tables of Debian's iso-codes, read once when the handlers are loaded.
import { existsSync, readFileSync } from "node:fs";

// What $ISO_CODES says, what duet's own build fetched, or the package installed system-wide.
const folders = [
  process.env.ISO_CODES,
  new URL("../../build/deps/prefix/root/usr/share/iso-codes/json", import.meta.url).pathname,
  "/usr/share/iso-codes/json",
];

function read(standard) {
  const folder = folders.find((name) => name && existsSync(`${name}/iso_${standard}.json`));
  if (folder === undefined) {
    throw new Error("the ISO tables are missing: apt-get install iso-codes, or set ISO_CODES to the " +
      `folder of iso_${standard}.json`);
  }
  return JSON.parse(readFileSync(`${folder}/iso_${standard}.json`, "utf8"))[standard];
}

// name in the URL → rows, which of their columns are codes, and which are names.
export const tables = new Map([
  ["countries", {
    rows: read("3166-1"),
    codes: ["alpha_2", "alpha_3", "numeric"],
    names: ["name", "common_name", "official_name"],
  }],
  ["languages", {
    rows: read("639-3"),
    codes: ["alpha_2", "alpha_3", "bibliographic"],
    names: ["name", "common_name", "inverted_name"],
  }],
  ["currencies", {
    rows: read("4217"),
    codes: ["alpha_3", "numeric"],
    names: ["name"],
  }],
]);
