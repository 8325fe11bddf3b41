#!/usr/bin/env python3
"""What --accum amortises: stories15m, passes of 128 random tokens, with 1, 10 and 100 passes a step, in turns.

    bench/train_accum.py LATHE [--rounds N] [--threads N]

Printed are, over the steps behind each run's first: tokens/s (of every round), and which share of the time went to the
optimizer and to adding passes up, and the seconds that these take for each pass.
"""
import argparse
import array
import json
import os
import random
import shutil
import subprocess
import tempfile

STEPS = {1: 60, 10: 11, 100: 3}  # with the first
CONTEXT = 128


def once(lathe, accum, threads):
    """Tokens, seconds, and seconds by phase of the steps behind the first."""
    shutil.rmtree("run", ignore_errors=True)
    steps = str(STEPS[accum])
    subprocess.check_call([lathe, "train", "--model", "stories15m", "--data", "ids.bin", "-o", "run", "--quiet",
                           "--no-ceiling", "--batch", "1", "--context", str(CONTEXT), "--accum", str(accum),
                           "--steps", steps, "--save-every", steps, "--ranges-every", "0", "--threads", str(threads)],
                          stderr=subprocess.DEVNULL)
    tokens, seconds, phases = 0, 0.0, {}
    with open("run/log.jsonl", encoding="utf-8") as log:
        for line in map(json.loads, log):
            if line["event"] != "step" or line["step"] == 1:
                continue
            tokens += line["tokens"]
            for name, spent in line["phases"].items():
                if name not in ("evaluation", "saving", "sampling"):
                    phases[name] = phases.get(name, 0) + spent
                    seconds += spent
    return tokens, seconds, phases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lathe")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    lathe = os.path.realpath(args.lathe)
    found = {accum: [] for accum in STEPS}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        random.seed(1)
        with open("ids.bin", "wb") as file:
            array.array("H", [random.randrange(32000) for _ in range(200_000)]).tofile(file)
        for _ in range(args.rounds):
            for accum in STEPS:
                found[accum].append(once(lathe, accum, args.threads))
        os.chdir("/")
    print("| passes a step | tokens/s | optimizer | adding passes | optimizer, ms a pass | adding, ms a pass |")
    print("|---|---|---|---|---|---|")
    for accum, runs in found.items():
        rates = ", ".join(f"{tokens / seconds:.0f}" for tokens, seconds, _ in runs)
        tokens, seconds = sum(run[0] for run in runs), sum(run[1] for run in runs)
        optimizer = sum(run[2].get("optimizer", 0) for run in runs)
        adding = sum(run[2].get("backward accumulate", 0) for run in runs)
        passes = tokens / CONTEXT
        print(f"| {accum} | {rates} | {100 * optimizer / seconds:.2f} % | {100 * adding / seconds:.2f} % | "
              f"{1e3 * optimizer / passes:.2f} | {1e3 * adding / passes:.2f} |")


if __name__ == "__main__":
    main()
