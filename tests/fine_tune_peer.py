#!/usr/bin/env python3
"""Compares `lathe train --init` with transformers: the loss of the first step, and the logits of the checkpoint.

  fine_tune_peer.py LATHE_BINARY [--models llama,llama_untied,qwen2,qwen3,gpt2]

Each model has random weights and is saved by transformers in f32, bf16 and f16. Bars: the loss within 1e-5 of torch's,
and the logits of the checkpoint, which a step of a rate near 0 leaves as they were, within 1e-5 when transformers opens
it. Needs torch and transformers. Nothing of it runs in CI.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers

from train_peer import MAKERS

BAR = 1e-5
LENGTH = 48
TYPES = (torch.float32, torch.bfloat16, torch.float16)


def save_random(name, dtype, folder):
    config, _ = MAKERS[name]()
    model = transformers.AutoModelForCausalLM.from_config(config).float()
    with torch.no_grad():
        for key, p in model.named_parameters():
            torch.nn.init.normal_(p, mean=0.0 if p.dim() > 1 or key.endswith("bias") else 1.0, std=0.08)
    model.tie_weights()
    model.to(dtype).save_pretrained(folder)


@torch.no_grad()
def logits_of(folder, ids):
    # Opened as f32: a model that is converted has positions of bf16 too.
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model(input_ids=ids[None, :LENGTH], use_cache=False).logits[0]


def first_loss(binary, model, ids, run):
    data = run.with_suffix(".bin")
    data.write_bytes(numpy.array(ids.tolist(), dtype=numpy.uint16).tobytes())
    made = subprocess.run([binary, "train", "--init", model, "--data", data, "-o", run, "--steps", "1", "--context",
                           str(LENGTH), "--batch", "1", "--lr", "1e-9", "--no-ceiling", "-q"],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(f"lathe train --init {model}: {made.stderr}")
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return next(event["loss"] for event in events if event["event"] == "step")


def check(binary, name, dtype, folder):
    torch.manual_seed(3)
    label = f"{name} {str(dtype).removeprefix('torch.')}"
    model, run = folder / label.replace(" ", "_"), folder / (label.replace(" ", "_") + "_run")
    save_random(name, dtype, model)
    ids = torch.randint(331, (LENGTH + 1,))
    expected = logits_of(model, ids)
    found = first_loss(binary, model, ids, run)
    loss = abs(found - torch.nn.functional.cross_entropy(expected, ids[1:]).item())
    logits = (logits_of(run / "step-00000001", ids) - expected).abs().max().item()
    good = loss <= BAR and logits <= BAR
    print(f"{label}: loss {found:.6f}, which differs by {loss:.1e}; logits of the checkpoint by {logits:.1e}"
          f" {'ok' if good else 'FAILED'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--models", default=",".join(MAKERS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        results = [check(arguments.binary, name, dtype, pathlib.Path(folder))
                   for name in arguments.models.split(",") for dtype in TYPES]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
