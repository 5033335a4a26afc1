"""The pictures that are asked about: made of their number, alike in both languages. They are made once:
of a thousand that takes longer than to look at them."""

import functools

import numpy

POINTS = 64


@functools.cache
def pictures(rows):
    numbers = numpy.arange(rows)[:, None] * 31 + numpy.arange(POINTS)[None, :] * 17
    return (numbers % 17 / 16).astype(numpy.float32)
