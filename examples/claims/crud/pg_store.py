"""Items in PostgreSQL, in a table of this process alone, which pg_tables.mjs drops."""

import os

import asyncpg

ROWS = 1000  # that are there from the start


class PgStore:
    def __init__(self):
        self.pool = None
        port = os.environ["TABLES"].rpartition(":")[2]
        self.table = f"duet_lab_crud_{port}_{os.getpid()}"

    async def opened(self):
        """Made by the first request, when the loop runs."""
        if self.pool is None:
            self.pool = asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8)
            await self.pool
            await self.pool.execute(
                f"CREATE UNLOGGED TABLE {self.table} (id integer PRIMARY KEY, "
                "name text NOT NULL, price double precision NOT NULL)")
            await self.pool.execute(f"INSERT INTO {self.table} SELECT id, 'item ' || id, id / 4.0 "
                                    f"FROM generate_series(1, {ROWS}) id")
        return self.pool

    async def get(self, number):
        pool = await self.opened()
        row = await pool.fetchrow(f"SELECT id, name, price FROM {self.table} WHERE id = $1",
                                  number)
        return row and dict(row)

    async def put(self, number, name, price):
        pool = await self.opened()
        await pool.execute(f"INSERT INTO {self.table} VALUES ($1, $2, $3) ON CONFLICT (id) "
                           "DO UPDATE SET name = excluded.name, price = excluded.price",
                           number, name, price)

    async def remove(self, number):
        pool = await self.opened()
        await pool.execute(f"DELETE FROM {self.table} WHERE id = $1", number)
