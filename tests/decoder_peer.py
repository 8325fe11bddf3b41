#!/usr/bin/env python3
"""Compares `lathe generate` with transformers: the logits of decoders with random weights, of the shapes that people run.

  decoder_peer.py LATHE_BINARY [--models llama,qwen2,qwen3,smollm3,gemma3] [--layers 3] [--vocabulary 8192] [--folder DIR]
  decoder_peer.py LATHE_BINARY --fixtures DIR      models that are there, tiny_* in DIR

Each model is made with random weights, saved as safetensors and as GGUF (F32 and Q8_0, queries and keys of llama and
smollm3 turned into pairs side by side as llama.cpp's converter does), and run by both on the same tokens. Bars: cosine
0.99999 at every position and the same best token at 99 % of them, with weights, keys and values in f32.

Needs torch, transformers and, for GGUF, gguf. Nothing of it runs in CI.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench" / "peers"))
try:
    import gguf
    import gguf_decoder
except ImportError:
    gguf = None

BAR_COSINE, BAR_TOP = 0.99999, 0.99
COMMON = {"attn_implementation": "eager"}


def llama(layers, vocabulary):  # Llama-3.2-1B
    return transformers.LlamaConfig(
        vocab_size=vocabulary, hidden_size=2048, intermediate_size=8192, num_hidden_layers=layers,
        num_attention_heads=32, num_key_value_heads=8, head_dim=64, max_position_embeddings=131072, rms_norm_eps=1e-5,
        tie_word_embeddings=True, rope_parameters={
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, **COMMON)


def qwen2(layers, vocabulary):  # Qwen2.5-0.5B
    return transformers.Qwen2Config(
        vocab_size=vocabulary, hidden_size=896, intermediate_size=4864, num_hidden_layers=layers,
        num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=32768, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, **COMMON)


def qwen2_yarn(layers, vocabulary):  # the same, stretched
    config = qwen2(layers, vocabulary)
    config.rope_parameters = {"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 4.0,
                              "original_max_position_embeddings": 64}
    config.max_position_embeddings = 256 * 4
    return config


def qwen3(layers, vocabulary):  # Qwen3-0.6B
    return transformers.Qwen3Config(
        vocab_size=vocabulary, hidden_size=1024, intermediate_size=3072, num_hidden_layers=layers,
        num_attention_heads=16, num_key_value_heads=8, head_dim=128, max_position_embeddings=40960,
        tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, **COMMON)


def smollm3(layers, vocabulary):  # SmolLM3-3B; the fourth layer has no positions
    return transformers.SmolLM3Config(
        vocab_size=vocabulary, hidden_size=2048, intermediate_size=11008, num_hidden_layers=max(layers, 4),
        num_attention_heads=16, num_key_value_heads=4, max_position_embeddings=65536, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, rope_parameters={"rope_type": "default", "rope_theta": 5000000.0}, **COMMON)


def gemma3(layers, vocabulary):  # Gemma 3 1B; the sixth layer sees all
    return transformers.Gemma3TextConfig(
        vocab_size=vocabulary, hidden_size=1152, intermediate_size=6912, num_hidden_layers=max(layers, 6),
        num_attention_heads=4, num_key_value_heads=1, head_dim=256, max_position_embeddings=32768, sliding_window=512,
        query_pre_attn_scalar=256, **COMMON)


MAKERS = {"llama": llama, "qwen2": qwen2, "qwen2_yarn": qwen2_yarn, "qwen3": qwen3, "smollm3": smollm3,
          "gemma3": gemma3}
LENGTHS = {"gemma3": 700}  # beyond the window


def randomize(model):
    """Matrices that keep the size of what passes through, and norms and biases that are not what they start as."""
    for name, p in model.named_parameters():
        if "embed" in name or "lm_head" in name:
            torch.nn.init.normal_(p, std=0.05)
        elif p.dim() == 2:
            torch.nn.init.normal_(p, std=p.shape[1] ** -0.5)
        elif name.endswith("bias"):
            torch.nn.init.normal_(p, std=0.1)
        else:
            torch.nn.init.normal_(p, mean=p.mean().round().item(), std=0.2)


@torch.no_grad()
def logits_of_transformers(model, ids):
    return model(input_ids=torch.tensor([ids])).logits[0].double()


def logits_of_lathe(binary, path, ids, vocabulary, *options):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "logits")
        run = subprocess.run([binary, "generate", "-m", str(path), "--prompt-ids", ",".join(map(str, ids)), "-n", "0",
                              "--ids", "--logits", out, "--cache", "off", *options], capture_output=True, text=True,
                             check=False)
        if run.returncode != 0:
            sys.exit(f"lathe generate -m {path}: {run.stderr}")
        return torch.from_numpy(numpy.fromfile(out, dtype=numpy.float32).reshape(-1, vocabulary)).double()


def compare(what, found, expected, cosine_bar=BAR_COSINE, top_bar=BAR_TOP):
    cosine = torch.nn.functional.cosine_similarity(found, expected).min().item()
    top = (found.argmax(1) == expected.argmax(1)).double().mean().item()
    good = found.shape == expected.shape and cosine >= cosine_bar and top >= top_bar
    print(f"{what}: {len(found)} positions, least cosine {cosine:.9f}, same best token at {100 * top:.1f} %"
          f" {'ok' if good else 'FAILED'}", flush=True)
    return good


def write_gguf(path, model, quantised):
    """As llama.cpp's converter writes it. Returns the values that the file holds, by the model's own names."""
    out = gguf_decoder.writer(path, model.config)
    held = {}
    for label, value, key, own in gguf_decoder.tensors(model):
        stored = numpy.ascontiguousarray(value.numpy())
        if quantised and stored.ndim == 2:
            q8 = gguf.GGMLQuantizationType.Q8_0
            blocks = gguf.quants.quantize(stored, q8)
            out.add_tensor(label, blocks, raw_dtype=q8)
            stored = gguf.quants.dequantize(blocks, q8)
        else:
            out.add_tensor(label, stored)
        if key is not None:
            held[key] = own(torch.from_numpy(stored))
    gguf_decoder.finish(out)
    if model.config.tie_word_embeddings:
        held["lm_head.weight"] = held["model.embed_tokens.weight"]
    return held


def check_gguf(binary, name, model, ids, folder):
    good = True
    vocabulary = model.config.vocab_size
    for quantised in (False, True):
        path = folder / ("q8_0.gguf" if quantised else "f32.gguf")
        model.load_state_dict(write_gguf(path, model, quantised))
        expected = logits_of_transformers(model, ids)
        label = f"{name} gguf {'Q8_0' if quantised else 'F32'}"
        found = logits_of_lathe(binary, path, ids, vocabulary, "--dtype", "f32", "--kv", "f32")
        good &= compare(label + " as f32", found, expected)
        if quantised:  # of which only the activations are rounded, to 16 bits
            found = logits_of_lathe(binary, path, ids, vocabulary, "--kv", "f32")
            good &= compare(label + " as q8_0", found, expected, 0.9999, 0.97)
        path.unlink()
    return good


def check(binary, name, layers, vocabulary, folder):
    torch.manual_seed(7)
    rng = random.Random(7)
    model = transformers.AutoModelForCausalLM.from_config(MAKERS[name](layers, vocabulary)).float().eval()
    randomize(model)
    model.tie_weights()
    ids = [rng.randrange(vocabulary) for _ in range(LENGTHS.get(name, 150))]
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    expected = logits_of_transformers(model, ids)
    good = True
    for kv, cosine, top in (("f32", BAR_COSINE, BAR_TOP), ("f16", 0.9999, 0.97)):
        found = logits_of_lathe(binary, folder, ids, vocabulary, "--dtype", "f32", "--kv", kv)
        good &= compare(f"{name} safetensors f32, keys and values {kv}", found, expected, cosine, top)
    return good & check_gguf(binary, name, model, ids, folder) if gguf else good


def check_fixture(binary, folder):
    config = transformers.AutoConfig.from_pretrained(folder, attn_implementation="eager")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, config=config, dtype=torch.float32).eval()
    rng = random.Random(7)
    ids = [rng.randrange(config.vocab_size) for _ in range(200)]
    found = logits_of_lathe(binary, folder, ids, config.vocab_size, "--dtype", "f32", "--kv", "f32")
    return compare(folder.name, found, logits_of_transformers(model, ids))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--models", default=",".join(MAKERS))
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--fixtures", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.fixtures:
        results = [check_fixture(arguments.binary, folder) for folder in sorted(arguments.fixtures.glob("tiny_*"))
                   if "bert" not in folder.name]
        sys.exit(0 if results and all(results) else 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        results = [check(arguments.binary, name, arguments.layers, arguments.vocabulary, folder / name)
                   for name in arguments.models.split(",")]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
