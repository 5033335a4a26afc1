"""Pure Python: a game of life, words counted, and a recursive function."""

STEPS = 6
SIZE = 24


def life(size, steps):
    alive = {(x, y) for x in range(size) for y in range(size) if (x * 7 + y * 3) % 5 == 0}
    for _ in range(steps):
        near = {}
        for x, y in alive:
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    if dx or dy:
                        place = (x + dx) % size, (y + dy) % size
                        near[place] = near.get(place, 0) + 1
        alive = {place for place, n in near.items() if n == 3 or (n == 2 and place in alive)}
    return len(alive)


def words(times):
    text = "the quick brown fox jumps over the lazy dog and the cat " * times
    counts = {}
    for word in text.split():
        counts[word.upper()] = counts.get(word.upper(), 0) + 1
    return counts["THE"]


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def work():
    return {"life": life(SIZE, STEPS), "words": words(100), "fibonacci": fibonacci(14)}
