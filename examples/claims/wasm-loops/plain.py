"""The loop in Python, as it stands there: no slices, no numpy."""


def primes(n):
    composite = bytearray(n)
    count = 0
    for i in range(2, n):
        if composite[i]:
            continue
        count += 1
        for k in range(i + i, n, i):
            composite[k] = 1
    return count


def fetch(request):
    n = int(request.query["n"])
    return {"below": n, "primes": primes(n)}
