async def fetch(request):
    return {"message": "Hello, World"}
