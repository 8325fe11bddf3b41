#!/usr/bin/env python3
"""Compares `lathe tokenize` with Hugging Face tokenizers and SentencePiece, id by id, on thousands of made texts and on
every code point. Needs the Python packages tokenizers and sentencepiece, and the test data.

    tests/tokenize_peer.py LATHE_BINARY DATA_FOLDER [--texts N] [--seed N] [--code-points]
"""
import argparse
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import sentencepiece
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, trainers

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x530, 0x58F), (0x590, 0x5FF),
           (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF),
           (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20D0, 0x20F0), (0x2190, 0x22FF), (0x2460, 0x24FF), (0x3040, 0x30FF),
           (0x3400, 0x3500), (0x4E00, 0x5000), (0xAC00, 0xAD00), (0xF900, 0xFA00), (0xFB00, 0xFB4F), (0xFE00, 0xFE0F),
           (0xFF00, 0xFFEF), (0x10330, 0x1034A), (0x1D400, 0x1D450), (0x1F300, 0x1F64F), (0x1F900, 0x1F9FF),
           (0x20000, 0x20100), (0xE0020, 0xE007F)]
SNIPPETS = ["Hello, world!", "don't", "I'LL", "we've", "'tis", "'S", "it\u2019s", "1234567", "3.14", "\r\n", "\n\n", "\t",
            "   ", "\u00a0", "\u3000", "\u200b", "\u200d", "\u2028", "\u0085", "\x00", "\x01", "\x7f", "\ufeff", "\ufffd",
            "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "e\u0301", "a\u0328\u0301", "\u0301\u0328", "\u1e9b\u0323", "ﬁ", "Å", "İ", "ß", "ǅ", "Σς",
            "한국어", "\u1112\u1161\u11ab", "日本語テキスト", "我想在apple工作", "ไทยแลนด์", "สวัสดี", "مرحبا بالعالم", "لَا", "नमस्ते", "क्षि",
            "Việt Nam", "Ελληνικά", "Привет", "שלום", "កាន់តែ", "x" * 120, "ab" * 60, "[SEP]", "[MASK]", "[CLS] x", "<s>", "</s>",
            "<mask>", " <mask> ", "<unk>", "<|endoftext|>", "<|im_start|>user", "▁", "▁▁the", "</w>", "##ing", "#hash", "@x",
            "http://a.b/c?d=e&f=g", "foo_bar", "a-b", "``quoted''", "$5.00", "50%", "C++", "\\n", "½", "²", "①", "Ⅷ", "ªº", "٣", "௧",
            "\u0e33", "\uff76\uff9e", "\u0344", "\u0958", "\u2126", "\ud7a3", "\U0001d15e", "\u180e", "\u202e", "ſ", "K", "'ſ"]


def text_of(rng, words):
    kind = rng.random()
    if kind < 0.15:
        return "".join(chr(rng.randint(*rng.choice(SCRIPTS))) for _ in range(rng.randint(1, 30)))
    if kind < 0.25:
        low, high = rng.choice(SCRIPTS)
        return "".join(chr(rng.randint(low, high)) if rng.random() > 0.15 else " " for _ in range(rng.randint(1, 80)))
    parts = []
    for _ in range(rng.randint(1, 25)):
        pick = rng.random()
        if pick < 0.5:
            parts.append(rng.choice(words))
        elif pick < 0.85:
            parts.append(rng.choice(SNIPPETS))
        else:
            parts.append(chr(rng.randint(*rng.choice(SCRIPTS))))
        parts.append(rng.choice([" ", " ", " ", "", "", "  ", "\n", " \n ", "\t"]))
    return "".join(parts)


def ids_of_lathe(binary, model, texts, plain=False):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    command = [binary, "tokenize", "-m", str(model), "--ids", "--lines"] + (["--plain"] if plain else [])
    run = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{model}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def qwen2(folder):
    vocab, merges = str(folder / "vocab.json"), str(folder / "merges.txt")
    made = tokenizers.Tokenizer(models.BPE.from_file(vocab, merges))
    pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
               r"|\s+(?!\S)|\s+")
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return lambda texts: [made.encode(text).ids for text in texts]


def hugging_face(path):
    made = tokenizers.Tokenizer.from_file(str(path))
    made.no_truncation()
    made.no_padding()
    return lambda texts: [encoding.ids for encoding in made.encode_batch(texts)]


def sentence_piece(path):
    made = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return lambda texts: [made.encode(text) for text in texts]


def peers(data):
    folder = data / "tokenizers"
    for path in ["all-MiniLM-L6-v2/tokenizer.json", "gpt2/tokenizer.json", "xlm-roberta/tokenizer.reconstructed.json"]:
        yield folder / path, hugging_face(folder / path)
    yield folder / "qwen2", qwen2(folder / "qwen2")
    for path in ["llama2/tokenizer.model", "xlm-roberta/sentencepiece.bpe.reconstructed.model"]:
        yield folder / path, sentence_piece(folder / path)


