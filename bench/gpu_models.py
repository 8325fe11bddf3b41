#!/usr/bin/env python3
"""Models in true shapes with random weights, f16, for bench/gpu_report.sh: nothing but Python's own library.

  gpu_models.py NAME FOLDER [--layers N] [--vocabulary N]

NAME is qwen2.5-0.5b, stories15m or minilm. FOLDER becomes what Hugging Face would write. Weights repeat a block of a
million normal numbers, since time does not depend on values. minilm's vocabulary has none of the benchmark's words, each
of which is then one token.
"""
import argparse
import json
import pathlib
import random
import struct

BLOCK = 1 << 20
DEVIATION = 0.02


class Writer:
    """Tensors of one safetensors file, f16, from a block that goes round."""

    def __init__(self):
        numbers = random.Random(1)
        values = [numbers.gauss(0, DEVIATION) for _ in range(BLOCK)]
        self.block = struct.pack(f"<{BLOCK}e", *values)
        self.shapes = {}

    def matrix(self, name, rows, columns):
        self.shapes[name] = [rows, columns]

    def vector(self, name, count):
        self.shapes[name] = [count]

    def write(self, path):
        header, at, counts = {}, 0, []
        for name, shape in self.shapes.items():
            count = shape[0] * (shape[1] if len(shape) > 1 else 1)
            header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + 2 * count]}
            at += 2 * count
            counts.append((count, len(shape)))
        text = json.dumps(header).encode()
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for count, rank in counts:
                if rank == 1:
                    file.write(struct.pack("<e", 1.0) * count)
                    continue
                while count > 0:
                    some = min(count, BLOCK)
                    file.write(self.block[:2 * some])
                    count -= some


def decoder(folder, config, layers, vocabulary, width, intermediate, keys, bias):
    w = Writer()
    w.matrix("model.embed_tokens.weight", vocabulary, width)
    w.vector("model.norm.weight", width)
    for i in range(layers):
        at = f"model.layers.{i}."
        w.vector(at + "input_layernorm.weight", width)
        w.vector(at + "post_attention_layernorm.weight", width)
        for name, n, k in (("q", width, width), ("k", keys, width), ("v", keys, width), ("o", width, width)):
            w.matrix(f"{at}self_attn.{name}_proj.weight", n, k)
            if bias and name != "o":
                w.vector(f"{at}self_attn.{name}_proj.bias", n)
        w.matrix(at + "mlp.gate_proj.weight", intermediate, width)
        w.matrix(at + "mlp.up_proj.weight", intermediate, width)
        w.matrix(at + "mlp.down_proj.weight", width, intermediate)
    w.write(folder / "model.safetensors")
    config.update(num_hidden_layers=layers, vocab_size=vocabulary, hidden_size=width, intermediate_size=intermediate,
                  tie_word_embeddings=True, hidden_act="silu")
    (folder / "config.json").write_text(json.dumps(config))


def qwen(folder, layers, vocabulary):
    decoder(folder, {"model_type": "qwen2", "num_attention_heads": 14, "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
                     "rope_theta": 1e6, "max_position_embeddings": 32768}, layers or 24, vocabulary or 151936, 896, 4864,
            128, True)


def stories(folder, layers, vocabulary):
    decoder(folder, {"model_type": "llama", "num_attention_heads": 6, "num_key_value_heads": 6, "rms_norm_eps": 1e-5,
                     "rope_theta": 1e4, "max_position_embeddings": 256}, layers or 6, vocabulary or 32000, 288, 768, 288,
            False)


def minilm(folder, layers, vocabulary):
    layers, vocabulary, width, intermediate = layers or 6, vocabulary or 30522, 384, 1536
    w = Writer()

    def norm(name):
        w.vector(name + ".weight", width)
        w.vector(name + ".bias", width)

    def linear(name, n, k):
        w.matrix(name + ".weight", n, k)
        w.vector(name + ".bias", n)

    w.matrix("embeddings.word_embeddings.weight", vocabulary, width)
    w.matrix("embeddings.position_embeddings.weight", 512, width)
    w.matrix("embeddings.token_type_embeddings.weight", 2, width)
    norm("embeddings.LayerNorm")
    for i in range(layers):
        at = f"encoder.layer.{i}."
        for name in ("query", "key", "value"):
            linear(f"{at}attention.self.{name}", width, width)
        linear(at + "attention.output.dense", width, width)
        norm(at + "attention.output.LayerNorm")
        linear(at + "intermediate.dense", intermediate, width)
        linear(at + "output.dense", width, intermediate)
        norm(at + "output.LayerNorm")
    w.write(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "bert", "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": 12,
         "intermediate_size": intermediate, "vocab_size": vocabulary, "max_position_embeddings": 512,
         "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}))
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"[unused{i}]" for i in range(vocabulary - 5)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")


MODELS = {"qwen2.5-0.5b": qwen, "stories15m": stories, "minilm": minilm}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--layers", type=int, help="fewer than it has")
    parser.add_argument("--vocabulary", type=int, help="smaller than it is")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    MODELS[options.name](options.folder, options.layers, options.vocabulary)


if __name__ == "__main__":
    main()
