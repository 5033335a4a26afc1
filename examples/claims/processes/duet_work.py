import duet
from work import catalogue


async def fetch(request):
    return duet.Response(catalogue(), headers={"content-type": "application/json"})
