"""Which digit is it? A classifier of scikit-learn, trained at start.

GET /digits?sample=7, or POST /digits with an image.
"""

from sklearn.ensemble import RandomForestClassifier

import samples
from duet import blocking

model = RandomForestClassifier(n_estimators=100, random_state=0)
model.fit(samples.known, samples.known_labels)


@blocking
def fetch(request):
    return samples.answer(request, lambda image: model.predict_proba([image])[0])
