#!/usr/bin/env python3
"""lathe beside llama.cpp and transformers on torch: prompts and answers of one decoder, in one run, in turns.

Tests are named as llama-bench names them: pp512 is a prompt of 512 tokens to its last logits, tg128 are 128 tokens of one
answer, tg64@b4 the answers of four texts at once. In every round each peer's turn is followed by one of lathe; the ratio is
taken in such pairs, and its median and quartiles over the rounds are reported.

Before anything is timed, the logits of one text are compared, behind a prompt and behind tokens decoded one by one: where
the least cosine with lathe's is below the bar of the format, the peer has no speed. Of a peer's ways (attention with or
without flash, one cache or one per text) a first look takes the fastest for each test.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

import numpy as np

import decoder_engines as engines
from lathe_turns import Lathe

# What lathe opens and as what it keeps weights; which of the files llama.cpp opens; torch's dtype.
FORMATS = {"f32": ("f32.gguf", "f32", "f32.gguf", "float32"), "bf16": ("hf", "bf16", None, "bfloat16")}
FORMATS |= {name: (f"{name}.gguf", "auto", f"{name}.gguf", None)
            for name in ("f16", "q8_0", "q4_0", "q4_1", "q4_k_m", "q6_k")}
BAR = {"f32": 0.99999, "f16": 0.9999, "bf16": 0.999}  # least cosine of logits with lathe's; of the others:
BAR_QUANTISED = 0.99
TESTS = ["pp512", "tg128", "tg64@b2", "tg64@b4", "tg64@b8", "tg64@b16"]
CHECKED, ONE_BY_ONE = 48, 8  # tokens of which logits are compared, and how many of them are decoded one by one


def compared(theirs, ours):
    """Least cosine over the positions, and the share of them with the same best token."""
    a, b = theirs.astype(np.float64), ours.astype(np.float64)
    cosines = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return float(cosines.min()), float((a.argmax(1) == b.argmax(1)).mean())


def peers_of(folder, precision, wanted, threads):
    _, _, llama, torch = FORMATS[precision]
    makers = {"llama.cpp": llama and (lambda: engines.Llama(folder / llama, threads)),
              "torch": torch and (lambda: engines.Torch(folder / "hf", threads, torch))}
    found, notes = {}, []
    for peer, make in makers.items():
        if not make or (wanted and peer not in wanted):
            continue
        try:
            found[peer] = make()
        except Exception as error:
            notes.append(f"{precision} {peer}: {type(error).__name__}: {error}")
    return found, notes


def fastest(peer, test, checked, bar, notes):
    """The variant with the fastest first look among those with right logits, and what came of the check."""
    seen = []
    for variant in peer.variants(test):
        try:
            cosine, top = checked(variant)
            if cosine < bar:
                notes.append(f"{variant.name}: incorrect, least cosine of logits {cosine:.6f}, needed {bar}")
                continue
            look = test.cut(16)
            variant.turn(look, 1)
            seen.append((sum(variant.turn(look, 2)), variant, cosine, top))
        except Exception as error:
            notes.append(f"{variant.name}: {type(error).__name__}: {error}")
        finally:
            variant.close()  # the next one's context may need the memory
    return min(seen, key=lambda s: s[0])[1:] if seen else None


def race(lathe, chosen, test, options, rng):
    """Per peer the list of (peer ns, lathe ns)."""
    pairs = {peer: [] for peer in chosen}
    lathe.turn(test.cut(16), 3)
    for variant, _, _ in chosen.values():
        variant.turn(test.cut(16), 3)
    for round_number in range(options.rounds):
        order = list(chosen)
        rng.shuffle(order)
        for peer in order:
            seed = 100 + round_number
            time.sleep(options.rest)  # threads that spin after a call would take a core from the next
            theirs = sum(chosen[peer][0].turn(test, seed))
            time.sleep(options.rest)
            pairs[peer].append((theirs, sum(lathe.turn(test, seed))))
    for variant, _, _ in chosen.values():
        variant.close()
    return pairs


def row_of(peer, variant, cosine, top, pairs, test):
    ratios = sorted(theirs / ours for theirs, ours in pairs)
    theirs, ours = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    return {"peer": peer, "way": variant.name, "version": variant.version, "peer_tokens_per_s": test.total() / theirs * 1e9,
            "lathe_tokens_per_s": test.total() / ours * 1e9, "ratio": statistics.median(ratios),
            "ratio_low": ratios[len(ratios) // 4], "ratio_high": ratios[len(ratios) * 3 // 4], "rounds": len(ratios),
            "pairs_ns": pairs, "least_cosine": cosine, "same_top": top}


def run_format(precision, options, rng, report):
    file, dtype, _, _ = FORMATS[precision]
    process = Lathe(options.lathe, options.folder / file, options.dtype or dtype, options.threads, "generate")
    lathe = engines.LatheTurns(process)
    peers, notes = peers_of(options.folder, precision, options.peers, options.threads)
    ids = engines.Tokens(lathe.vocabulary, options.seed).take(CHECKED)
    with tempfile.TemporaryDirectory() as folder:
        expected = lathe.logits(ids, pathlib.Path(folder) / "logits")

    seen = {}

    def checked(variant):
        """Once for each way, whatever the tests."""
        way = (variant.version, variant.name)
        if way not in seen:
            seen[way] = compared(variant.logits(ids, ONE_BY_ONE), expected)
        return seen[way]

    bar = BAR.get(precision, BAR_QUANTISED)
    for name in options.tests:
        test, found = engines.Test.of(name), []
        chosen = {peer: fastest(engine, test, checked, bar, found) for peer, engine in peers.items()}
        notes += [f"{precision} {name}: {note}" for note in found]
        chosen = {peer: best for peer, best in chosen.items() if best}
        for peer, pairs in race(lathe, chosen, test, options, rng).items():
            row = {"format": precision, "test": name, **row_of(peer, *chosen[peer], pairs, test)}
            report["rows"].append(row)
            print(f"{precision} {name}: {peer} {row['peer_tokens_per_s']:.1f} tokens/s, lathe "
                  f"{row['lathe_tokens_per_s']:.1f}, {row['ratio']:.2f}x", file=sys.stderr, flush=True)
    report["notes"] += notes
    process.close()
    for engine in peers.values():
        engine.free()


def markdown(rows):
    lines = ["| format | test | peer | its way | peer tok/s | lathe tok/s | lathe is faster by (quartiles) | logits: least "
             "cosine, same best |", "|---|---|---|---|---|---|---|---|"]
    for r in rows:
        lines.append(f"| {r['format']} | {r['test']} | {r['peer']} | {r['way']} | {r['peer_tokens_per_s']:.1f} | "
                     f"{r['lathe_tokens_per_s']:.1f} | {r['ratio']:.2f} ({r['ratio_low']:.2f} to {r['ratio_high']:.2f}) | "
                     f"{r['least_cosine']:.6f}, {100 * r['same_top']:.0f} % |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="a decoder's folder, as make_models.py writes it")
    parser.add_argument("--lathe", default="build/lathe", help="the binary")
    parser.add_argument("--dtype", help="as what lathe keeps weights, instead of as the file has them")
    parser.add_argument("--formats", nargs="*", choices=list(FORMATS), help="without it, those whose files are there")
    parser.add_argument("--tests", nargs="*", default=TESTS)
    parser.add_argument("--peers", nargs="*", choices=["llama.cpp", "torch"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rest", type=float, default=0.05, help="seconds between turns")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path, help="write the report there")
    options = parser.parse_args()
    for name in options.tests:
        engines.Test.of(name)
    formats = options.formats or [name for name, (file, *_) in FORMATS.items() if (options.folder / file).exists()]

    report = {"model": options.folder.name, "threads": options.threads, "date": time.strftime("%Y-%m-%d %H:%M"),
              "load_before": os.getloadavg(), "rows": [], "notes": []}
    rng = random.Random(options.seed)
    for precision in formats:
        run_format(precision, options, rng, report)
    report["load_after"] = os.getloadavg()
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    print(f"{report['model']}, {report['threads']} threads, {report['date']}, load {report['load_before'][0]:.1f} to "
          f"{report['load_after'][0]:.1f}; {', '.join(sorted({r['version'] for r in report['rows']}))}\n")
    print(markdown(report["rows"]))
    for note in report["notes"]:
        print(f"\n{note}")


if __name__ == "__main__":
    main()
