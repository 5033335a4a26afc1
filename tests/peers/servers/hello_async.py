from duet import Response


async def fetch(request):
    return Response("Hello, World!")
