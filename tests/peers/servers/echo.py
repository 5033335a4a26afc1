async def fetch(request):
    socket = request.websocket()
    async for message in socket:
        await socket.send(message)
