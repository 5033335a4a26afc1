// Drops the tables of the other servers' making when it is told to stop, which is after they are gone.
// They are known by its port.
import http from "node:http";

import pg from "pg";

const port = Number(process.argv[2]);
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();

process.once("SIGTERM", async () => {
  const tables = await client.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ^@ $1",
    [`duet_lab_crud_${port}_`]);
  for (const { relname } of tables.rows) await client.query(`DROP TABLE ${relname}`);
  process.exit();
});
http.createServer((_, response) => response.end()).listen(port, "127.0.0.1");
