"""Each request publishes 20 readings at the broker (QoS 1) and is answered when all have come back
to the service's own subscription."""

import asyncio
import itertools
import json
import os
import urllib.parse

import aiomqtt

from readings import take

READINGS = 20
numbers = itertools.count(1)
waiting = {}  # by request: [how many are left, a future]
state = {}


async def listen(client, ready):
    async with client:
        await client.subscribe(f"telemetry/{os.getpid()}/#", qos=1)
        ready.set_result(None)
        async for message in client.messages:
            take(message.payload)
            one = waiting.get(str(message.topic).rpartition("/")[2])
            if one:
                one[0] -= 1
                if one[0] == 0:
                    one[1].set_result(None)


async def connected():
    """The client, when it has subscribed; the first request waits for that."""
    if not state:
        broker = urllib.parse.urlsplit(os.environ["BROKER"])
        state["client"] = aiomqtt.Client(broker.hostname, broker.port,
                                         max_queued_outgoing_messages=0,
                                         max_inflight_messages=1000)
        state["ready"] = asyncio.get_running_loop().create_future()
        state["task"] = asyncio.create_task(listen(state["client"], state["ready"]))
    await asyncio.shield(state["ready"])
    return state["client"]


async def fetch(request):
    client = await connected()
    number = str(next(numbers))
    done = asyncio.get_running_loop().create_future()
    waiting[number] = [READINGS, done]
    await asyncio.gather(*(
        client.publish(f"telemetry/{os.getpid()}/{number}",
                       json.dumps({"device": f"d{i}", "value": i}), qos=1)
        for i in range(READINGS)))
    await done
    del waiting[number]
    return {"readings": READINGS}
