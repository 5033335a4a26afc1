import { DatabaseSync } from "node:sqlite";

import { api } from "./items.mjs";
import { sqliteStore } from "./sqlite_store.mjs";

export default api(sqliteStore(DatabaseSync));
