// Items in PostgreSQL, in a table of this process alone, which pg_tables.mjs drops.
import pg from "pg";

import { ROWS } from "./items.mjs";

export async function pgStore() {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
  const table = `duet_lab_crud_${new URL(process.env.TABLES).port}_${process.pid}`;
  await pool.query(`CREATE UNLOGGED TABLE ${table}
    (id integer PRIMARY KEY, name text NOT NULL, price double precision NOT NULL)`);
  await pool.query(`INSERT INTO ${table}
    SELECT id, 'item ' || id, id / 4.0 FROM generate_series(1, ${ROWS}) id`);
  const ask = (name, text) => (...values) => pool.query({ name, text, values });
  const get = ask("get", `SELECT id, name, price FROM ${table} WHERE id = $1`);
  const put = ask("put", `INSERT INTO ${table} VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, price = excluded.price`);
  const remove = ask("remove", `DELETE FROM ${table} WHERE id = $1`);
  return { get: async (id) => (await get(id)).rows[0], put, remove };
}
