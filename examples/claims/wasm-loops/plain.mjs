// The loop in JavaScript.
function primes(n) {
  const composite = new Uint8Array(n);
  let count = 0;
  for (let i = 2; i < n; i++) {
    if (composite[i]) continue;
    count++;
    for (let k = i + i; k < n; k += i) composite[k] = 1;
  }
  return count;
}

export default (request) => {
  const n = Number(new URL(request.url).searchParams.get("n"));
  return Response.json({ below: n, primes: primes(n) });
};
