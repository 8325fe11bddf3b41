#!/usr/bin/env python3
"""lathe beside ONNX Runtime, transformers on torch, and llama.cpp: one run, in turns, the same texts and tokens.

For every scenario and precision the engines take turns (peer, lathe, peer, lathe, ...), the peers in an order that is
shuffled every round; a turn is warmed up by one untimed call. Of each engine: the median over its rounds. The ratio that
counts is taken in pairs, lathe's turn against the turn beside it, and its median over the rounds is reported.

Peers start from token ids (their tokenizers are not timed), lathe from the text. Where a peer has several ways (plain or
fused graph, signed or unsigned weights; one padded batch, groups of like length, one by one), a first look finds its
fastest for each scenario. Vectors are checked before anything is timed.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import sys
import time

import numpy as np

import engines
import model_files
from lathe_turns import Lathe

DTYPES = {"f32": "f32", "int8": "q8_0", "a7": "q8_a7", "b16": "bf16_b16"}  # lathe's, of a precision
LEAST_COSINE = {"f32": 0.99999, "int8": 0.9, "a7": 0.9, "b16": 0.9}  # of a peer's vector with lathe's f32; below it has no speed


def grouped(batch, most_tokens):
    """Sorted by length, cut where a group's padded size would exceed so many tokens."""
    order = sorted(range(len(batch)), key=lambda i: len(batch[i]))
    groups = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(batch[i]) > most_tokens:
            groups.append([])
        groups[-1].append(i)
    return groups


WAYS = {
    "one batch": lambda batch: [list(range(len(batch)))],
    "groups of 2048 tokens": lambda batch: grouped(batch, 2048),
    "groups of 512 tokens": lambda batch: grouped(batch, 512),
    "one by one": lambda batch: [[i] for i in range(len(batch))],
}


class Plan:
    """One engine, one way of batching, one scenario: every call prepared."""

    def __init__(self, engine, way, calls):
        self.engine, self.way = engine, way
        self.calls = [[(group, engine.prepare([call[i] for i in group])) for group in WAYS[way](call)] for call in calls]
        self.call_lengths = [len(call) for call in calls]

    def label(self, batched):
        return f"{self.engine.name}, {self.way}" if batched else self.engine.name

    def vectors(self):
        for length, groups in zip(self.call_lengths, self.calls):
            out = [None] * length
            for group, run in groups:
                for i, row in zip(group, run()):
                    out[i] = np.asarray(row, dtype=np.float64)
            yield from out

    def look(self):
        """Time of a call: the least of four, or of two where one takes long."""
        samples = []
        while len(samples) < 2 or (len(samples) < 4 and sum(samples) < 5e8):
            start = time.perf_counter_ns()
            for _, run in self.calls[len(samples) % len(self.calls)]:
                run()
            samples.append(time.perf_counter_ns() - start)
        return min(samples)

    def turn(self, seconds):
        """Median time of a call in ns, over whole cycles of at least so many seconds."""
        samples, began = [], time.perf_counter_ns()
        for _, run in self.calls[0]:
            run()
        while True:
            for groups in self.calls:
                start = time.perf_counter_ns()
                for _, run in groups:
                    run()
                samples.append(time.perf_counter_ns() - start)
            if time.perf_counter_ns() - began > seconds * 1e9:
                return statistics.mean(samples) if len(self.calls) == 1 and len(samples) < 3 else statistics.median(samples)


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def peers_of(folder, precision, wanted, threads):
    """name -> list of makers of variants; a maker that fails says why and is left out."""
    onnx = (["plain.f32", "fused.f32"] if precision == "f32" else ["fused.u8", "fused.s7", "plain.u8", "plain.s7"])
    makers = {
        "onnxruntime": [(f, lambda f=f: engines.Onnx(folder / f"{f}.onnx", f, threads)) for f in onnx
                        if (folder / f"{f}.onnx").exists()],
        "torch": [("sdpa", lambda: engines.Torch(folder / "hf", "sdpa", threads))] if precision == "f32" else [],
        "llama.cpp": [(f, lambda f=f: engines.Llama(folder / f"{f}.gguf", f, threads))
                      for f in (["f32", "f16"] if precision == "f32" else ["q8_0"]) if (folder / f"{f}.gguf").exists()],
    }
    found, notes = {}, []
    for peer, variants in makers.items():
        if wanted and peer not in wanted:
            continue
        for label, make in variants:
            try:
                found.setdefault(peer, []).append(make())
            except Exception as error:
                notes.append(f"{peer} {label}: {type(error).__name__}: {error}")
    return found, notes