PIPELINES = {
    "wordpiece-cased": (models.WordPiece, normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer()),
    "wordpiece-accents": (models.WordPiece, normalizers.BertNormalizer(strip_accents=False), pre_tokenizers.Whitespace()),
    "wordpiece-steps": (models.WordPiece, normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(),
                                                               normalizers.StripAccents()]),
                        pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True)])),
    "bpe-plain": (models.BPE, normalizers.NFKC(), pre_tokenizers.WhitespaceSplit()),
    "bpe-metaspace": (models.BPE, None, pre_tokenizers.Metaspace(prepend_scheme="first")),
    "bpe-nosplit": (models.BPE, normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]),
                    pre_tokenizers.Split("\n", "merged_with_next")),
    "bpe-bytes-last": (models.BPE, normalizers.NFC(), pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(r"\p{N}{1,3}"), "isolated"), pre_tokenizers.Punctuation("contiguous"),
        pre_tokenizers.ByteLevel(add_prefix_space=True)])),
    "bpe-bytes-inner": (models.BPE, None, pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits()])),
    "bpe-behaviors": (models.BPE, normalizers.Strip(), pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(r"[aeiou]+"), "merged_with_previous"),
        pre_tokenizers.Split(tokenizers.Regex(r"\s+"), "removed"),
        pre_tokenizers.Split(tokenizers.Regex(r"\w+"), "removed", invert=True)])),
    "bpe-classes": (models.BPE, normalizers.Replace(tokenizers.Regex(r"\h.\d"), "h"), pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(r"[[:punct:]]+|\p{Han}|\p{^Greek}\p{Lu}|\P{Thai}\p{Nd}"), "isolated"),
        pre_tokenizers.Split(tokenizers.Regex(r"[^\s\w]+|\W.$"), "merged_with_next")])),
    "unigram-metaspace": (models.Unigram, normalizers.NFKC(), pre_tokenizers.Metaspace(prepend_scheme="always")),
    "unigram-whole": (models.Unigram, normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(
        tokenizers.Regex(" {2,}"), " ")]), pre_tokenizers.Metaspace(prepend_scheme="never", split=False)),
}


def trained(texts, folder):
    """Small tokenizers for combinations of parts that no file of the test data has."""
    special = ["<unk>", "[SEP]", "<mask>"]
    kinds = {models.WordPiece: trainers.WordPieceTrainer, models.BPE: trainers.BpeTrainer,
             models.Unigram: trainers.UnigramTrainer}
    for name, (model, normalizer, pre_tokenizer) in PIPELINES.items():
        unigram = model is models.Unigram
        made = tokenizers.Tokenizer(model() if unigram else model(unk_token="<unk>"))
        if normalizer:
            made.normalizer = normalizer
        made.pre_tokenizer = pre_tokenizer
        more = {"unk_token": "<unk>"} if unigram else {}
        made.train_from_iterator(texts, kinds[model](vocab_size=9000 if unigram else 3000, special_tokens=special,
                                                     show_progress=False, **more))
        made.add_tokens([AddedToken("Prince", single_word=True), AddedToken("don't", lstrip=True, rstrip=True),
                         AddedToken("\u0130x", normalized=True)])
        path = folder / name / "tokenizer.json"
        path.parent.mkdir()
        made.save(str(path))
        yield path, hugging_face(path)


def compare(binary, model, reference, texts, shown):
    ours, theirs = ids_of_lathe(binary, model, texts), reference(texts)
    differing = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    for i in differing[:shown]:
        print(f"  {ascii(texts[i])}\n    lathe {ours[i]}\n    peer  {theirs[i]}")
    print(f"{model.parent.name}/{model.name}: {len(texts) - len(differing)} of {len(texts)} texts equal")
    return differing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--shown", type=int, default=5)
    parser.add_argument("--code-points", action="store_true", help="also each code point alone and inside a word")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    words = (options.data / "text" / "war-and-peace.txt").read_text(encoding="utf-8", errors="replace").split()[:20000]
    texts = [text_of(rng, words) for _ in range(options.texts)] + ["", " ", "\n", "a" * 20000, " " * 5000, "é" * 3000]
    points = [f"x{c} {c}y" for c in map(chr, range(1, 0x110000)) if not 0xD800 <= ord(c) < 0xE000]
    failed = False
    folder = tempfile.TemporaryDirectory()
    made = trained([text_of(random.Random(i), words) for i in range(3000)], pathlib.Path(folder.name))
    for model, reference in itertools.chain(peers(options.data), made):
        if options.only not in str(model):
            continue
        failed |= bool(compare(options.binary, model, reference, texts, options.shown))
        if options.code_points:
            differing = compare(options.binary, model, reference, points, 0)
            print("  differing code points:", " ".join(f"{ord(points[i][1]):04X}" for i in differing[:200]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
