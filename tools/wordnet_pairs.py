#!/usr/bin/env python3
"""Pairs of texts that mean the same, or nearly, for 'lathe train --contrastive', and what a model of them is measured by.

  wordnet_pairs.py OUT [--wordnet /usr/share/wordnet] [--text FILE]...

WordNet gives words with their glosses, glosses with example sentences and with the glosses of what is above them, and
synonyms; a text gives sentences that follow each other. One synset of fifty is held out: nothing of it is in a pair to
train on. Writes into OUT:

  train.tsv, validation.tsv   two columns, a pair a line; validation is of held-out synsets: words and their gloss
  corpus.txt                  the texts of the training pairs, for 'lathe tokenizer train'
  recall.tsv                  words and gloss of 1,000 held-out synsets
  graded.tsv                  two glosses of held-out noun synsets and the similarity by WordNet's paths, 1 / (1 + edges
                              of the shortest way over hypernyms), 200 pairs of each length from 2 to 15

The same files every time: what is drawn depends on SHA-256 of names alone.
"""
import argparse
import hashlib
import heapq
import pathlib
import re

PARTS = ("noun", "verb", "adj", "adv")
HELD_OUT = 50  # one of so many synsets
LENGTHS, OF_EACH_LENGTH, OF_RECALL = range(2, 16), 200, 1000


def number(text):
    """Of a text, as if drawn."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class Synset:
    def __init__(self, part, line):
        data, gloss = line.split(" | ", 1)
        fields = data.split()
        self.key = f"{part}-{fields[0]}"
        count = int(fields[3], 16)
        self.words = [re.sub(r"\(.*?\)$", "", word).replace("_", " ") for word in fields[4:4 + 2 * count:2]]
        pointers = fields[5 + 2 * count:]
        self.above = [f"{part}-{pointers[i + 1]}" for i in range(0, 4 * int(fields[4 + 2 * count]), 4)
                      if pointers[i] in ("@", "@i")]
        self.examples = [text.strip() for text in re.findall(r'"([^"]+)"', gloss)]
        self.gloss = re.split(r';\s*"|^"', gloss.strip())[0].strip(" ;")
        self.held_out = number(self.key) % HELD_OUT == 0


def read_wordnet(folder):
    synsets = {}
    for part in PARTS:
        for line in (folder / f"data.{part}").read_text(encoding="utf-8", errors="replace").splitlines():
            if not line.startswith("  "):  # the licence
                synset = Synset(part, line)
                synsets[synset.key] = synset
    return synsets


def pairs_of(synset, synsets):
    if not synset.gloss:
        return
    for word in synset.words[:4]:
        yield word, synset.gloss
    if len(synset.words) > 1:
        yield ", ".join(synset.words), synset.gloss
    for example in synset.examples[:3]:
        yield example, synset.gloss
    for first, second in zip(synset.words[:4], synset.words[1:5]):
        yield first, second
    for key in synset.above[:1]:
        if not synsets[key].held_out:
            yield synset.gloss, synsets[key].gloss


def sentences_of(path):
    """Of paragraphs; a paragraph ends a run of neighbours."""
    for paragraph in re.split(r"\n\s*\n", path.read_text(encoding="utf-8", errors="replace")):
        text = " ".join(paragraph.split())
        sentences = [s for s in re.split(r"(?<=[.!?][\"'”’])\s+|(?<=[.!?])\s+", text) if len(s.split()) > 4]
        yield from zip(sentences, sentences[1:])


def words_and_gloss(synset):
    return ", ".join(synset.words), synset.gloss


def distances(synset, synsets):
    """Edges from a synset to each of those above it."""
    found, heap = {}, [(0, synset.key)]
    while heap:
        steps, key = heapq.heappop(heap)
        if key in found:
            continue
        found[key] = steps
        for above in synsets[key].above:
            heapq.heappush(heap, (steps + 1, above))
    return found


def graded_pairs(held_out, synsets):
    nouns = [s for s in held_out if s.key.startswith("noun") and s.gloss]
    above = {s.key: distances(s, synsets) for s in nouns}
    by_length = {length: [] for length in LENGTHS}
    for i, first in enumerate(nouns):
        ways = above[first.key]
        for second in nouns[:i]:
            common = [steps + ways[key] for key, steps in above[second.key].items() if key in ways]
            if common and min(common) in by_length:
                by_length[min(common)].append((first, second))
    for length, pairs in by_length.items():
        pairs.sort(key=lambda pair: number(pair[0].key + pair[1].key))
        for first, second in pairs[:OF_EACH_LENGTH]:
            yield first.gloss, second.gloss, f"{1 / (1 + length):.6f}"


def write(path, rows):
    clean = [[" ".join(field.split()) for field in row] for row in rows]
    path.write_text("".join("\t".join(row) + "\n" for row in clean if all(row)), encoding="utf-8")
    print(f"{path}: {len(clean)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--wordnet", type=pathlib.Path, default=pathlib.Path("/usr/share/wordnet"))
    parser.add_argument("--text", type=pathlib.Path, action="append", default=[])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    synsets = read_wordnet(arguments.wordnet)
    held_out = sorted((s for s in synsets.values() if s.held_out), key=lambda s: number("order " + s.key))
    train = [pair for s in synsets.values() if not s.held_out for pair in pairs_of(s, synsets)]
    train += [pair for path in arguments.text for pair in sentences_of(path)]
    write(arguments.out / "train.tsv", train)
    write(arguments.out / "validation.tsv", [words_and_gloss(s) for s in held_out[OF_RECALL:]])
    write(arguments.out / "recall.tsv", [words_and_gloss(s) for s in held_out[:OF_RECALL]])
    write(arguments.out / "graded.tsv", graded_pairs(held_out, synsets))
    write(arguments.out / "corpus.txt", [[text] for text in dict.fromkeys(text for pair in train for text in pair)])


if __name__ == "__main__":
    main()
