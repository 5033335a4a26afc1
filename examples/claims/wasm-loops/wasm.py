"""The loop as WebAssembly, in wasmtime."""

import pathlib

import wasmtime

store = wasmtime.Store()
module = wasmtime.Module.from_file(store.engine, str(pathlib.Path(__file__).parent / "sieve.wat"))
primes = wasmtime.Instance(store, module, []).exports(store)["primes"]


def fetch(request):
    n = int(request.query["n"])
    return {"below": n, "primes": primes(store, n)}
