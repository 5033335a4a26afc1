async def fetch(request):
    ws = request.websocket()
    async for message in ws:
        await ws.send(message)
