#!/usr/bin/env python3
"""Compares what `lathe quantize` and `lathe convert` write with the readers and writers of others.

  quantize_peer.py LATHE_BINARY [--models llama,qwen2,qwen3,smollm3,gemma3] [--only blocks,kquants,llama_cpp,folder]

blocks: a GGUF file of random matrices in every type. Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, F16 and BF16 have the bits of the gguf
        package's own quantiser; all types decode to what it decodes.
kquants: Q4_K, Q5_K and Q6_K leave no more error (RMSE) than ggml_quantize_chunk, on normal values and on --weights.
llama_cpp: small decoders with random weights become GGUF; llama.cpp goes on with the tokens that lathe does from the
        safetensors, and greedy decoding of both agrees.
folder: and back to a Hugging Face folder, which transformers loads: the same tensors, bit for bit, and the same logits.

Needs numpy and gguf; llama-cpp-python for kquants and llama_cpp; torch and transformers for the last two. Nothing of it
runs in CI.
"""
import argparse
import ctypes
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy

Q = gguf.GGMLQuantizationType
EXACT = ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "f16", "bf16", "f32")
SEARCHED = ("q4_k", "q5_k", "q6_k")
TOKENS = 24


def run(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, done.args))}: {done.stderr}")
    return done.stdout


def say(what, good):
    print(f"{what} {'ok' if good else 'FAILED'}", flush=True)
    return good


def tensors_of(path):
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def write_matrices(path, matrices):
    out = gguf.GGUFWriter(str(path), "llama")
    for name, value in matrices.items():
        out.add_tensor(name, value)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def check_blocks(binary, folder):
    rng = numpy.random.default_rng(7)
    matrices = {f"blk.{i}.ffn_up.weight": (rng.standard_normal((33, 512 * (i + 1))) * scale).astype(numpy.float32)
                for i, scale in enumerate((0.02, 1, 300))}
    matrices["blk.0.attn_norm.weight"] = rng.standard_normal(512).astype(numpy.float32)
    write_matrices(folder / "source.gguf", matrices)
    good = True
    for kind in EXACT + SEARCHED:
        run(binary, "quantize", folder / "source.gguf", folder / "out.gguf", "--type", kind, "-q")
        written = tensors_of(folder / "out.gguf")
        norm = written.pop("blk.0.attn_norm.weight")
        same = norm.tensor_type == Q.F32 and numpy.array_equal(norm.data, matrices["blk.0.attn_norm.weight"])
        for name, tensor in written.items():
            same &= tensor.tensor_type == Q[kind.upper()]
            if kind in EXACT:
                expected = gguf.quants.quantize(matrices[name], tensor.tensor_type)
                same &= numpy.array_equal(tensor.data.view(numpy.uint8).ravel(), expected.view(numpy.uint8).ravel())
        run(binary, "quantize", folder / "out.gguf", folder / "back.gguf", "--type", "f32", "-q")
        for name, tensor in tensors_of(folder / "back.gguf").items():
            if name in written:
                decoded = gguf.quants.dequantize(written[name].data, written[name].tensor_type)
                same &= numpy.array_equal(tensor.data.ravel(), decoded.astype(numpy.float32).ravel())
        good &= say(f"blocks {kind}: {'bits of the quantiser and ' if kind in EXACT else ''}of the decoder", same)
    return good


def check_kquants(binary, folder, weights):
    import llama_cpp
    library = pathlib.Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"
    ggml = ctypes.CDLL(str(library))
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
                                         ctypes.c_int64, ctypes.c_void_p]
    rng = numpy.random.default_rng(7)
    matrices = {"normal.weight": rng.standard_normal((256, 1024)).astype(numpy.float32) * 0.02,
                "tails.weight": rng.standard_t(4, (256, 1024)).astype(numpy.float32) * 0.02}
    if weights:
        from safetensors.numpy import load_file
        for name, value in load_file(weights).items():
            if value.ndim == 2 and value.size % 1024 == 0 and len(matrices) < 40:
                matrices[name[-50:] if name.endswith(".weight") else name[-40:] + ".weight"] = \
                    numpy.ascontiguousarray(value.astype(numpy.float32).reshape(-1, 1024))
    write_matrices(folder / "source.gguf", matrices)
    good = True
    for kind in SEARCHED:
        run(binary, "quantize", folder / "source.gguf", folder / "out.gguf", "--type", kind, "-q")
        ratios = []
        for name, tensor in tensors_of(folder / "out.gguf").items():
            if tensor.tensor_type != Q[kind.upper()]:
                continue
            x, theirs = matrices[name], numpy.zeros_like(tensor.data)
            ggml.ggml_quantize_chunk(int(tensor.tensor_type), x.ctypes.data, theirs.ctypes.data, 0, x.shape[0],
                                     x.shape[1], None)
            ours, reference = (numpy.sqrt(numpy.mean((gguf.quants.dequantize(data, tensor.tensor_type) - x) ** 2))
                               for data in (tensor.data, theirs))
            ratios.append(ours / reference)
        good &= say(f"kquants {kind}: {len(ratios)} matrices, RMSE {min(ratios):.4f} to {max(ratios):.4f} of ggml's",
                    ratios and max(ratios) <= 1)
    return good


