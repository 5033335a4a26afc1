from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from readings import take

app = FastAPI()


@app.websocket("/")
async def telemetry(ws: WebSocket):
    await ws.accept()
    try:
        while True:
            await ws.send_text(take(await ws.receive_text()))
    except WebSocketDisconnect:
        pass
