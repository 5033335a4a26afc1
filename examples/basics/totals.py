"""POST /py/totals with {"numbers": [1, 2, 3]}: JSON in, JSON out.

A plain `def` runs when the whole body is there, so request.json() returns the value.
"""

from duet import Response


def fetch(request):
    try:
        numbers = request.json()["numbers"]
    except (ValueError, LookupError, TypeError):
        return Response.json({"error": "the body is no JSON with numbers"}, 400)
    if not isinstance(numbers, list) or any(type(number) is not int for number in numbers):
        return Response.json({"error": "numbers must be a list of integers"}, 422)
    return {"count": len(numbers), "total": sum(numbers)}
