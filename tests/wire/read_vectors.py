#!/usr/bin/env python3
# read_vectors.py: reads every vector as a worker written in Python would, and packs it again.
# SPDX-License-Identifier: MIT
"""Exits with 0 if all vectors agree with index.json, 1 if not, 77 without msgpack."""

import json
import pathlib
import struct
import sys

try:
    import msgpack
except ImportError:
    sys.exit(77)

HEADER = struct.Struct(">2sBBIQQ")
FOLDER = pathlib.Path(__file__).parent / "vectors"

# Of each message with payloads: the element that is a flat array, its stride, and
# which members of a group are lengths.
HEAPS = {
    0x05: (0, 6, (5,)),
    0x09: (0, 3, (2,)),
    0x83: (5, 10, (9,)),
    0x22: (3, 12, (10, 11)),
    0xA4: (3, 12, (10, 11)),
    0x42: (1, 10, (9,)),
}


def from_json(value):
    if isinstance(value, dict):
        return bytes.fromhex(value["bin"])
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return value


def pieces(kind, body, heap):
    if kind not in HEAPS:
        return [], heap
    at, stride, lengths = HEAPS[kind]
    flat, out = body[at], []
    for start in range(0, len(flat), stride):
        for member in lengths:
            length = flat[start + member]
            out.append(heap[:length].hex())
            heap = heap[length:]
    return out, heap


def check(entry):
    frame = (FOLDER / entry["file"]).read_bytes()
    magic, version, kind, body_len, sid, n = HEADER.unpack_from(frame)
    assert (magic, version) == (b"SL", 1)
    assert (kind, sid, n) == (entry["type"], entry["sid"], entry["n"])
    packed = frame[HEADER.size : HEADER.size + body_len]
    body = msgpack.unpackb(packed, raw=False)
    assert body == from_json(entry["body"]), body
    heap, rest = pieces(kind, body, frame[HEADER.size + body_len :])
    assert heap == entry["heap"] and rest == b"", heap
    assert msgpack.packb(body, use_bin_type=True) == packed


def main():
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    names = {entry["file"] for entry in index}
    assert names == {path.name for path in FOLDER.glob("*.bin")}
    for entry in index:
        try:
            check(entry)
        except AssertionError as error:
            sys.exit(f"{entry['file']}: {error}")
    print(f"{len(index)} vectors agree")


main()
