"""GET /py/greet/{name}?times=3: a route's parameter, the query, a header, the handler's variables."""

from duet import Response


def fetch(request, env):
    times = request.query.get("times", "1")
    if not times.isascii() or not times.isdigit() or not 1 <= int(times) <= 10:
        return Response.json({"error": "times is between 1 and 10"}, 400)
    return {
        "greetings": [f"{env.GREETING}, {request.params['name']}!"] * int(times),
        "language": request.headers.get("accept-language", "any"),
    }
