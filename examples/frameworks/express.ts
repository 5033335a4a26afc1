// The shop in Express: node express.ts, or duet serve express.ts.
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import express, { type NextFunction, type Request, type Response } from "express";
import multer from "multer";
import { find, list, mistakes, report, type NewItem } from "./shop.ts";

const app = express();
const upload = multer({ storage: multer.memoryStorage() });
app.use(express.json());
app.use("/files", express.static(fileURLToPath(new URL("public", import.meta.url))));

app.get("/items", (req: Request<{}, unknown, unknown, { q?: string }>, res: Response) => {
  res.json(list(req.query.q));
});
app.get("/items/:id", (req: Request<{ id: string }>, res: Response, next: NextFunction) => {
  const item = find(req.params.id);
  if (item === undefined) return next();
  res.set("X-Item", item.name).json(item);
});
app.post("/items", (req: Request<{}, unknown, NewItem>, res: Response) => {
  const wrong = mistakes(req.body);
  if (wrong.length > 0) return res.status(422).json({ mistakes: wrong });
  res.status(201).location("/items/3").json({ id: "3", ...req.body });
});
app.post("/upload", upload.single("file"), (req: Request, res: Response) => {
  const { originalname, size } = req.file!;
  res.json({ name: originalname, bytes: size, note: req.body.note });
});
app.get("/login", (req, res) => {
  res.cookie("session", "s1", { httpOnly: true, path: "/" });
  res.cookie("theme", "dark mode");
  res.redirect(303, "/items");
});
app.get("/whoami", (req, res) => {
  res.type("text").send(req.get("cookie") ?? "nobody");
});
app.get("/report", (req, res) => {
  res.type("text/csv");
  Readable.from(report()).pipe(res);
});
app.get("/fail", async () => {
  throw Object.assign(new Error("teapot"), { status: 418, expose: true });
});
app.delete("/items/:id", (req, res) => {
  res.status(204).end();
});
app.use((error: Error & { status?: number }, req: Request, res: Response, next: NextFunction) => {
  if (res.headersSent) return next(error);
  res.status(error.status ?? 500).json({ error: error.message });
});

app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
