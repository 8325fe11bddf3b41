#!/usr/bin/env python3
"""Compares training steps with torch: gradients of whole models with autograd, and the losses of AdamW's first 50 steps.

  train_peer.py LATHE_BINARY [--models llama,llama_untied,qwen2,qwen3,gpt2] [--steps 50] [--threads 2]

Each model is transformers' own class with random weights, which `lathe bench train --interactive` gets too. Bars: the
difference of every tensor's gradient from autograd's in float64 within 1e-4 of its norm, and each of the losses of the
steps within 1e-3 of torch's in float32, with clipping, decay of matrices alone and the same batches.

Needs torch and transformers. Nothing of it runs in CI.
"""
import argparse
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers

BAR_GRADIENT, BAR_LOSS = 1e-4, 1e-3
WINDOWS, LENGTH = 3, 48
RATE, BETAS, EPS, DECAY, CLIP = 2e-3, (0.9, 0.95), 1e-8, 0.1, 1.0
COMMON = {"attn_implementation": "eager"}


def llama(tied=True):
    config = transformers.LlamaConfig(
        vocab_size=331, hidden_size=96, intermediate_size=200, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=3, head_dim=16, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **COMMON)
    return config, {"family": "llama", "eps": 1e-5, "rope_base": 10000, "tied": tied}


def qwen3():
    config = transformers.Qwen3Config(
        vocab_size=331, hidden_size=96, intermediate_size=200, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=3, head_dim=32, max_position_embeddings=64, rms_norm_eps=1e-6, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, **COMMON)
    return config, {"family": "qwen3", "eps": 1e-6, "rope_base": 1000000}


def qwen2():
    config = transformers.Qwen2Config(
        vocab_size=331, hidden_size=96, intermediate_size=200, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=3, max_position_embeddings=64, rms_norm_eps=1e-6, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, **COMMON)
    return config, {"family": "qwen2", "eps": 1e-6, "rope_base": 1000000}


def gpt2():
    config = transformers.GPT2Config(
        vocab_size=331, n_embd=96, n_layer=3, n_head=6, n_inner=200, n_positions=64, activation_function="gelu_new",
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **COMMON)
    return config, {"family": "gpt2", "eps": 1e-5}


MAKERS = {"llama": llama, "llama_untied": lambda: llama(False), "qwen2": qwen2,
          "qwen3": qwen3, "gpt2": gpt2}


def description(config, rest):
    kv_heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
    head_dim = getattr(config, "head_dim", config.hidden_size // config.num_attention_heads)
    intermediate = config.n_inner if rest["family"] == "gpt2" else config.intermediate_size
    return rest | {"vocabulary": config.vocab_size, "width": config.hidden_size, "layers": config.num_hidden_layers,
                   "heads": config.num_attention_heads, "kv_heads": kv_heads, "head_dim": head_dim,
                   "intermediate": intermediate, "context": config.max_position_embeddings}


class Lathe:
    def __init__(self, binary, model, threads, windows, length, more=()):
        self.process = subprocess.Popen(
            [binary, "bench", "train", "-m", str(model), "--windows", str(windows), "--length", str(length), "--threads",
             str(threads), "--interactive", *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"lathe ended with {self.process.wait()}; its message stands above")
        answer = json.loads(line)
        if "error" in answer:
            sys.exit("lathe: " + answer["error"])
        return answer

    def backward(self, inputs, targets):
        return self.ask(ask="backward", inputs=inputs.flatten().tolist(), targets=targets.flatten().tolist(),
                        windows=inputs.shape[0], length=inputs.shape[1])

    def update(self, step):
        return self.ask(ask="update", step=step, rate=RATE, beta1=BETAS[0], beta2=BETAS[1], eps=EPS, decay=DECAY,
                        clip=CLIP)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def flat(model, of, tensors):
    """All tensors in lathe's order; of(parameter) is its value or its gradient."""
    own = dict(model.named_parameters())
    parts = []
    for tensor in tensors:
        value = of(own[tensor["name"]]).detach()
        if list(value.shape) != tensor["shape"]:
            sys.exit(f"{tensor['name']} has the shape {tensor['shape']} in lathe and {list(value.shape)} in torch")
        parts.append(value.flatten())
    return torch.cat(parts)


def batches(vocabulary, count):
    """Text of a small grammar, so that there is something to learn: the next token depends on the last two."""
    generator = torch.Generator().manual_seed(11)
    table = torch.randint(vocabulary, (vocabulary,), generator=generator)
    for _ in range(count):
        ids = torch.randint(vocabulary, (WINDOWS, LENGTH + 1), generator=generator)
        for i in range(2, LENGTH + 1):
            known = torch.rand(WINDOWS, generator=generator) < 0.7
            ids[:, i] = torch.where(known, table[(ids[:, i - 1] + ids[:, i - 2]) % vocabulary], ids[:, i])
        yield ids[:, :-1], ids[:, 1:]


def adamw(model, **options):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}],
                             lr=RATE, betas=BETAS, eps=EPS, **options)


