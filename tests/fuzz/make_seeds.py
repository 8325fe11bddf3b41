#!/usr/bin/env python3
"""Writes the seeds of the file formats' fuzzers: tests/fuzz/corpus/<fuzzer>/seed-*. Small files that are valid."""
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def safetensors(header, data=b""):
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def text(characters):
    return struct.pack("<Q", len(characters)) + characters


def gguf(keys, tensors, data=b"", version=3):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    head += b"".join(text(name) + struct.pack("<I", kind) + value for name, kind, value in keys)
    for name, dims, kind, offset in tensors:
        head += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
    return head + (b"\0" * (-len(head) % 32) + data if data else b"")


def array(kind, count, elements):
    return struct.pack("<IQ", kind, count) + elements


SEEDS = {
    "fuzz_safetensors": [
        safetensors({}),
        safetensors({"__metadata__": {"format": "pt"},
                     "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                     "b\u00e9": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]}}, bytes(26)),
        safetensors({"a": {"dtype": "I64", "shape": [0, 3], "data_offsets": [0, 0]}, "__metadata__": None}),
        b'{"metadata":{"total_size":5,"x":[1]},"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors"}}',
    ],
    "fuzz_gguf": [
        gguf([], [], version=2),
        gguf([(b"general.architecture", 8, text(b"bert")), (b"general.alignment", 4, struct.pack("<I", 32)),
              (b"eps", 6, struct.pack("<f", 1e-5)), (b"big", 10, b"\xff" * 8), (b"flag", 7, b"\1"),
              (b"tokens", 9, array(8, 3, text(b"a") + text(b"") + text(b"ccc"))),
              (b"scores", 9, array(6, 2, struct.pack("<ff", 0.5, -1))), (b"bytes", 9, array(0, 4, b"abcd"))],
             [(b"w", (32, 2), 8, 0), (b"b", (3,), 0, 96)], bytes(108)),
        gguf([], [(b"q4", (256,), 12, 0), (b"q5", (256,), 13, 160), (b"q6", (256,), 14, 352)], bytes(range(256)) * 2 + bytes(50)),
    ],
}

for fuzzer, seeds in SEEDS.items():
    folder = CORPUS / fuzzer
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)
