#!/usr/bin/env python3
"""Writes the seeds of the file formats' fuzzers: tests/fuzz/corpus/<fuzzer>/seed-*. Small files that are valid."""
import hashlib
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


def message(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


def piece(characters, kind, score=0.0):
    return message(1, message(1, characters.encode()) + b"\x15" + struct.pack("<f", score) + bytes([0x18, kind]))


def tokenizer(model, **parts):
    return json.dumps({"model": model, **parts}).encode()


PIECES = b"".join([piece("<unk>", 2), piece("<s>", 3), piece("a", 1, -1), piece("b", 1, -2), piece("\u2581", 1, -3),
                   piece("ab", 1, -4), piece("<u>", 4), piece("ba", 5, -1)])
WORDS = {"[UNK]": 0, "a": 1, "##b": 2, "[SEP]": 3}
BPE = {"type": "BPE", "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3, "\u0120a": 4, "\u0120": 5, "[SEP]": 6},
       "merges": ["a b", ["\u0120", "a"]], "unk_token": "<unk>", "fuse_unk": True}
SEP = {"id": 6, "content": "[SEP]", "special": True, "lstrip": True, "rstrip": True}
CUTS = [{"type": "Split", "pattern": {"Regex": "\\s+|\\w"}, "behavior": "MergedWithNext", "invert": True},
        {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Contiguous"},
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first"}]
FORMS = [{"type": "NFC"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": "l+"}, "content": "x"},
         {"type": "Strip"}, {"type": "Prepend", "prepend": "_"}, {"type": "StripAccents"}, {"type": "Nmt"}]
TEXTS = [{"type": "Replace", "pattern": {"String": "a"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
         {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
UNIGRAM = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1.5], ["\u2581", -2], ["ab", -2.5]]}
TEMPLATE = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<unk>"}}, {"Sequence": {"id": "A"}}],
            "special_tokens": {"<unk>": {"ids": [0]}}}


def index(store, dim, files):
    """An index file: `files` are (path, bytes, [(heading, text)])."""
    meta = json.dumps({"model": "m", "fingerprint": "f", "dtype": "f32", "keep": 0, "chunk_tokens": 160, "overlap": 32,
                       "roots": "."}).encode()
    file_records = chunk_records = strings = b""
    count = 0
    for number, (path, size, chunks) in enumerate(files):
        file_records += struct.pack("<QQQqQQ", len(strings), len(path), size, 1, count, len(chunks)) + b"0" * 64
        strings += path
        for heading, words in chunks:
            chunk_records += struct.pack("<8Q", number, len(strings), len(strings) + len(heading), 0, len(words), 1, 2,
                                         len(heading))
            strings += heading + words
            count += 1
    sections = [meta, file_records, chunk_records, strings, bytes(count * dim * (4, 2, 1)[store]),
                bytes(4 * count if store == 2 else 0), bytes(0 if store == 0 else 4 * count * dim)]
    head, body = b"", b""
    for section in sections:
        head += struct.pack("<QQ", 192 + len(body), len(section))
        body += section + bytes(-len(section) % 64)
    return b"LATHEIDX" + struct.pack("<IIQQQQ", 1, store, 192 + len(body), dim, len(files), count) + head + bytes(32) + body


def packed(entries, info=(b"a" * 64, b"m", b"f32"), whole=False):
    """A file of packed weights: `entries` are (name, layout, gated, n, k, bytes). Not whole: as fuzz_packed_file.cc
    takes it, without the page of the head and without the checksum."""
    panels, table = b"", b"".join(struct.pack("<I", len(part)) + part for part in info)
    for name, layout, gated, n, k, size in entries:
        panels += bytes(-len(panels) % 64)
        table += struct.pack("<BB6x4qI", layout, gated, n, k, 4096 + len(panels), size, len(name)) + name
        panels += bytes(range(64)) * (size // 64)
    head = b"lathepk\n" + struct.pack("<IIqq", 1, len(entries), 4096 + len(panels), len(table))
    if not whole:
        return head + bytes(64) + panels + table
    checksum = hashlib.sha256(head + bytes(64) + table).hexdigest().encode()
    return head + checksum + bytes(4000) + panels + table


def token_shard(ids, id_bytes, train, vocabulary, meta, files=b""):
    """Sealed as the writer does."""
    pad = lambda data: data + bytes(-len(data) % 64)
    body = pad(struct.pack("<8sII48x", b"LATHETOK", 1, id_bytes) + b"".join(i.to_bytes(id_bytes, "little") for i in ids))
    meta_at, meta = len(body), json.dumps(meta).encode()
    body = pad(body + meta + files)
    tail = lambda digest: struct.pack("<6Q64s64s8sQ", len(ids), train, vocabulary, meta_at, len(meta), len(body) + 192,
                                      hashlib.sha256(body).hexdigest().encode(), digest, b"LATHETOK", 0)
    return body + tail(hashlib.sha256(tail(bytes(64))).hexdigest().encode())


def llama2c(width, intermediate, layers, heads, kv_heads, vocabulary, positions):
    """A checkpoint of llama2.c; a negative vocabulary has a head of its own."""
    rows, keys = abs(vocabulary), width // heads * kv_heads
    values = (rows * width + layers * (2 * width + 2 * width * width + 2 * keys * width + 3 * intermediate * width)
              + width + positions * (width // heads) + (rows * width if vocabulary < 0 else 0))
    return struct.pack("<7i", width, intermediate, layers, heads, kv_heads, vocabulary, positions) + bytes(4 * values)


def llama2c_vocabulary(pieces):
    return struct.pack("<i", 8) + b"".join(struct.pack("<fi", -n, len(p)) + p for n, p in enumerate(pieces))


INDEXED = [(b"a.md", 20, [(b"Title > Part", b"some words"), (b"", b"more")]), (b"empty", 0, []), (b"b", 9, [(b"", b"text")])]

SEEDS = {
    "fuzz_index": [index(0, 3, INDEXED), index(1, 16, INDEXED), index(2, 5, INDEXED), index(2, 384, [])],
    "fuzz_token_shard": [
        token_shard([], 2, 0, 1, {"source": "", "documents": 0, "separator": -1, "tokenizer": []}),
        token_shard([1, 2, 0, 65535], 2, 3, 65536, {"source": "a.txt", "documents": 2, "separator": 1,
                    "tokenizer": [{"name": "tokenizer.json", "bytes": 2}, {"name": "x", "bytes": 0}]}, b"{}"),
        token_shard([70000, 3], 4, 2, 70001, {"source": "b", "documents": 1, "separator": 2, "tokenizer": []}),
    ],
    "fuzz_checkpoint_manifest": [
        b'{"version": 1, "files": []}',
        json.dumps({"version": 1, "files": [{"name": "a.b-c_D", "bytes": 7, "sha256": "0a" * 32},
                                            {"name": "b", "bytes": 0, "sha256": "f" * 64}]}).encode(),
        json.dumps({"version": 1, "files": [{"name": "1_Pooling/config.json", "bytes": 7, "sha256": "0a" * 32}]}).encode(),
    ],
    "fuzz_tokenizer_json": [
        tokenizer({"type": "WordPiece", "unk_token": "[UNK]", "vocab": WORDS}, normalizer={"type": "BertNormalizer"},
                  pre_tokenizer={"type": "BertPreTokenizer"}, decoder={"type": "WordPiece"},
                  post_processor={"type": "BertProcessing", "cls": ["a", 1], "sep": ["[SEP]", 3]}),
        tokenizer(BPE, added_tokens=[SEP], pre_tokenizer={"type": "ByteLevel"}, decoder={"type": "ByteLevel"}),
        tokenizer(BPE, added_tokens=[SEP | {"normalized": True}], normalizer={"type": "Sequence", "normalizers": FORMS},
                  pre_tokenizer={"type": "Sequence", "pretokenizers": CUTS},
                  decoder={"type": "Sequence", "decoders": TEXTS}),
        tokenizer(UNIGRAM, pre_tokenizer={"type": "Metaspace"}, decoder={"type": "Metaspace"}, post_processor=TEMPLATE),
    ],
    "fuzz_sentencepiece": [
        message(2, b"\x18\x02") + PIECES,
        message(2, b"\x18\x01") + PIECES
        + message(3, message(2, struct.pack("<I", 16) + bytes(16) + b"ab\0") + b"\x18\1\x20\1"),
    ],
    "fuzz_packed_file": [
        packed([(b"b", 0, 0, 16, 1, 64)], whole=True),
        packed([]),
        packed([(b"b.q+b.k", 0, 0, 17, 2, 256), (b"a", 1, 1, 16, 2, 128), (b"", 2, 0, 1, 3, 128)]),
        packed([(b"q8", 3, 0, 16, 33, 1088), (b"q4", 4, 0, 16, 32, 320), (b"i8", 5, 1, 3, 32, 1280)]),
    ],
    "fuzz_safetensors": [
        safetensors({}),
        safetensors({"__metadata__": {"format": "pt"},
                     "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                     "b\u00e9": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]}}, bytes(26)),
        safetensors({"a": {"dtype": "I64", "shape": [0, 3], "data_offsets": [0, 0]}, "__metadata__": None}),
        b'{"metadata":{"total_size":5,"x":[1]},"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors"}}',
    ],
    "fuzz_llama2c": [
        llama2c(4, 6, 2, 2, 1, 5, 3),
        llama2c(8, 4, 1, 2, 2, -3, 2),
        llama2c_vocabulary([b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x00>", b" a", b"\xc3\xa9"]),
    ],
    "fuzz_chat_template": [template.encode() for template in (
        "{%- for m in messages -%}<|im_start|>{{ m.role + '\\n' + (m['content'] or '') | trim }}<|im_end|>\n{%- endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "{{ bos_token }}{% set ns = namespace(n=0) %}{% for m in messages if m.role != 'system' %}{% set ns.n = ns.n + 1 %}"
        "{{ loop.index ~ '/' ~ loop.length }}{% if not loop.last %}, {% else %}.{% break %}{% endif %}{% endfor %}{{ ns.n }}",
        "{% macro show(t, deep=1) %}{{ t | tojson(indent=2) }}{% endmacro %}{% for t in tools or [] %}{{ show(t.function) }}"
        "{{ t.function.name.upper()[::-1] }}{% endfor %}{{ range(3) | map('string') | join('-') }}",
        "{% if messages[0].content is string and 'x' not in messages[0] %}{{ messages | selectattr('role', 'equalto', 'user') "
        "| list | length }}{% else %}{{ raise_exception('no: ' ~ messages | first) }}{% endif %}{# c #}{% raw %}{{ }}{% endraw %}",
    )],
    "fuzz_gbnf": [grammar.encode() for grammar in (
        'root ::= "a" [b-d]* ("e" | "\\x66" root)? # ends\n',
        'root ::= item ("," item){0,3}\nitem ::= [^,\\n]+ | "\\u00e9" | .\n',
        'root ::= object\nobject ::= "{" pair* "}"\npair ::= "\\"" [a-z]{1,4} "\\":" (object | [0-9]+ | "true")\n',
    )],
    "fuzz_json_schema": [json.dumps(schema).encode() for schema in (
        True,
        {"type": "object", "properties": {"a": {"type": "integer"}, "b\u00e9": {"type": ["string", "null"], "maxLength": 3}},
         "required": ["a"], "additionalProperties": False},
        {"$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}, "v": {"enum": [1, "x", None]}}}},
         "anyOf": [{"$ref": "#/$defs/n"}, {"type": "array", "items": {"const": {"k": [1.5]}}, "minItems": 1, "maxItems": 2}]},
        {"allOf": [{"type": "number"}], "title": "t", "description": "d"},
    )],
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
