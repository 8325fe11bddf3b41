#!/usr/bin/env python3
"""Vectors of lathe beside those of transformers, on varied texts: every kind of writing, emoji, nothing, one character,
10,000 characters. Each text alone in transformers, in float64 where --double says so; all of them through lathe in whatever batches it
makes. Fails where a bar is missed. int8 of ONNX Runtime and llama.cpp stands beside, where FOLDER has their files.

  f32:   cosine >= 0.999999 and no element further off than 1e-5, on vectors of length 1
  q8_0:  cosine >= 0.999
  q8_a7: cosine >= 0.99
"""
import argparse
import pathlib
import sys

import numpy as np

import engines
import model_files
from lathe_turns import Lathe
from varied_texts import varied_texts

BARS = {"f32": (0.999999, 1e-5), "q8_0": (0.999, None), "q8_a7": (0.99, None)}


def reference_vectors(folder, ids, double):
    import torch
    import transformers

    torch.set_num_threads(2)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float64 if double else torch.float32).eval()
    rows = []
    with torch.inference_mode():
        for text in ids:
            mean = model(input_ids=torch.tensor([text])).last_hidden_state[0].double().mean(0)
            rows.append((mean / mean.norm()).numpy())
    return np.stack(rows)


def compare(vectors, reference):
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    cosines = (vectors * reference).sum(axis=1) / lengths
    return cosines, np.abs(vectors - reference).max(axis=1)


def lathe_vectors(options, dtype, texts, lengths):
    lathe = Lathe(options.lathe, options.lathe_model or options.folder / "hf", dtype, options.threads)
    answer = lathe.ask(ask="vectors", texts=texts)
    lathe.close()
    wrong = [i for i, (ours, theirs) in enumerate(zip(answer["tokens"], lengths)) if ours != theirs]
    for i in wrong[:5]:
        print(f"  {dtype}: {texts[i][:40]!r}: {answer['tokens'][i]} tokens, the reference has {lengths[i]}")
    return answer["vectors"], len(wrong)


def report(name, vectors, reference, texts, bars=None):
    cosines, differences = compare(vectors, reference)
    worst = int(cosines.argmin())
    print(f"{name}: least cosine {cosines.min():.9f} (median {np.median(cosines):.9f}), largest difference "
          f"{differences.max():.3g}; least at {texts[worst][:40]!r}", flush=True)
    if bars is None:
        return True
    least, furthest = bars
    return cosines.min() >= least and (furthest is None or differences.max() <= furthest)


def report_peers(options, ids, reference, texts):
    makers = [(f"onnxruntime {f}", lambda f=f: engines.Onnx(options.folder / f"{f}.onnx", f))
              for f in ("fused.u8", "fused.s7", "plain.u8", "plain.s7") if (options.folder / f"{f}.onnx").exists()]
    if (options.folder / "q8_0.gguf").exists():
        makers.append(("llama.cpp q8_0", lambda: engines.Llama(options.folder / "q8_0.gguf", "q8_0")))
    for name, make in makers:
        try:
            engine = make()
            report(name, np.concatenate([engine.prepare([text])() for text in ids]), reference, texts)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="a model's folder, as make_models.py writes it")
    parser.add_argument("--lathe", default="build/lathe", help="the binary")
    parser.add_argument("--lathe-model", help="what lathe opens, instead of FOLDER/hf")
    parser.add_argument("--dtype", nargs="*", default=["f32", "q8_0"], choices=list(BARS))
    parser.add_argument("--texts", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--double", action="store_true", help="the reference in float64")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    texts = varied_texts(options.texts)
    ids = model_files.encode(model_files.tokenizer_of(options.folder / "hf"), texts)
    lengths = [len(text) for text in ids]
    print(f"{options.folder.name}: {len(texts)} texts, {sum(lengths)} tokens, {min(lengths)} to {max(lengths)} each")
    reference = reference_vectors(options.folder / "hf", ids, options.double)
    failed = False
    for dtype in options.dtype:
        vectors, wrong = lathe_vectors(options, dtype, texts, lengths)
        good = report(f"lathe {dtype}", vectors, reference, texts, BARS[dtype]) and wrong == 0
        print(f"lathe {dtype}: {'passed' if good else 'FAILED'}")
        failed = failed or not good
    if not options.no_peers:
        report_peers(options, ids, reference, texts)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
