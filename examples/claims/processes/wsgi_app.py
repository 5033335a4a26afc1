from work import catalogue


def app(environ, start_response):
    body = catalogue()
    start_response("200 OK", [("Content-Type", "application/json"),
                              ("Content-Length", str(len(body)))])
    return [body]
