import express from "express";

const app = express();
app.get("/", (request, response) => response.json({ message: "Hello, World" }));
// On duet this is the host's address.
app.listen(Number(process.argv[2] ?? 8000), "127.0.0.1");
