// GET /js/{table}/{code}: the row that has the code, in any of the table's code columns.
import { tables } from "./tables.mjs";

const indexes = new Map();
for (const [name, { rows, codes }] of tables) {
  const index = new Map();
  for (const row of rows) {
    for (const column of codes) {
      if (row[column] !== undefined) index.set(row[column].toUpperCase(), row);
    }
  }
  indexes.set(name, index);
}

export default {
  fetch(request) {
    const { table, code } = request.params;
    const index = indexes.get(table);
    if (index === undefined) {
      return Response.json({ error: "the tables are countries, languages, currencies" }, { status: 404 });
    }
    const row = /^[A-Za-z0-9]{2,3}$/.test(code) ? index.get(code.toUpperCase()) : undefined;
    if (row === undefined) {
      return Response.json({ error: "no row has this code" }, { status: 404 });
    }
    return row;
  },
};
