"""GET /py/search?q=TEXT[&table=NAME][&limit=N]: the rows whose names are most like the text.

Likeness is that of trigrams (Dice's coefficient): of two sets, twice what they share over what they
have, in thousandths. search.ts ranks by the same steps and answers the same bytes.
"""

import re
import unicodedata
from collections import Counter

from duet import Response
from tables import TABLES

LEAST = 250  # thousandths; below it, likeness is chance
MOST = 50  # rows of an answer


def fold(text):
    """From "Côte d'Ivoire" to "cote d ivoire"."""
    folded = []
    for letter in unicodedata.normalize("NFKD", text.lower()):
        kind = unicodedata.category(letter)[0]
        if kind in "LN":
            folded.append(letter)
        elif kind != "M":
            folded.append(" ")
    return "".join(folded)


def trigrams(text):
    """Of each word, with two spaces before it and one after: beginnings weigh more than ends."""
    found = set()
    for word in fold(text).split():
        letters = f"  {word} "
        found.update(letters[i:i + 3] for i in range(len(letters) - 2))
    return found


# Every name of every row, numbered in the order of the tables.
NAMES = []
INDEX = {}  # trigram → the numbers of the names that have it
ranks = 0
for table_name, table in TABLES.items():
    for row in table["rows"]:
        for column in table["names"]:
            if column not in row:
                continue
            grams = trigrams(row[column])
            for gram in grams:
                INDEX.setdefault(gram, []).append(len(NAMES))
            NAMES.append((table_name, row, len(grams), ranks))
        ranks += 1


def search(text, only, limit):
    grams = trigrams(text)
    shared = Counter()
    for gram in grams:
        shared.update(INDEX.get(gram, ()))
    best = {}  # rank of a row → (score of its best name, table, row)
    for number, count in shared.items():
        table, row, size, rank = NAMES[number]
        score = 2000 * count // (len(grams) + size)
        if score < LEAST or (only is not None and table != only):
            continue
        if rank not in best or score > best[rank][0]:
            best[rank] = (score, table, row)
    ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    return [{"score": score, "table": table, "row": row}
            for _, (score, table, row) in ranked[:limit]]


def fetch(request):
    text = request.query.get("q", "")
    table = request.query.get("table")
    limit = request.query.get("limit", "10")
    if not trigrams(text):
        return Response.json({"error": "say what to search for: ?q=portugl"}, 400)
    if not re.fullmatch(r"[0-9]{1,2}", limit) or not 1 <= int(limit) <= MOST:
        return Response.json({"error": f"limit is between 1 and {MOST}"}, 400)
    return search(text, table, int(limit))
