// The loop as WebAssembly, in V8. sieve.wasm is sieve.wat as wasmtime assembles it.
import { readFileSync } from "node:fs";

const bytes = readFileSync(new URL("sieve.wasm", import.meta.url));
const { primes } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;

export default (request) => {
  const n = Number(new URL(request.url).searchParams.get("n"));
  return Response.json({ below: n, primes: primes(n) });
};
