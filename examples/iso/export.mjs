// GET /js/export/{table}?format=ndjson|csv: the whole table, row by row.
//
// The stream is pulled: the next rows are written when the client has taken the last ones, so that
// a slow client holds a few kilobytes of memory and not the whole table.
import { tables } from "./tables.mjs";

const ROWS = 100; // in one piece: about 8 kB

const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const formats = new Map([
  ["ndjson", {
    type: "application/x-ndjson",
    head: () => "",
    line: (row) => `${JSON.stringify(row)}\n`,
  }],
  ["csv", {
    type: "text/csv;charset=utf-8",
    head: (columns) => `${columns.join(",")}\r\n`,
    line: (row, columns) => `${columns.map((name) => quote(row[name] ?? "")).join(",")}\r\n`,
  }],
]);

function* pieces(rows, format) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].sort();
  let piece = format.head(columns);
  for (let at = 0; at < rows.length; at += ROWS) {
    for (const row of rows.slice(at, at + ROWS)) piece += format.line(row, columns);
    yield piece;
    piece = "";
  }
}

export default {
  fetch(request) {
    const table = tables.get(request.params.table);
    if (table === undefined) {
      return Response.json({ error: "the tables are countries, languages, currencies" }, { status: 404 });
    }
    const format = formats.get(new URL(request.url).searchParams.get("format") ?? "ndjson");
    if (format === undefined) {
      return Response.json({ error: "the formats are ndjson, csv" }, { status: 400 });
    }
    return new Response(ReadableStream.from(pieces(table.rows, format)), {
      headers: { "content-type": format.type },
    });
  },
};
