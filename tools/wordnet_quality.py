#!/usr/bin/env python3
"""What an embedding model makes of held-out words of WordNet, as tools/wordnet_pairs.py wrote them.

  wordnet_quality.py LATHE FOLDER [-m MODEL]...     without -m, the model that comes with lathe

For each model: how often the right gloss is the nearest, or among the nearest ten, of 1,000 for the words of a synset
(FOLDER/recall.tsv), and Spearman's rank correlation of the cosine of two glosses with the similarity of their synsets
by WordNet's paths (FOLDER/graded.tsv).
"""
import argparse
import array
import pathlib
import subprocess
import sys
import tempfile
from operator import mul


def rows(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def embed(lathe, model, texts):
    with tempfile.TemporaryDirectory() as folder:
        lines, out = pathlib.Path(folder, "texts.txt"), pathlib.Path(folder, "vectors.raw")
        lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        subprocess.run([lathe, "embed", "--quiet", "--file", lines, "--format", "raw", "-o", out]
                       + (["-m", model] if model else []), check=True, stderr=subprocess.DEVNULL)
        values = array.array("f", out.read_bytes())
    width = len(values) // len(texts)
    return [values[i:i + width] for i in range(0, len(values), width)]


def cosine(a, b):
    return sum(map(mul, a, b))


def recall(lathe, model, pairs):
    words = embed(lathe, model, [pair[0] for pair in pairs])
    glosses = embed(lathe, model, [pair[1] for pair in pairs])
    better = []
    for i, word in enumerate(words):
        right = cosine(word, glosses[i])
        better.append(sum(cosine(word, gloss) >= right for gloss in glosses) - 1)
    return [sum(count < k for count in better) / len(pairs) for k in (1, 10)]


def ranks(values):
    """Equal values share the mean of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    place, i = [0.0] * len(values), 0
    while i < len(order):
        end = i
        while end < len(order) and values[order[end]] == values[order[i]]:
            end += 1
        for at in order[i:end]:
            place[at] = (i + end - 1) / 2
        i = end
    return place


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    middle = (len(a) - 1) / 2
    covariance = sum((x - middle) * (y - middle) for x, y in zip(a, b))
    return covariance / (sum((x - middle) ** 2 for x in a) * sum((y - middle) ** 2 for y in b)) ** 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lathe")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("-m", "--model", action="append", default=[])
    arguments = parser.parse_args()
    pairs, graded = rows(arguments.folder / "recall.tsv"), rows(arguments.folder / "graded.tsv")
    for model in arguments.model or [None]:
        first, ten = recall(arguments.lathe, model, pairs)
        vectors = [embed(arguments.lathe, model, [pair[side] for pair in graded]) for side in (0, 1)]
        rho = spearman([cosine(a, b) for a, b in zip(*vectors)], [float(pair[2]) for pair in graded])
        print(f"{model or 'the model that comes with lathe'}: recall@1 {100 * first:.1f} %, recall@10 {100 * ten:.1f} % "
              f"of {len(pairs)} glosses; Spearman {rho:.3f} over {len(graded)} pairs", flush=True)


if __name__ == "__main__":
    sys.exit(main())
