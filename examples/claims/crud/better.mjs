import Database from "better-sqlite3";

import { api } from "./items.mjs";
import { sqliteStore } from "./sqlite_store.mjs";

export default api(sqliteStore(Database));
