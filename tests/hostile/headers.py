#!/usr/bin/env python3
"""Archives whose headers lie: headers.py KIND FILE. Made byte by byte, because tar libraries refuse to write them."""
import struct
import sys


def header(name, size=b"00000000000\0", kind=b"0", magic=b"ustar\00000", link=b"", mode=b"0000644\0"):
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = mode
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:124 + len(size)] = size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:157 + len(link)] = link
    block[257:265] = magic
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def octal(n):
    return b"%011o\0" % n


def binary(n):
    return b"\x80" + n.to_bytes(11, "big")


def pax(records, kind=b"x"):
    body = b""
    for key, value in records:
        line = b" " + key + b"=" + value + b"\n"
        size = len(line) + 1
        while len(b"%d" % size + line) != size:
            size += 1
        body += b"%d" % size + line
    return header(b"pax", octal(len(body)), kind) + padded(body)


END = bytes(1024)
KINDS = {
    # Sizes that overflow, are negative, or promise more than there is.
    "size-2^31": header(b"big", octal((1 << 31) + 1)) + END,
    "size-8-exbibytes": header(b"big", binary((1 << 63) - 1)) + END,
    "size-overflow": header(b"big", binary((1 << 88) - 1)) + END,
    "size-negative": header(b"big", b"\xff" * 12) + END,
    "size-no-number": header(b"big", b"garbage!!!!\0") + END,
    "size-pax-huge": pax([(b"size", b"9223372036854775807")]) + header(b"big") + END,
    "size-pax-negative": pax([(b"size", b"-1")]) + header(b"big") + END,
    "long-name-huge": header(b"././@LongLink", binary(1 << 40), b"L") + END,
    "pax-huge": header(b"pax", binary(1 << 40), b"x") + END,
    "pax-no-length": header(b"pax", octal(20), b"x") + padded(b"xx path=a\nyy b=c\n") + header(b"f") + END,
    "pax-length-lies": header(b"pax", octal(12), b"x") + padded(b"9999 path=a\n") + header(b"f") + END,
    "sparse-many": pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
                        (b"GNU.sparse.realsize", b"1000000000000")])
                   + header(b"s", octal(512)) + padded(b"999999999\n") + END,
    "sparse-backwards": pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
                             (b"GNU.sparse.realsize", b"1000")])
                        + header(b"s", octal(1024)) + padded(b"2\n512\n256\n0\n256\n") + bytes(512) + END,
    "checksum": header(b"f")[:150] + b"9" + header(b"f")[151:] + END,
    "cut-in-header": header(b"f", octal(5)) + padded(b"hello") + header(b"g")[:300],
    "cut-in-content": header(b"f", octal(5000)) + b"x" * 700,
    "garbage": bytes((i * 7919 + 13) & 255 for i in range(20000)),
    "gzip-garbage": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + bytes((i * 7919 + 13) & 255 for i in range(20000)),
    "zstd-window": b"\x28\xb5\x2f\xfd\x00\xf8" + b"\x01\x00\x00" * 20,
    "xz-garbage": b"\xfd7zXZ\0\x00\x04" + bytes(500),
    "zero-byte-in-name": pax([(b"path", b"a\0b")]) + header(b"f") + END,
    # One reading only: a size in the extended header counts, never both.
    "pax-size-hides-a-file": pax([(b"size", b"512")]) + header(b"f", octal(0)) + header(b"hidden") + END,
}

if sys.argv[1] == "--list":
    print("\n".join(KINDS))
else:
    open(sys.argv[2], "wb").write(KINDS[sys.argv[1]])
