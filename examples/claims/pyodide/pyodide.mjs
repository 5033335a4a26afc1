// work.py in Pyodide: CPython compiled to WebAssembly, in V8.
import { readFileSync } from "node:fs";

import { loadPyodide } from "pyodide";

const python = await loadPyodide();
python.runPython(readFileSync(new URL("work.py", import.meta.url), "utf8"));
python.runPython("import json");

export default () =>
  new Response(python.runPython("json.dumps(work())"), {
    headers: { "Content-Type": "application/json" },
  });