def looked_at(engine, way, calls, reference, least, notes):
    """Time of a few calls behind the check that warms them up; nothing where the vectors are wrong."""
    try:
        plan = Plan(engine, way, calls)
        worst = min(cosine(a, b) for a, b in zip(plan.vectors(), reference))
    except Exception as error:
        notes.append(f"{engine.name}, {way}: {type(error).__name__}: {error}")
        return None
    if worst < least:
        notes.append(f"{engine.name}, {way}: incorrect, least cosine {worst:.6f}")
        return None
    return plan.look(), plan, worst


def fastest_plan(variants, calls, reference, least, notes):
    """The fastest variant in one batch, then its fastest way of batching, and the least cosine with lathe's f32."""
    seen = [looked_at(engine, "one batch", calls, reference, least, notes) for engine in variants]
    seen = [s for s in seen if s]
    if any(len(call) > 1 for call in calls):
        likely = [min(seen, key=lambda s: s[0])[1].engine] if seen else variants
        seen += [looked_at(engine, way, calls, reference, least, notes)
                 for engine in likely for way in WAYS if way != "one batch"]
    return min((s for s in seen if s), key=lambda s: s[0], default=None)


def race(lathe, plans, calls_text, options, rng):
    """rounds of (peer, lathe) pairs -> per peer the list of (peer ns, lathe ns)."""
    pairs = {peer: [] for peer in plans}
    for _ in range(options.rounds):
        order = list(plans)
        rng.shuffle(order)
        for peer in order:
            theirs = plans[peer].turn(options.seconds)
            time.sleep(options.rest)  # threads that spin after a call would take a core from the next
            ours = statistics.median(lathe.ask(ask="time", calls=calls_text, seconds=options.seconds)["wall_ns"])
            time.sleep(options.rest)
            pairs[peer].append((theirs, ours))
    return pairs


