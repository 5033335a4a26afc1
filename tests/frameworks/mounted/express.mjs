// Routers below routers, one router in two places, an application below another, functions that
// answer or pass on below a path. EXPRESS: the package, for there are two major versions in use.
import { fileURLToPath } from "node:url";

const { default: express } = await import(process.env.EXPRESS);
const say = (text) => (req, res) => res.send(text);

const items = express.Router({ mergeParams: true });
items.get("/", say("items"));
items.route("/:item").get(say("item")).put(say("put"));
const shops = express.Router();
shops.use("/:shop/items", items);
shops.get(["/near", "/far"], say("both"));
const admin = express();
admin.get("/users/:user", say("user"));

const app = express();
app.use("/shops", shops);
app.use("/v2/shops", shops);
app.use("/admin", admin);
app.use("/guarded", (req, res, next) => next());
app.get("/guarded/it", say("guarded"));
app.use("/proxy", say("by a function"));
app.use("/files", express.static(fileURLToPath(new URL("../public", import.meta.url))));
app.get(/^\/any/, say("any"));
app.listen(1);