def small_models():
    import transformers
    sizes = dict(vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=6, num_attention_heads=8,
                 num_key_value_heads=2, max_position_embeddings=2048)
    rope = {"rope_type": "default", "rope_theta": 100000.0}
    llama3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    yarn = {"rope_type": "yarn", "rope_theta": 100000.0, "factor": 4.0, "original_max_position_embeddings": 512}
    ids = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)
    return {
        "llama": transformers.LlamaConfig(**sizes, tie_word_embeddings=False, rope_parameters=llama3),
        "qwen2": transformers.Qwen2Config(**sizes, tie_word_embeddings=True, rope_parameters=rope),
        "qwen2_yarn": transformers.Qwen2Config(**sizes, tie_word_embeddings=False, rope_parameters=yarn),
        "qwen3": transformers.Qwen3Config(**sizes, head_dim=64, tie_word_embeddings=False, rope_parameters=rope),
        "smollm3": transformers.SmolLM3Config(**sizes, **ids, rope_parameters=rope),
        "gemma3": transformers.Gemma3TextConfig(**sizes, **ids, head_dim=32, sliding_window=64,
                                                query_pre_attn_scalar=32),
    }


def make_model(name, folder):
    import torch
    import transformers
    from decoder_peer import randomize
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(small_models()[name]).float().eval()
    randomize(model)
    model.tie_weights()
    model.save_pretrained(folder)
    return model


def greedy_of_lathe(binary, path, ids):
    out = run(binary, "generate", "-m", path, "--prompt-ids", ",".join(map(str, ids)), "-n", TOKENS, "--ids",
              "--ignore-end", "--dtype", "f32", "--kv", "f32", "--cache", "off", "-q")
    return [int(id) for id in out.split()]


class LlamaCpp:
    """A GGUF file without a vocabulary, through llama.cpp's own interface; everything in f32."""

    def __init__(self, path):
        import llama_cpp
        self.api = llama_cpp
        self.quiet = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(self.quiet, ctypes.c_void_p())
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_threads = 512, 512, 1
        parameters.type_k = parameters.type_v = 0
        parameters.flash_attn_type = 0
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        self.size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def logits(self, ids):
        tokens = (self.api.llama_token * len(ids))(*ids)
        if self.api.llama_decode(self.context, self.api.llama_batch_get_one(tokens, len(ids))) != 0:
            sys.exit("llama_decode failed")
        return numpy.ctypeslib.as_array(self.api.llama_get_logits_ith(self.context, -1), (self.size,)).copy()

    def greedy(self, ids, count):
        out, step = [], ids
        for _ in range(count):
            out.append(int(self.logits(step).argmax()))
            step = out[-1:]
        return out


def check_llama_cpp(binary, name, folder):
    make_model(name, folder / "model")
    run(binary, "convert", folder / "model", folder / "model.gguf", "-q")
    ids = [int(i) for i in numpy.random.default_rng(7).integers(3, 512, 100)]
    expected = greedy_of_lathe(binary, folder / "model", ids)
    ours = greedy_of_lathe(binary, folder / "model.gguf", ids)
    theirs = LlamaCpp(folder / "model.gguf").greedy(ids, TOKENS)
    same = sum(a == b for a, b in zip(theirs, expected))
    good = say(f"llama_cpp {name}: lathe reads the same from both: {ours == expected}; llama.cpp has {same} of"
               f" {len(expected)} tokens", ours == expected and same == len(expected))
    run(binary, "quantize", folder / "model", folder / "q4_k.gguf", "--type", "q4_k", "--mixed", "-q")
    logits = LlamaCpp(folder / "q4_k.gguf").logits(ids)
    return good & say(f"llama_cpp {name}: reads its Q4_K mixture", bool(numpy.isfinite(logits).all()))


def check_folder(binary, name, folder):
    import torch
    import transformers
    model = make_model(name, folder / "model")
    run(binary, "convert", folder / "model", folder / "model.gguf", "-q")
    run(binary, "convert", folder / "model.gguf", folder / "back", "--shard", "1M", "-q")
    back = transformers.AutoModelForCausalLM.from_pretrained(folder / "back", dtype=torch.float32,
                                                             attn_implementation="eager").eval()
    before, after = model.state_dict(), back.state_dict()
    gemma = name == "gemma3"  # whose norms lose their last bit on the way through 1 + w
    same = before.keys() == after.keys() and all(
        torch.equal(before[key], after[key]) or (gemma and torch.allclose(before[key], after[key], rtol=0, atol=2e-7))
        for key in before)
    ids = torch.tensor([numpy.random.default_rng(7).integers(3, 512, 100).tolist()])
    with torch.no_grad():
        difference = (model(input_ids=ids).logits - back(input_ids=ids).logits).abs().max().item()
    shards = len(list((folder / "back").glob("*.safetensors")))
    return say(f"folder {name}: transformers loads {shards} shards, the same tensors: {same}, logits apart by"
               f" {difference:.2g}", same and difference < 1e-3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--models", default="llama,qwen2,qwen2_yarn,qwen3,smollm3,gemma3")
    parser.add_argument("--only", default="blocks,kquants,llama_cpp,folder")
    parser.add_argument("--weights", help="a .safetensors file of real weights for kquants")
    arguments = parser.parse_args()
    results = []
    for part in arguments.only.split(","):
        for name in arguments.models.split(",") if part in ("llama_cpp", "folder") else [""]:
            with tempfile.TemporaryDirectory() as temporary:
                folder = pathlib.Path(temporary)
                if part == "blocks":
                    results.append(check_blocks(arguments.binary, folder))
                elif part == "kquants":
                    results.append(check_kquants(arguments.binary, folder, arguments.weights))
                elif part == "llama_cpp":
                    results.append(check_llama_cpp(arguments.binary, name, folder))
                else:
                    results.append(check_folder(arguments.binary, name, folder))
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
