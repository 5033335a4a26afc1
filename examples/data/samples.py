"""The digits that ship with scikit-learn, for every model of this folder, and what it answers."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from duet import Response

images, labels = load_digits(return_X_y=True)  # of 64 numbers from 0 to 16, row by row
known, unseen, known_labels, unseen_labels = train_test_split(images, labels, random_state=0)


def answer(request, chances_of):
    """GET ?sample=7 is about one of the digits that models have not seen, POST about its body."""
    if request.method == "POST":
        image = request.json()
        if not (isinstance(image, list) and len(image) == 64
                and all(isinstance(pixel, (int, float)) and 0 <= pixel <= 16 for pixel in image)):
            return Response.json({"error": "an image is 64 numbers from 0 to 16"}, 400)
        truth = None
    else:
        sample = int(request.query.get("sample", "0")) % len(unseen)
        image, truth = unseen[sample].tolist(), int(unseen_labels[sample])
    chances = chances_of(image)
    found = {"digit": int(chances.argmax()), "certain": round(float(chances.max()), 2)}
    return found if truth is None else {**found, "truth": truth}
