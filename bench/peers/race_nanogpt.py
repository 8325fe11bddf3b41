#!/usr/bin/env python3
"""nanoGPT's recipe for a CPU, lathe beside torch: how long until the validation loss is 1.88.

  race_nanogpt.py tinyshakespeare.txt [--lathe build/lathe] [--ways eager compiled] [--rounds 3]

The recipe is that of nanoGPT's README: characters, 4 layers, 4 heads, 128 wide, 64 of context, batches of 12, 2,000 steps of
AdamW from 1e-3 to 1e-4. A turn is one whole run; every run of torch is followed by one of lathe. What counts is the time of
the steps alone, without evaluating, saving and compiling, up to the first evaluation at or below the target.

torch is transformers' GPT2LMHeadModel without dropout, with scaled_dot_product_attention, AdamW fused and clipping, as it is
(eager) and compiled. Needs torch and transformers.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

WIDTH, LAYERS, HEADS, CONTEXT, BATCH, STEPS = 128, 4, 4, 64, 12, 2000
RATE, MIN_RATE, WARMUP, BETAS, DECAY, CLIP = 1e-3, 1e-4, 100, (0.9, 0.99), 0.1, 1.0
EVAL_EVERY, EVAL_WINDOWS, TARGET = 100, 400, 1.88


def torch_run(text, way, threads, seed):
    import math
    import torch
    import transformers
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    letters = sorted(set(text))
    ids = torch.tensor([letters.index(letter) for letter in text])
    cut = int(0.9 * len(ids))
    train, rest = ids[:cut], ids[cut:]
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=len(letters), n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=CONTEXT, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, attn_implementation="sdpa"))
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
              {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, fused=True)
    forward = torch.compile(model) if way == "compiled" else model

    def loss_of(starts, data):
        inputs = torch.stack([data[s:s + CONTEXT] for s in starts])
        targets = torch.stack([data[s + 1:s + 1 + CONTEXT] for s in starts])
        logits = forward(input_ids=inputs, use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def step(starts, rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss_of(starts, train).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()

    def evaluate():
        apart = (len(rest) - CONTEXT - 1) / (EVAL_WINDOWS - 1)
        starts = [int(i * apart) for i in range(EVAL_WINDOWS)]
        rows = BATCH  # a shape that was compiled
        with torch.no_grad():
            parts = [loss_of(starts[i:i + rows], rest).item() for i in range(0, EVAL_WINDOWS - rows + 1, rows)]
        return statistics.mean(parts)

    if way == "compiled":  # what it takes to compile is no step's
        step(list(range(BATCH)), 0.0)
        evaluate()
    seconds, evaluations = 0.0, []
    for i in range(STEPS):
        if i < WARMUP:
            rate = RATE * (i + 1) / (WARMUP + 1)
        else:
            share = (i - WARMUP) / (STEPS - WARMUP)
            rate = MIN_RATE + 0.5 * (1 + math.cos(math.pi * share)) * (RATE - MIN_RATE)
        begun = time.perf_counter()
        step(torch.randint(len(train) - CONTEXT, (BATCH,)).tolist(), rate)
        seconds += time.perf_counter() - begun
        if (i + 1) % EVAL_EVERY == 0:
            evaluations.append((i + 1, evaluate(), seconds))
    return evaluations


def lathe_run(lathe, shard, folder, threads, seed):
    run = folder / f"run-{time.monotonic_ns()}"
    subprocess.run([lathe, "train", "--model", "nanogpt-baby", "--data", shard, "-o", run, "--steps", str(STEPS), "--batch",
                    str(BATCH), "--context", str(CONTEXT), "--lr", str(RATE), "--min-lr", str(MIN_RATE / RATE), "--warmup",
                    str(WARMUP), "--beta2", str(BETAS[1]), "--weight-decay", str(DECAY), "--clip", str(CLIP), "--eval-every",
                    str(EVAL_EVERY), "--eval-windows", str(EVAL_WINDOWS), "--save-every", str(STEPS), "--threads",
                    str(threads), "--seed", str(seed), "--no-ceiling", "--quiet"], check=True)
    seconds, evaluations = 0.0, []
    for line in (run / "log.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "step":
            seconds += event["tokens"] / event["tokens_per_second"]
        elif event["event"] == "evaluation":
            evaluations.append((event["step"], event["loss"], seconds))
    return evaluations


def reached(evaluations):
    return next((e for e in evaluations if e[1] <= TARGET), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=pathlib.Path, help="tinyshakespeare")
    parser.add_argument("--lathe", default="build/lathe", help="the binary")
    parser.add_argument("--ways", nargs="*", choices=["eager", "compiled"], default=["eager", "compiled"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, help="write the report there")
    options = parser.parse_args()
    text = options.text.read_text()
    report = {"threads": options.threads, "target": TARGET, "date": time.strftime("%Y-%m-%d %H:%M"),
              "load_before": os.getloadavg(), "turns": []}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shard = folder / "text.shard"
        subprocess.run([options.lathe, "data", "build", options.text, "-o", shard, "--tokenizer", "chars", "--quiet"],
                       check=True)
        for turn in range(options.rounds):
            for way in options.ways:
                theirs = torch_run(text, way, options.threads, 1 + turn)
                ours = lathe_run(options.lathe, shard, folder, options.threads, 1 + turn)
                report["turns"].append({"way": way, "torch": theirs, "lathe": ours})
    report["load_after"] = os.getloadavg()
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    print("| torch | turn | its steps and seconds to 1.88 | lathe's | lathe is faster by | a step | last losses |\n"
          "|---|---|---|---|---|---|---|")
    for i, turn in enumerate(report["turns"]):
        theirs, ours = reached(turn["torch"]), reached(turn["lathe"])
        cell = [f"{e[0]}, {e[2]:.1f} s" if e else "not reached" for e in (theirs, ours)]
        ratio = f"{theirs[2] / ours[2]:.2f}" if theirs and ours else "-"
        last = [turn[name][-1] for name in ("torch", "lathe")]
        print(f"| {turn['way']} | {i // len(options.ways) + 1} | {cell[0]} | {cell[1]} | {ratio} | "
              f"{last[0][2] / last[1][2]:.2f} | {last[0][1]:.3f}, {last[1][1]:.3f} |")


if __name__ == "__main__":
    main()
