import { api } from "./items.mjs";
import { pgStore } from "./pg_store.mjs";

export default api(await pgStore());