def row_of(peer, plan, worst, pairs, texts, tokens, calls):
    ratios = sorted(theirs / ours for theirs, ours in pairs)
    ours, theirs = (statistics.median(p[i] for p in pairs) for i in (1, 0))
    per_call = tokens / calls
    return {"peer": peer, "way": plan.label(texts > calls), "version": plan.engine.version,
            "peer_ms": theirs / 1e6, "lathe_ms": ours / 1e6, "peer_tokens_per_s": per_call / theirs * 1e9,
            "lathe_tokens_per_s": per_call / ours * 1e9, "ratio": statistics.median(ratios),
            "ratio_low": ratios[len(ratios) // 4], "ratio_high": ratios[len(ratios) * 3 // 4], "rounds": len(ratios),
            "least_cosine": worst}


def markdown(rows):
    lines = ["| precision | scenario | tokens a call | peer | its way | peer ms | lathe ms | peer tok/s | lathe tok/s | "
             "lathe is faster by (quartiles) | peer's least cosine |", "|---|---|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        lines.append(f"| {r['precision']} | {r['scenario']} | {r['tokens_per_call']:.0f} | {r['peer']} | {r['way']} | "
                     f"{r['peer_ms']:.2f} | {r['lathe_ms']:.2f} | {r['peer_tokens_per_s']:.0f} | "
                     f"{r['lathe_tokens_per_s']:.0f} | {r['ratio']:.2f} ({r['ratio_low']:.2f} to "
                     f"{r['ratio_high']:.2f}) | {r['least_cosine']:.6f} |")
    return "\n".join(lines)


def run_precision(precision, options, reference_lathe, scenarios, tokenizer, rng, report):
    dtype = DTYPES[precision]
    lathe = reference_lathe if dtype == "f32" else Lathe(options.lathe, options.lathe_model, dtype, options.threads)
    peers, notes = peers_of(options.folder, precision, options.peers, options.threads)
    for name, calls_text in scenarios.items():
        calls = [model_files.encode(tokenizer, call) for call in calls_text]
        flat = [text for call in calls_text for text in call]
        answer = reference_lathe.ask(ask="vectors", texts=flat)
        lengths = [len(ids) for call in calls for ids in call]
        if answer["tokens"] != lengths:
            raise SystemExit(f"race_embed.py: {name}: lathe and the peers count different tokens")
        reference = [np.asarray(v) for v in answer["vectors"]]
        ours = lathe.ask(ask="vectors", texts=flat)["vectors"]
        own_cosine = min(cosine(np.asarray(a), b) for a, b in zip(ours, reference))
        plans, worst = {}, {}
        for peer, variants in peers.items():
            best = fastest_plan(variants, calls, reference, LEAST_COSINE[precision], notes)
            if best:
                plans[peer], worst[peer] = best[1], best[2]
        lathe.ask(ask="time", calls=calls_text, seconds=options.seconds)  # warm
        for peer, pairs in race(lathe, plans, calls_text, options, rng).items():
            row = row_of(peer, plans[peer], worst[peer], pairs, len(flat), sum(lengths), len(calls))
            row = {"precision": precision, "scenario": name, "tokens_per_call": sum(lengths) / len(calls),
                   "texts_per_call": len(flat) / len(calls), "lathe_least_cosine": own_cosine, **row}
            report["rows"].append(row)
            print(f"{precision} {name}: {peer} {row['peer_ms']:.2f} ms, lathe {row['lathe_ms']:.2f} ms, "
                  f"{row['ratio']:.2f}x", file=sys.stderr, flush=True)
    report["notes"] += sorted(set(notes))
    if lathe is not reference_lathe:
        lathe.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="a model's folder, as make_models.py writes it")
    parser.add_argument("--lathe", default="build/lathe", help="the binary")
    parser.add_argument("--lathe-model", help="what lathe opens, instead of FOLDER/hf")
    parser.add_argument("--precision", nargs="*", default=["f32", "int8", "a7"], choices=list(DTYPES),
                        help="int8, a7 and b16: lathe's q8_0, q8_a7 and, for CPUs with AMX, bf16_b16 beside the "
                             "peers' int8")
    parser.add_argument("--scenario", nargs="*", help="some of: short, long, words400, batch96_short, ...")
    parser.add_argument("--peers", nargs="*", help="some of: onnxruntime, torch, llama.cpp")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn, at least")
    parser.add_argument("--rest", type=float, default=0.03, help="seconds between turns")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path, help="write the report there")
    options = parser.parse_args()
    options.lathe_model = options.lathe_model or options.folder / "hf"

    reference = Lathe(options.lathe, options.lathe_model, "f32", options.threads)
    scenarios = reference.ask(ask="texts")
    if options.scenario:
        scenarios = {name: scenarios[name] for name in options.scenario}
    tokenizer = model_files.tokenizer_of(options.folder / "hf")
    report = {"model": options.folder.name, "threads": options.threads, "date": time.strftime("%Y-%m-%d %H:%M"),
              "load_before": os.getloadavg(), "rows": [], "notes": []}
    rng = random.Random(options.seed)
    for precision in options.precision:
        run_precision(precision, options, reference, scenarios, tokenizer, rng, report)
    reference.close()
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
