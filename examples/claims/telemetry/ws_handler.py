from readings import take


async def fetch(request):
    ws = request.websocket()
    async for message in ws:
        await ws.send(take(message))
