"""GET /py/primes?below=100000: work that keeps a processor busy, in a thread of the pool.

Without @blocking it would hold the loop, and every other request would wait for it.
"""

from duet import Response, blocking


@blocking
def fetch(request):
    below = int(request.query.get("below", "100000"))
    if not 2 <= below <= 10_000_000:
        return Response.json({"error": "below is between 2 and 10000000"}, 400)
    sieve = bytearray([1]) * below
    sieve[0:2] = b"\0\0"
    for n in range(2, int(below**0.5) + 1):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, below, n)))
    return {"below": below, "primes": sum(sieve)}
