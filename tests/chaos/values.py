"""Values whose every byte is a function of key, version and place.

Whoever reads a value, or a part of it, can therefore say which version it is and whether each byte of
it is right, without having seen it before. A word of a value is `pattern(key, place) ^ version * ODD`:
one word gives the version, all the others must agree with it.
"""

import hashlib

import numpy

ODD = 0x9E3779B97F4A7C15
INVERSE = pow(ODD, -1, 1 << 64)
PLACE = numpy.uint64(0xD6E8FEB86659FD93)
HALF = numpy.uint64(32)
WORD = 8
SMALLEST = 64
VERSIONS = 1 << 32


def _number(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def size_of(key, version, largest):
    """The size of a value: from SMALLEST to `largest` bytes, as many small ones as large ones."""
    return int(SMALLEST * (largest / SMALLEST) ** (_number(f"{key} {version}") / 2**64))


def _pattern(key, first, count):
    words = numpy.arange(first, first + count, dtype=numpy.uint64)
    words += numpy.uint64(_number(key))
    words *= PLACE
    words ^= words >> HALF
    return words


def content(key, version, length, offset=0):
    """`length` bytes of a value from `offset` on."""
    first = offset // WORD
    words = _pattern(key, first, (offset + length + WORD - 1) // WORD - first)
    words ^= numpy.uint64(version * ODD % (1 << 64))
    return words.view(numpy.uint8)[offset - first * WORD:][:length]


def version_of(data, key, offset=0):
    """The version that the first whole word of `data` tells; None when it is nobody's.
    At least 15 bytes are needed, so that there is a whole word."""
    skip = -offset % WORD
    word = numpy.frombuffer(data, numpy.uint64, 1, skip)[0]
    told = int(word ^ _pattern(key, (offset + skip) // WORD, 1)[0]) * INVERSE % (1 << 64)
    return told if told < VERSIONS else None


def first_wrong(data, key, version, offset=0):
    """Where the first wrong byte is; None when all are right."""
    read = numpy.frombuffer(data, numpy.uint8)
    wrong = read != content(key, version, len(read), offset)
    return int(wrong.argmax()) + offset if wrong.any() else None
