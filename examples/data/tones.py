"""GET /tones?hertz=440,880: makes the sound with numpy, and finds the tones in it with scipy."""

import numpy
from scipy import fft, signal

from duet import Response, blocking

RATE = 16_000  # samples a second; one second of them, so a bin of the spectrum is one hertz
noise = numpy.random.default_rng(0).normal(0, 0.5, RATE)


@blocking
def fetch(request):
    try:
        tones = [int(tone) for tone in request.query.get("hertz", "440").split(",")]
    except ValueError:
        tones = []
    if not tones or len(tones) > 8 or not all(20 <= tone < RATE // 2 for tone in tones):
        return Response.json({"error": "hertz is up to 8 numbers from 20 to 7999"}, 400)
    time = numpy.arange(RATE) / RATE
    sound = sum(numpy.sin(2 * numpy.pi * tone * time) for tone in tones) + noise
    peaks, _ = signal.find_peaks(abs(fft.rfft(sound)), height=RATE / 8)
    return {"found": peaks.tolist()}
