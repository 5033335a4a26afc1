// POST /js/totals with {"numbers": [1, 2, 3]}: JSON in, JSON out.
export default {
  async fetch(request) {
    let numbers;
    try {
      ({ numbers } = await request.json());
    } catch {
      return Response.json({ error: "the body is no JSON" }, { status: 400 });
    }
    if (!Array.isArray(numbers) || !numbers.every(Number.isInteger)) {
      return Response.json({ error: "numbers must be a list of integers" }, { status: 422 });
    }
    return { count: numbers.length, total: numbers.reduce((sum, n) => sum + n, 0) };
  },
};
