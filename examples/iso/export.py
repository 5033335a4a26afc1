"""GET /py/export/{table}?format=ndjson|csv: the whole table, row by row.

The generator is pulled: the next rows are written when the client has taken the last ones, so that a
slow client holds a few kilobytes of memory and not the whole table.
"""

import json
import re

from duet import Response
from tables import TABLES

ROWS = 100  # in one piece: about 8 kB


def quote(text):
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


FORMATS = {
    "ndjson": {
        "type": "application/x-ndjson",
        "head": lambda columns: "",
        "line": lambda row, columns:
            json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n",
    },
    "csv": {
        "type": "text/csv;charset=utf-8",
        "head": lambda columns: ",".join(columns) + "\r\n",
        "line": lambda row, columns:
            ",".join(quote(row.get(name, "")) for name in columns) + "\r\n",
    },
}


def pieces(rows, format):
    columns = sorted({name for row in rows for name in row})
    piece = format["head"](columns)
    for at in range(0, len(rows), ROWS):
        yield piece + "".join(format["line"](row, columns) for row in rows[at:at + ROWS])
        piece = ""


def fetch(request):
    table = TABLES.get(request.params["table"])
    if table is None:
        return Response.json({"error": "the tables are countries, languages, currencies"}, 404)
    format = FORMATS.get(request.query.get("format", "ndjson"))
    if format is None:
        return Response.json({"error": "the formats are ndjson, csv"}, 400)
    return Response(pieces(table["rows"], format), headers={"content-type": format["type"]})
