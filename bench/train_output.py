#!/usr/bin/env python3
"""What printing costs a training run: on a terminal, into a file with a line for every step, and nowhere.

    bench/train_output.py LATHE [--rounds N] [--steps N] [--threads N]

Short steps, so that there is much to print: stories260k, 2 windows of 64 random tokens. A round runs each way once, in
an order that turns, and the weights of all runs have to be the same. Printed are tokens/s of the whole process by the
wall, the median and quartiles of each round's ratio to the run that prints nothing, and the CPU time of the threads that
draw and write the log as a share of the time: what they can take from the workers at most. Where the machine's speed
wavers, the share is the figure that does not.
"""
import argparse
import array
import hashlib
import os
import pty
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

WAYS = ("nowhere", "file", "terminal")
BATCH, CONTEXT = 2, 64


def drain(end, counts):
    """Reads what a terminal would show until nobody holds its other end."""
    try:
        while data := os.read(end, 1 << 16):
            counts.append(len(data))
    except OSError:  # the other end is closed
        pass


def helpers_share(pid, workers, seconds):
    """CPU time of all threads but the `workers` busiest, as a share of the time; None where the process has ended."""
    spent = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                spent.append(int(file.read().split()[0]))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return sum(sorted(spent)[:-workers]) * 1e-9 / seconds if len(spent) > workers else None


def watched(command, out, workers):
    """The exit status, the seconds, and helpers_share() shortly before the end."""
    begun, share = time.monotonic(), 0.0
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    while True:
        try:
            return process.wait(0.05), time.monotonic() - begun, share
        except subprocess.TimeoutExpired:
            found = helpers_share(process.pid, workers, time.monotonic() - begun)
            share = share if found is None else found


def on_terminal(command, workers):
    ours, theirs = pty.openpty()
    counts = []
    reader = threading.Thread(target=drain, args=(ours, counts))
    reader.start()
    found = watched(command, theirs, workers)
    os.close(theirs)
    reader.join()
    os.close(ours)
    return *found, sum(counts)


def into(path, command, workers):
    with open(path, "wb") as file:
        return *watched(command, file, workers), os.fstat(file.fileno()).st_size


def once(way, train, steps, workers):
    """Tokens/s, the helpers' share, bytes that were printed, and a digest of the weights."""
    shutil.rmtree("run", ignore_errors=True)
    if way == "terminal":
        status, seconds, share, printed = on_terminal(train, workers)
    else:
        extra = ["--quiet"] if way == "nowhere" else ["--log-every", "1"]
        status, seconds, share, printed = into("printed", train + extra, workers)
    if status != 0:
        raise SystemExit(f"train_output: {' '.join(train)} ended with {status} ({way})")
    with open(f"run/step-{steps:08}/model.safetensors", "rb") as weights:
        digest = hashlib.sha256(weights.read()).hexdigest()
    return steps * BATCH * CONTEXT / seconds, share, printed, digest


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.4f} ({low:.4f} to {high:.4f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lathe")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    lathe = os.path.realpath(args.lathe)
    rates, shares = {way: [] for way in WAYS}, {way: [] for way in WAYS}
    printed, digests = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        random.seed(1)
        with open("ids.bin", "wb") as file:
            array.array("H", [random.randrange(512) for _ in range(100_000)]).tofile(file)
        train = [lathe, "train", "--model", "stories260k", "--data", "ids.bin", "-o", "run", "--no-ceiling",
                 "--batch", str(BATCH), "--context", str(CONTEXT), "--steps", str(args.steps),
                 "--threads", str(args.threads), "--save-every", str(args.steps)]
        for number in range(args.rounds):
            for way in WAYS[number % 3:] + WAYS[:number % 3]:
                rate, share, printed[way], digest = once(way, train, args.steps, args.threads)
                rates[way].append(rate)
                shares[way].append(100 * share)
                digests.add(digest)
        os.chdir("/")
    if len(digests) != 1:
        raise SystemExit("train_output: the weights depend on where a run prints")
    for way in WAYS:
        ratios = [rate / nowhere for rate, nowhere in zip(rates[way], rates["nowhere"])]
        print(f"{way:9} {statistics.median(rates[way]):8.0f} tokens/s, ratio {quartiles(ratios)}, "
              f"helpers {statistics.median(shares[way]):.2f} % of the time, {printed[way]} bytes printed")


if __name__ == "__main__":
    main()
