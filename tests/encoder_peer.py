#!/usr/bin/env python3
"""Compares `lathe embed` with transformers in f32, on encoders of true shape with random weights, from safetensors and
from GGUF files. Needs the Python packages torch, transformers, tokenizers, safetensors and gguf.

    tests/encoder_peer.py LATHE_BINARY [--models gemma,bert,xlmr] [--layers N] [--folder KEEP_FILES_HERE]
"""
import argparse
import json
import pathlib
import random
import string
import subprocess
import sys
import tempfile

import gguf
import numpy
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import models, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [a + b + c for a in string.ascii_lowercase for b in string.ascii_lowercase for c in "aeiou"]
VOCABULARY = len(SPECIAL) + len(WORDS)
LENGTHS = [1, 9, 9, 30, 49, 120, 260, 400]  # words; EmbeddingGemma's window ends 256 tokens away
BAR_COSINE, BAR_DIFFERENCE = 0.999999, 1e-5


def write_tokenizer(folder):
    vocab = {piece: i for i, piece in enumerate(SPECIAL + WORDS)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))


def ids_of(text):
    index = {piece: i for i, piece in enumerate(SPECIAL + WORDS)}
    return [2] + [index[word] for word in text.split()] + [3]


def write_modules(folder, pooling, width, dense):
    """dense: (in, out, activation, weight, bias or None) each."""
    names = [("Transformer", ""), ("Pooling", "1_Pooling")] + [("Dense", f"{i + 2}_Dense") for i in range(len(dense))]
    names.append(("Normalize", f"{len(names)}_Normalize"))
    listed = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
              for i, (name, path) in enumerate(names)]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling/config.json").write_text(json.dumps(
        {"word_embedding_dimension": width, "pooling_mode_cls_token": pooling == "cls",
         "pooling_mode_mean_tokens": pooling == "mean"}))
    for i, (inner, outer, activation, weight, bias) in enumerate(dense):
        at = folder / f"{i + 2}_Dense"
        at.mkdir(exist_ok=True)
        (at / "config.json").write_text(json.dumps(
            {"in_features": inner, "out_features": outer, "bias": bias is not None,
             "activation_function": f"torch.nn.modules.activation.{activation}"}))
        tensors = {"linear.weight": weight} | ({} if bias is None else {"linear.bias": bias})
        save_file(tensors, at / "model.safetensors")


def randomize(model):
    """Weights that keep the size of what passes through, and norms and biases that are not what they start as."""
    for name, p in model.named_parameters():
        if p.dim() == 2:
            # Gemma's words are multiplied by 27, and must not drown what its layers add.
            torch.nn.init.normal_(p, std=(0.05 if "embed_tokens" in name else 1.0) if "embed" in name else p.shape[1] ** -0.5)
        elif "norm" in name.lower() and name.endswith("weight"):
            torch.nn.init.normal_(p, mean=p.mean().round().item(), std=0.2)
        else:
            torch.nn.init.normal_(p, std=0.1)


def random_dense(layers):
    return [(i, o, act, torch.randn(o, i) * i ** -0.5, torch.randn(o) * 0.1 if bias else None) for i, o, act, bias in layers]


def make_gemma(layers):
    config = transformers.Gemma3TextConfig(
        vocab_size=VOCABULARY, hidden_size=768, intermediate_size=1152, num_hidden_layers=layers or 24,
        num_attention_heads=3, num_key_value_heads=1, head_dim=256, max_position_embeddings=2048, sliding_window=512,
        query_pre_attn_scalar=256, use_bidirectional_attention=True, rope_theta=1000000.0, rope_local_base_freq=10000.0,
        attn_implementation="eager")
    dense = random_dense([(768, 3072, "Identity", False), (3072, 768, "Identity", False)])
    return transformers.Gemma3TextModel(config), "mean", dense, LENGTHS + [700]


def make_bert(layers):
    config = transformers.BertConfig(vocab_size=VOCABULARY, num_hidden_layers=layers or 12, attn_implementation="eager")
    dense = random_dense([(768, 512, "Tanh", True)])
    return transformers.BertModel(config, add_pooling_layer=False), "mean", dense, LENGTHS


def make_xlmr(layers):
    config = transformers.XLMRobertaConfig(
        vocab_size=VOCABULARY, hidden_size=1024, num_hidden_layers=layers or 24, num_attention_heads=16,
        intermediate_size=4096, max_position_embeddings=1026, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5,
        attn_implementation="eager")
    return transformers.XLMRobertaModel(config, add_pooling_layer=False), "cls", [], LENGTHS


MAKERS = {"gemma": make_gemma, "bert": make_bert, "xlmr": make_xlmr}


@torch.no_grad()
def vectors_of_transformers(model, pooling, dense, texts):
    vectors = []
    for text in texts:
        hidden = model(input_ids=torch.tensor([ids_of(text)])).last_hidden_state[0]
        v = hidden[0] if pooling == "cls" else hidden.mean(0)
        for _, _, activation, weight, bias in dense:
            v = torch.nn.functional.linear(v, weight, bias)
            v = torch.tanh(v) if activation == "Tanh" else v
        vectors.append((v / v.norm()).double())
    return torch.stack(vectors)


def vectors_of_lathe(binary, path, texts, *options):
    lines = "".join(text + "\n" for text in texts)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(lines)
        file.flush()
        run = subprocess.run([binary, "embed", "-m", str(path), "--file", file.name, *options], capture_output=True,
                             text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"lathe embed -m {path}: {run.stderr}")
    return torch.tensor([json.loads(line)["embedding"] for line in run.stdout.splitlines()], dtype=torch.float64)


