"""GET /py/{table}/{code}: the row that has the code, in any of the table's code columns."""

import re

from duet import Response
from tables import TABLES

INDEXES = {
    name: {row[column].upper(): row for row in table["rows"] for column in table["codes"]
           if column in row}
    for name, table in TABLES.items()
}
CODE = re.compile(r"[A-Za-z0-9]{2,3}")


def fetch(request):
    index = INDEXES.get(request.params["table"])
    if index is None:
        return Response.json({"error": "the tables are countries, languages, currencies"}, 404)
    code = request.params["code"]
    row = index.get(code.upper()) if CODE.fullmatch(code) else None
    if row is None:
        return Response.json({"error": "no row has this code"}, 404)
    return row
