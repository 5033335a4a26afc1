from duet import Response


def fetch(request):
    return Response("Hello, World!")
