"""What a service does with a reading of a device: keeps the last values and answers their mean."""

import json

KEPT = 20
devices = {}


def take(text):
    reading = json.loads(text)
    device = reading["device"]
    values = devices.setdefault(device, [])
    values.append(reading["value"])
    if len(values) > KEPT:
        del values[0]
    return json.dumps({"device": device, "mean": sum(values) / len(values)})
