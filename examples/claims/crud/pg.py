from items import api
from pg_store import PgStore

fetch = api(PgStore())
