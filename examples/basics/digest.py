"""PUT /py/digest: a body of any length, hashed piece by piece as it arrives; never all in memory."""

import hashlib


async def fetch(request):
    hash = hashlib.sha256()
    bytes = 0
    async for piece in request.body:
        hash.update(piece)
        bytes += len(piece)
    return {"bytes": bytes, "sha256": hash.hexdigest()}