def loss_of(model, inputs, targets):
    logits = model(input_ids=inputs, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def check_gradients(name, lathe, model, tensors, folder):
    inputs, targets = next(batches(model.config.vocab_size, 1))
    found_loss = lathe.backward(inputs, targets)["loss"]
    path = folder / "gradients"
    lathe.ask(ask="save", what="gradients", file=str(path))
    found = torch.from_numpy(numpy.fromfile(path, dtype=numpy.float32)).double()
    reference = copy.deepcopy(model).double()
    reference.tie_weights()
    loss = loss_of(reference, inputs, targets)
    loss.backward()
    expected = flat(reference, lambda p: p.grad, tensors)
    worst, which = 0.0, ""
    for tensor in tensors:
        part = slice(tensor["offset"], tensor["offset"] + int(numpy.prod(tensor["shape"])))
        error = ((found[part] - expected[part]).norm() / expected[part].norm()).item()
        if not error <= worst:
            worst, which = error, tensor["name"]
    good = worst <= BAR_GRADIENT
    print(f"{name}: gradients of {len(tensors)} tensors, largest relative difference {worst:.2e} ({which}), loss"
          f" {found_loss:.7f} and {loss.item():.7f} {'ok' if good else 'FAILED'}", flush=True)
    return good


def check_steps(name, lathe, model, steps):
    optimizer = adamw(model)
    worst, first, last = 0.0, None, None
    for step, (inputs, targets) in enumerate(batches(model.config.vocab_size, steps), 1):
        optimizer.zero_grad()
        loss = loss_of(model, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        found = lathe.backward(inputs, targets)["loss"]
        lathe.update(step)
        worst = max(worst, abs(found - loss.item()))
        first, last = first if first is not None else found, found
    good = worst <= BAR_LOSS and last < first
    print(f"{name}: {steps} steps, loss {first:.4f} to {last:.4f}, largest difference {worst:.2e}"
          f" {'ok' if good else 'FAILED'}", flush=True)
    return good


def check(binary, name, steps, threads, folder):
    torch.manual_seed(7)
    config, rest = MAKERS[name]()
    model = transformers.AutoModelForCausalLM.from_config(config).float()
    model.train()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.dim() > 1:
                torch.nn.init.normal_(p, std=0.08)
            else:
                torch.nn.init.normal_(p, mean=0.0 if key.endswith("bias") else 1.0, std=0.1)
    model.tie_weights()
    path = folder / f"{name}.json"
    path.write_text(json.dumps(description(config, rest)))
    lathe = Lathe(binary, path, threads, WINDOWS, LENGTH)
    tensors = lathe.ask(ask="model")["tensors"]
    weights = folder / "weights"
    flat(model, lambda p: p, tensors).numpy().astype(numpy.float32).tofile(weights)
    lathe.ask(ask="load", file=str(weights))
    good = check_gradients(name, lathe, model, tensors, folder)
    good &= check_steps(name, lathe, model, steps)
    lathe.close()
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--models", default=",".join(MAKERS))
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        results = [check(arguments.binary, name, arguments.steps, arguments.threads, pathlib.Path(folder))
                   for name in arguments.models.split(",")]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
