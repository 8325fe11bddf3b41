#!/usr/bin/env python3
"""Compares learning from pairs with torch: gradients of a whole encoder with autograd, and the losses of AdamW's steps.

  contrastive_peer.py LATHE_BINARY [--steps 50] [--threads 2]

The model is transformers' BertModel with random weights, which `lathe bench train --interactive` gets too; the loss that
of sentence-transformers' MultipleNegativesRankingLoss over texts of many lengths, with and without negatives, and
with a text that stands in the batch twice. Bars: the difference of every tensor's gradient from autograd's in float64
within 1e-4 of its norm, and each of the losses of the steps within 1e-3 of torch's in float32.

Needs torch and transformers. Nothing of it runs in CI.
"""
import argparse
import copy
import json
import pathlib
import sys
import tempfile

import numpy
import torch
import transformers

from train_peer import BAR_GRADIENT, BAR_LOSS, CLIP, Lathe, adamw, flat

TEMPERATURE, PAIRS, LENGTH = 0.1, 6, 40
# Added to all scores of a query alike, so that it has no gradient but the rounding's.
WITHOUT_GRADIENT = "key.bias"


def encoder():
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=331, hidden_size=96, num_hidden_layers=3, num_attention_heads=6, intermediate_size=200,
        max_position_embeddings=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager")
    model = transformers.BertModel(config, add_pooling_layer=False).float()
    model.train()
    with torch.no_grad():
        for key, p in model.named_parameters():
            torch.nn.init.normal_(p, mean=0.0 if p.dim() > 1 or key.endswith("bias") else 1.0,
                                  std=0.08 if p.dim() > 1 else 0.1)
    return model


class Batch:
    """Texts of random tokens; a positive shares half of its anchor's, so that there is something to learn."""

    def __init__(self, generator, negatives):
        draw = lambda low, high, count: torch.randint(low, high, (count,), generator=generator)
        words = lambda count: draw(1, 331, count)  # without the padding, which torch does not learn
        anchors = [words(int(draw(2, LENGTH, 1))) for _ in range(PAIRS)]
        positives = [torch.cat([text[::2], words(int(draw(1, LENGTH // 2, 1)))]) for text in anchors]
        positives[4] = positives[1]  # no wrong answer for the other's anchor
        self.negatives = negatives
        self.texts = anchors + positives + ([words(int(draw(1, LENGTH, 1))) for _ in range(PAIRS)] if negatives else [])
        self.identity = list(range(len(self.texts)))
        self.identity[PAIRS + 4] = PAIRS + 1

    def request(self):
        lengths = [len(text) for text in self.texts]
        return dict(ids=torch.cat(self.texts).tolist(), offsets=[0] + numpy.cumsum(lengths).tolist(),
                    identity=self.identity, pairs=PAIRS, negatives=self.negatives, temperature=TEMPERATURE)

    def loss(self, model):
        width = max(len(text) for text in self.texts)
        ids = torch.stack([torch.nn.functional.pad(text, (0, width - len(text))) for text in self.texts])
        mask = torch.stack([torch.arange(width) < len(text) for text in self.texts])
        hidden = model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        unit = torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=1)
        scores = unit[:PAIRS] @ unit[PAIRS:].T / TEMPERATURE
        for i in range(PAIRS):
            for j in range(scores.shape[1]):
                if j != i and self.identity[PAIRS + j] == self.identity[PAIRS + i]:
                    scores = scores.masked_fill(torch.nn.functional.one_hot(
                        torch.tensor(i * scores.shape[1] + j), scores.numel()).bool().view_as(scores), -torch.inf)
        return torch.nn.functional.cross_entropy(scores, torch.arange(PAIRS))


def check_gradients(name, lathe, model, tensors, batch, folder):
    found_loss = lathe.ask(ask="backward", **batch.request())["loss"]
    path = folder / "gradients"
    lathe.ask(ask="save", what="gradients", file=str(path))
    found = torch.from_numpy(numpy.fromfile(path, dtype=numpy.float32)).double()
    reference = copy.deepcopy(model).double()
    loss = batch.loss(reference)
    loss.backward()
    expected = flat(reference, lambda p: p.grad, tensors)
    worst, which = 0.0, ""
    for tensor in tensors:
        part = slice(tensor["offset"], tensor["offset"] + int(numpy.prod(tensor["shape"])))
        of = 1.0 if tensor["name"].endswith(WITHOUT_GRADIENT) else expected[part].norm()
        error = float((found[part] - expected[part]).norm() / of)
        if not error <= worst:
            worst, which = error, tensor["name"]
    good = worst <= BAR_GRADIENT
    print(f"{name}: gradients of {len(tensors)} tensors, largest relative difference {worst:.2e} ({which}), loss"
          f" {found_loss:.7f} and {loss.item():.7f} {'ok' if good else 'FAILED'}", flush=True)
    return good


def check_steps(name, lathe, model, batches):
    optimizer = adamw(model)
    worst, losses = 0.0, []
    for step, batch in enumerate(batches, 1):
        optimizer.zero_grad()
        loss = batch.loss(model)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        losses.append(lathe.ask(ask="backward", **batch.request())["loss"])
        lathe.update(step)
        worst = max(worst, abs(losses[-1] - loss.item()))
    good = worst <= BAR_LOSS and min(losses[-5:]) < losses[0]
    print(f"{name}: {len(losses)} steps, loss {losses[0]:.4f} to {losses[-1]:.4f}, largest difference {worst:.2e}"
          f" {'ok' if good else 'FAILED'}", flush=True)
    return good


def check(binary, negatives, steps, threads, folder):
    name = "bert with negatives" if negatives else "bert"
    model = encoder()
    c = model.config
    path = folder / "encoder.json"
    path.write_text(json.dumps({"family": "bert", "width": c.hidden_size, "layers": c.num_hidden_layers,
                                "heads": c.num_attention_heads, "intermediate": c.intermediate_size,
                                "context": c.max_position_embeddings, "vocabulary": c.vocab_size}))
    lathe = Lathe(binary, path, threads, 3 * PAIRS, LENGTH,
                  ["--pairs", str(PAIRS)] + (["--negatives"] if negatives else []))
    tensors = lathe.ask(ask="model")["tensors"]
    weights = folder / "weights"
    flat(model, lambda p: p, tensors).numpy().astype(numpy.float32).tofile(weights)
    lathe.ask(ask="load", file=str(weights))
    generator = torch.Generator().manual_seed(11)
    good = check_gradients(name, lathe, model, tensors, Batch(generator, negatives), folder)
    few = [Batch(generator, negatives) for _ in range(5)]
    good &= check_steps(name, lathe, model, [few[i % 5] for i in range(steps)])
    lathe.close()
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        results = [check(arguments.binary, negatives, arguments.steps, arguments.threads, pathlib.Path(folder))
                   for negatives in (False, True)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
