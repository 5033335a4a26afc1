from items import api
from sqlite_store import SqliteStore

fetch = api(SqliteStore())
