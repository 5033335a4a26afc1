"""Items in a SQLite database of this process, by the sqlite3 that Python has."""

import os
import sqlite3

ROWS = 1000  # that are there from the start
GET = "SELECT id, name, price FROM items WHERE id = ?"
PUT = "INSERT OR REPLACE INTO items VALUES (?, ?, ?)"
REMOVE = "DELETE FROM items WHERE id = ?"


class SqliteStore:
    def __init__(self):
        file = f"crud-{os.getpid()}.db"
        # Each statement is its own transaction, as in node:sqlite.
        self.db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute("CREATE TABLE items "
                        "(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL)")
        self.db.execute("BEGIN")
        self.db.executemany(PUT, ((n, f"item {n}", n / 4) for n in range(1, ROWS + 1)))
        self.db.execute("COMMIT")
        # It is open, and gone when this process is.
        for suffix in ("", "-wal"):
            os.unlink(file + suffix)

    async def get(self, number):
        row = self.db.execute(GET, (number,)).fetchone()
        return row and {"id": row[0], "name": row[1], "price": row[2]}

    async def put(self, number, name, price):
        self.db.execute(PUT, (number, name, price))

    async def remove(self, number):
        self.db.execute(REMOVE, (number,))
