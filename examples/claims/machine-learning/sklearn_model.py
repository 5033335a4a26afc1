"""The same network in scikit-learn itself."""

from pictures import pictures
from model import trained

network = trained()


def fetch(request):
    rows = int(request.query["rows"])
    label = network.predict(pictures(rows))
    return {"rows": rows, "first": int(label[0]), "last": int(label[-1])}
