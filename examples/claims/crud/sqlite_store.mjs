// Items in a SQLite database of this process, by node:sqlite or better-sqlite3: their statements are
// called alike.
import { unlinkSync } from "node:fs";
import { ROWS } from "./items.mjs";

export function sqliteStore(Database) {
  const file = `crud-${process.pid}.db`;
  const db = new Database(file);
  db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL)`);
  const get = db.prepare("SELECT id, name, price FROM items WHERE id = ?");
  const put = db.prepare("INSERT OR REPLACE INTO items VALUES (?, ?, ?)");
  const remove = db.prepare("DELETE FROM items WHERE id = ?");
  db.exec("BEGIN");
  for (let id = 1; id <= ROWS; id++) put.run(id, `item ${id}`, id / 4);
  db.exec("COMMIT");
  // It is open, and gone when this process is.
  for (const suffix of ["", "-wal"]) unlinkSync(file + suffix);
  return {
    get: (id) => get.get(id),
    put: (id, name, price) => put.run(id, name, price),
    remove: (id) => remove.run(id),
  };
}
