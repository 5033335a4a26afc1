// A native addon from npm, as it comes from there.
import Database from "better-sqlite3";

const database = new Database(":memory:");
database.exec("create table items (name text, cents integer)");
const add = database.prepare("insert into items values (?, ?)");
database.function("discounted", (cents) => Math.round(cents * 0.9));  // back into JavaScript
const sum = database.prepare("select name, sum(cents) as cents, discounted(sum(cents)) as less from items");

export default (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/fails") database.prepare("select * from nowhere");
  add.run("rope", 250);
  return sum.get();
};
