"""A catalogue of 300 things as JSON: some work that no other process can help with."""

import json

THINGS = 300


def catalogue():
    things = [{"id": n, "name": f"thing {n}", "price": n * 37 % 1000, "tags": ["a", "b", str(n)]}
              for n in range(1, THINGS + 1)]
    return json.dumps({"things": things}).encode()
