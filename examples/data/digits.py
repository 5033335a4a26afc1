"""Which digit is it? A classifier of scikit-learn, trained at start on the digits it ships with.

GET /digits?sample=7 takes one of them, POST /digits an image: 64 numbers from 0 to 16, row by row.
"""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from duet import Response, blocking

images, labels = load_digits(return_X_y=True)
known, unseen, known_labels, unseen_labels = train_test_split(images, labels, random_state=0)
model = RandomForestClassifier(n_estimators=100, random_state=0).fit(known, known_labels)


@blocking
def fetch(request):
    if request.method == "POST":
        image = request.json()
        if not (isinstance(image, list) and len(image) == 64
                and all(isinstance(pixel, (int, float)) and 0 <= pixel <= 16 for pixel in image)):
            return Response.json({"error": "an image is 64 numbers from 0 to 16"}, 400)
        truth = None
    else:
        sample = int(request.query.get("sample", "0")) % len(unseen)
        image, truth = unseen[sample], int(unseen_labels[sample])
    chances = model.predict_proba([image])[0]
    answer = {"digit": int(chances.argmax()), "certain": round(float(chances.max()), 2)}
    return answer if truth is None else {**answer, "truth": truth}