GEMMA_NAMES = {
    "embed_tokens": "token_embd", "norm": "output_norm", "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "post_feedforward_layernorm": "post_ffw_norm"}
BERT_NAMES = {
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}


def gguf_name(name, names):
    module, kind = name.rsplit(".", 1)
    parts = module.split(".")
    for i, part in enumerate(parts):
        if part.isdigit():
            return f"blk.{part}.{names['.'.join(parts[i + 1:])]}.{kind}"
    return f"{names[module]}.{kind}"


def write_gguf(path, name, model, pooling, dense, quantised):
    """As llama.cpp's converter writes it. Returns the values that the file holds, by the model's own names."""
    gemma = name == "gemma"
    config = model.config
    out = gguf.GGUFWriter(str(path), "gemma-embedding" if gemma else "bert")
    offset = 0 if name != "xlmr" else config.pad_token_id + 1  # rows of the position table that are cut off
    out.add_context_length(config.max_position_embeddings - offset)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_pooling_type({"mean": gguf.PoolingType.MEAN, "cls": gguf.PoolingType.CLS}[pooling])
    if gemma:
        out.add_head_count_kv(config.num_key_value_heads)
        out.add_key_length(config.head_dim)
        out.add_value_length(config.head_dim)
        out.add_layer_norm_rms_eps(config.rms_norm_eps)
        out.add_rope_freq_base(1000000.0)
        out.add_sliding_window(config.to_dict()["sliding_window"])
    else:
        out.add_layer_norm_eps(config.layer_norm_eps)
        out.add_causal_attention(False)
    out.add_tokenizer_model("bert")
    out.add_tokenizer_pre("jina-v2-en")
    out.add_token_list(SPECIAL + ["\u2581" + word for word in WORDS])
    out.add_token_types([gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * len(WORDS))
    for add, at in ((out.add_pad_token_id, 0), (out.add_unk_token_id, 1), (out.add_bos_token_id, 2),
                    (out.add_sep_token_id, 3), (out.add_mask_token_id, 4)):
        add(at)
    held = {}

    def add_tensor(label, value):
        value = numpy.ascontiguousarray(value.numpy())
        if quantised and value.ndim == 2 and "position" not in label and "token_types" not in label:
            kind = gguf.GGMLQuantizationType.Q8_0
            blocks = gguf.quants.quantize(value, kind)
            out.add_tensor(label, blocks, raw_dtype=kind)
            return torch.from_numpy(gguf.quants.dequantize(blocks, kind))
        out.add_tensor(label, value)
        return torch.from_numpy(value)

    for key, value in model.state_dict().items():
        if key.endswith("position_ids"):
            continue
        value = value.detach().float()
        label = gguf_name(key, GEMMA_NAMES if gemma else BERT_NAMES)
        shift = 1.0 if gemma and value.dim() == 1 else 0.0
        held[key] = add_tensor(label, value[offset:] if "position" in key else value + shift) - shift
        if "position" in key and offset:
            held[key] = value
    held_dense = [(i, o, act, add_tensor(f"dense_{n + 2}.weight", weight), bias)
                  for n, (i, o, act, weight, bias) in enumerate(dense)]
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return held, held_dense


def compare(what, found, expected, cosine_bar=BAR_COSINE, difference_bar=BAR_DIFFERENCE):
    cosine = torch.nn.functional.cosine_similarity(found, expected).min().item()
    difference = (found - expected).abs().max().item()
    good = cosine >= cosine_bar and difference <= difference_bar
    print(f"{what}: {len(found)} texts, least cosine {cosine:.9f}, largest difference {difference:.3g}"
          f" {'ok' if good else 'FAILED'}", flush=True)
    return good


def check(binary, name, layers, folder):
    torch.manual_seed(7)
    rng = random.Random(7)
    model, pooling, dense, lengths = MAKERS[name](layers)
    model.eval()
    randomize(model)
    texts = [" ".join(rng.choice(WORDS) for _ in range(length)) for length in lengths]
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    write_modules(folder, pooling, model.config.hidden_size, dense)
    expected = vectors_of_transformers(model, pooling, dense, texts)
    spread = torch.nn.functional.cosine_similarity(expected[0:1], expected[1:]).max().item()
    print(f"{name}: cosines between texts are up to {spread:.3f}")
    good = compare(f"{name} safetensors f32", vectors_of_lathe(binary, folder, texts, "--dtype", "f32"), expected)

    dense = [layer for layer in dense if layer[2] == "Identity"]  # a GGUF file has no others
    for quantised in (False, True):
        path = folder / ("q8_0.gguf" if quantised else "f32.gguf")
        held, held_dense = write_gguf(path, name, model, pooling, dense, quantised)
        model.load_state_dict(held, strict=False)
        expected = vectors_of_transformers(model, pooling, held_dense, texts)
        label = f"{name} gguf {'Q8_0' if quantised else 'F32'}"
        good &= compare(label + " as f32", vectors_of_lathe(binary, path, texts, "--dtype", "f32"), expected)
        if quantised:  # of which only the activations are rounded, to 16 bits
            found = vectors_of_lathe(binary, path, texts, "--dtype", "q8_0")
            good &= compare(label + " as q8_0", found, expected, 0.99999, 1e-3)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--models", default="gemma,bert,xlmr")
    parser.add_argument("--layers", type=int, default=0, help="0: as many as the true model")
    parser.add_argument("--folder", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        results = [check(arguments.binary, name, arguments.layers, folder / name)
                   for name in arguments.models.split(",")]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
