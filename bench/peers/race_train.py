#!/usr/bin/env python3
"""lathe beside torch: training steps of one model, in one run, in turns.

A turn is one whole step on the same batch: forward, backward, clipping, AdamW. torch is transformers' class of the model
with scaled_dot_product_attention and the fused AdamW, as it is (eager) and compiled, each in a process of its own, which
is where its memory is read. In every round each of them is followed by lathe; the ratio is taken in such pairs, and its
median and quartiles over the rounds are reported.

With --precision bf16 lathe's operands and what it keeps are bf16, and torch runs in torch.autocast with bfloat16.

Before anything is timed lathe gets torch's weights, and the losses of the first batch are compared.
"""
import argparse
import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))

# width, layers, heads, intermediate, context
SHAPES = {"stories15m": (288, 6, 6, 768, 256), "stories42m": (512, 8, 8, 1376, 1024),
          "stories110m": (768, 12, 12, 2048, 1024)}
VOCABULARY = 32000
BAR_LOSS = {"f32": 1e-3, "bf16": 2e-2}


def make_model(name):
    import torch
    import transformers
    width, layers, heads, intermediate, context = SHAPES[name]
    torch.manual_seed(7)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, max_position_embeddings=context, rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, attn_implementation="sdpa"))


def batch(options, seed):
    import torch
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(VOCABULARY, (options.windows, options.length + 1), generator=generator)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def torch_process(options):
    """Requests on standard input: {"ask": "step", "seed": 3}; {"ask": "memory"}."""
    import torch
    import train_peer
    torch.set_num_threads(options.threads)
    model = make_model(options.model).train()
    optimizer = train_peer.adamw(model, fused=True)
    forward = torch.compile(model) if options.process == "compiled" else model

    def step(inputs, targets):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            loss = train_peer.loss_of(forward, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), train_peer.CLIP)
        optimizer.step()
        return loss.item()

    for line in sys.stdin:
        request = json.loads(line)
        if request["ask"] == "memory":
            answer = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "version": torch.__version__}
        else:
            inputs, targets = batch(options, request["seed"])
            begun, cpu = time.perf_counter_ns(), time.process_time_ns()
            loss = step(inputs, targets)
            answer = {"loss": loss, "wall_ns": time.perf_counter_ns() - begun, "cpu_ns": time.process_time_ns() - cpu}
        print(json.dumps(answer), flush=True)


class Torch:
    def __init__(self, way, options):
        self.process = subprocess.Popen(
            [sys.executable, __file__, options.model, "--process", way, "--windows", str(options.windows), "--length",
             str(options.length), "--threads", str(options.threads), "--precision", options.precision], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"torch ended with {self.process.wait()}")
        return json.loads(line)

    def turn(self, seed):
        return self.ask(ask="step", seed=seed)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class LatheTurns:
    def __init__(self, options, folder):
        import numpy
        import train_peer
        self.options, self.steps = options, 0
        self.lathe = train_peer.Lathe(options.lathe, options.model, options.threads, options.windows, options.length,
                                      ["--precision", options.precision])
        model = make_model(options.model)
        tensors = self.lathe.ask(ask="model")["tensors"]
        weights = folder / "weights"
        train_peer.flat(model, lambda p: p, tensors).numpy().astype(numpy.float32).tofile(weights)
        self.lathe.ask(ask="load", file=str(weights))

    def turn(self, seed):
        inputs, targets = batch(self.options, seed)
        self.steps += 1
        back, update = self.lathe.backward(inputs, targets), self.lathe.update(self.steps)
        return {"loss": back["loss"], "wall_ns": back["wall_ns"] + update["wall_ns"],
                "cpu_ns": back["cpu_ns"] + update["cpu_ns"]}

    def memory(self):
        for line in pathlib.Path(f"/proc/{self.lathe.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        return 0


def race(options, ways, lathe, rng):
    pairs = {way: [] for way in ways}
    for turn in range(options.rounds):
        order = list(ways)
        rng.shuffle(order)
        for way in order:
            seed = 100 + turn
            time.sleep(options.rest)  # threads that spin after a call would take a core from the next
            theirs = ways[way].turn(seed)["wall_ns"]
            time.sleep(options.rest)
            pairs[way].append((theirs, lathe.turn(seed)["wall_ns"]))
    return pairs


def row_of(options, way, pairs, loss, peak, lathe_peak):
    tokens = options.windows * options.length
    ratios = sorted(theirs / ours for theirs, ours in pairs)
    theirs, ours = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    return {"way": way, "torch_tokens_per_s": tokens / theirs * 1e9, "lathe_tokens_per_s": tokens / ours * 1e9,
            "ratio": statistics.median(ratios), "ratio_low": ratios[len(ratios) // 4],
            "ratio_high": ratios[len(ratios) * 3 // 4], "rounds": len(ratios), "pairs_ns": pairs,
            "loss_difference": loss, "torch_peak_mib": peak / 2**20, "lathe_peak_mib": lathe_peak / 2**20}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(SHAPES))
    parser.add_argument("--lathe", default="build/lathe", help="the binary")
    parser.add_argument("--ways", nargs="*", choices=["eager", "compiled"], default=["eager", "compiled"])
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rest", type=float, default=0.1, help="seconds between turns")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path, help="write the report there")
    parser.add_argument("--process", choices=["eager", "compiled"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        return torch_process(options)

    report = {"model": options.model, "windows": options.windows, "length": options.length, "threads": options.threads,
              "precision": options.precision, "date": time.strftime("%Y-%m-%d %H:%M"), "load_before": os.getloadavg(), "rows": [], "notes": []}
    with tempfile.TemporaryDirectory() as folder:
        lathe = LatheTurns(options, pathlib.Path(folder))
    first, ways, losses = lathe.turn(1)["loss"], {}, {}
    for way in options.ways:
        peer = Torch(way, options)
        try:
            losses[way] = abs(peer.turn(1)["loss"] - first)
        except RuntimeError as error:
            report["notes"].append(f"{way}: {error}")
            continue
        if losses[way] > BAR_LOSS[options.precision]:
            report["notes"].append(f"{way}: incorrect, the first loss is {losses[way]:.2e} from lathe's")
            continue
        ways[way] = peer
        peer.turn(2)  # of a compiled model, what the first left
    pairs = race(options, ways, lathe, random.Random(options.seed))
    for way, peer in ways.items():
        memory = peer.ask(ask="memory")
        report["torch"] = memory["version"]
        report["rows"].append(row_of(options, way, pairs[way], losses[way], memory["peak"], lathe.memory()))
        peer.close()
    lathe.lathe.close()
    report["load_after"] = os.getloadavg()
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    print(f"{options.model}, {options.windows} windows of {options.length} tokens, {options.threads} threads, "
          f"{options.precision}, {report['date']}, load {report['load_before'][0]:.1f} to {report['load_after'][0]:.1f}, torch "
          f"{report.get('torch', 'none')}\n")
    print("| torch | its tokens/s | lathe tokens/s | lathe is faster by (quartiles) | its peak MiB | lathe's | first loss "
          "differs by |\n|---|---|---|---|---|---|---|")
    for r in report["rows"]:
        print(f"| {r['way']} | {r['torch_tokens_per_s']:.0f} | {r['lathe_tokens_per_s']:.0f} | {r['ratio']:.2f} "
              f"({r['ratio_low']:.2f} to {r['ratio_high']:.2f}) | {r['torch_peak_mib']:.0f} | {r['lathe_peak_mib']:.0f} | "
              f"{r['loss_difference']:.1e} |")
    for note in report["notes"]:
        print(f"\n{note}")
    return None


if __name__ == "__main__":
    main()
