#!/usr/bin/env python3
"""Compares lathe's sampler with transformers' logits processors: which tokens are kept, and with what probabilities.
Needs the Python packages torch and transformers, and the built test program sampler_test.

    tests/sampler_peer.py BUILD_FOLDER/tests/sampler_test [--cases N] [--seed N]
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import torch
from transformers.generation import logits_process as peer


def processors(case):
    yield peer.RepetitionPenaltyLogitsProcessor(penalty=case["repetition_penalty"])
    yield peer.TemperatureLogitsWarper(case["temperature"])
    if case["top_k"]:
        yield peer.TopKLogitsWarper(top_k=case["top_k"])
    if case["top_p"] < 1.0:
        yield peer.TopPLogitsWarper(top_p=case["top_p"])
    if case["min_p"] > 0.0:
        yield peer.MinPLogitsWarper(min_p=case["min_p"])


def made_case(rng, number):
    vocabulary = rng.choice([50, 1000, 32000])
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    logits = torch.randn(vocabulary, generator=generator) * rng.choice([1.0, 3.0, 8.0])
    case = {
        "name": f"case {number}",
        "temperature": rng.choice([0.25, 0.7, 1.0, 1.5, 4.0]),
        "top_k": rng.choice([0, 0, 1, 5, 40, 400]),
        "top_p": rng.choice([1.0, 0.95, 0.9, 0.5, 0.1]),
        "min_p": rng.choice([0.0, 0.0, 0.02, 0.2]),
        "repetition_penalty": rng.choice([1.0, 1.1, 1.5, 0.8]),
        "tokens": [rng.randrange(vocabulary) for _ in range(rng.choice([1, 5, 30]))],
    }
    scores, tokens = logits[None].clone(), torch.tensor([case["tokens"]])
    for processor in processors(case):
        scores = processor(tokens, scores)
    probabilities = torch.softmax(scores[0].double(), 0)
    case["logits"] = logits.tolist()
    case["kept"] = {str(i): probabilities[i].item() for i in probabilities.nonzero()[:, 0].tolist()
                    if probabilities[i] > 1e-10}
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("test_program")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([made_case(rng, i) for i in range(options.cases)], file)
        file.flush()
        return subprocess.run([options.test_program, "--gtest_filter=Sampler.AsThePeer"], check=False,
                              env={**os.environ, "LATHE_SAMPLER_CASES": file.name}).returncode


if __name__ == "__main__":
    sys.exit(main())
