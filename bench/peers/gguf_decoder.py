"""A decoder as llama.cpp reads it, with the names and fields of its own converter, from a model of transformers: Llama,
Qwen 2 and 3, SmolLM3, Gemma 3. f32 is written here, and quantised by llama.cpp itself: it chooses other types for some
tensors (a head shared with the words, widths that are no multiple of 256), as in the files that people download.
"""
import ctypes
import json
import pathlib

import gguf
import numpy
import torch

import decoder_engines
import gguf_export

ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "smollm3": "smollm3", "gemma3_text": "gemma3"}
SIDE_BY_SIDE = {"llama", "smollm3"}  # their queries and keys are turned from halves of a head into pairs
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm"}
GEMMA_NAMES = NAMES | {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
                       "post_feedforward_layernorm": "post_ffw_norm"}
# Quantised by llama.cpp, by the names of its constants.
QUANTISED = {"f16": "MOSTLY_F16", "q8_0": "MOSTLY_Q8_0", "q4_0": "MOSTLY_Q4_0", "q4_1": "MOSTLY_Q4_1",
             "q4_k_m": "MOSTLY_Q4_K_M", "q6_k": "MOSTLY_Q6_K"}
FORMATS = ["f32", *QUANTISED]


def gguf_name(name, names):
    module, kind = name.removeprefix("model.").rsplit(".", 1)
    parts = module.split(".")
    if parts[0] == "layers":
        return f"blk.{parts[1]}.{names['.'.join(parts[2:])]}.{kind}"
    return {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}[module] + "." + kind


def paired(weight, heads):
    """From halves of a head to pairs side by side."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def halved(weight, heads):
    """And back."""
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def llama3_factors(model):
    """What the frequencies of a plain embedding are divided by."""
    rope = model.config.rope_parameters
    dim = model.config.head_dim
    plain = rope["rope_theta"] ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    return (plain / model.model.rotary_emb.inv_freq.double()).float()


def writer(path, config):
    """With everything but tokenizer and tensors."""
    gemma = config.model_type == "gemma3_text"
    out = gguf.GGUFWriter(str(path), ARCHITECTURES[config.model_type])
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    out.add_key_length(head_dim)
    out.add_value_length(head_dim)
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = config.rope_parameters["full_attention"] if gemma else config.rope_parameters
    out.add_rope_freq_base(rope["rope_theta"])
    if gemma:
        out.add_sliding_window(config.sliding_window)
    else:
        out.add_rope_dimension_count(head_dim)
    if rope.get("rope_type") == "yarn":
        out.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        out.add_rope_scaling_factor(rope["factor"])
        out.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    return out


def tensors(model):
    """(name in GGUF, value, name in the model or None, what makes the model's value of the file's), in f32."""
    config = model.config
    gemma = config.model_type == "gemma3_text"
    rope = config.rope_parameters
    if rope.get("rope_type") == "llama3":
        yield "rope_freqs.weight", llama3_factors(model), None, None
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        value = value.detach().float()
        label = gguf_name(key, GEMMA_NAMES if gemma else NAMES)
        if config.model_type in SIDE_BY_SIDE and ("q_proj" in key or "k_proj" in key):
            heads = config.num_attention_heads if "q_proj" in key else config.num_key_value_heads
            yield label, paired(value, heads), key, lambda stored, heads=heads: halved(stored, heads)
        elif gemma and value.dim() == 1:  # llama.cpp multiplies by the weight itself
            yield label, value + 1, key, lambda stored: stored - 1
        else:
            yield label, value, key, lambda stored: stored


def finish(out):
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def byte_level_vocabulary(out, folder, config):
    """A tokenizer as train_tokenizers.byte_level makes it; rows of the word table beyond it are no token's."""
    file = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    by_id = {i: token for token, i in file["model"]["vocab"].items()}
    specials = {token["id"]: token["content"] for token in file["added_tokens"]}
    tokens, kinds = [], []
    for i in range(config.vocab_size):
        tokens.append(specials.get(i) or by_id.get(i) or f"[PAD{i}]")
        kinds.append(gguf.TokenType.CONTROL if i in specials
                     else gguf.TokenType.NORMAL if i in by_id else gguf.TokenType.UNUSED)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("qwen2" if config.model_type == "qwen2" else "llama-bpe")
    out.add_token_list(tokens)
    out.add_token_types(kinds)
    out.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in file["model"]["merges"]])
    out.add_eos_token_id(config.eos_token_id)
    if config.bos_token_id is not None:
        out.add_bos_token_id(config.bos_token_id)
    out.add_add_bos_token(file["post_processor"] is not None)


def write_f32(path, folder, model):
    out = writer(path, model.config)
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    if model.config.model_type == "gemma3_text":
        gguf_export.gemma_vocabulary(out, folder, model.config.vocab_size, end=False)
    else:
        byte_level_vocabulary(out, folder, model.config)
    for label, value, _, _ in tensors(model):
        out.add_tensor(label, numpy.ascontiguousarray(value.numpy()))
    finish(out)


def quantise(source, target, kind):
    import llama_cpp

    decoder_engines.silence(llama_cpp)
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, "LLAMA_FTYPE_" + kind)
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)) != 0:
        raise RuntimeError(f"llama.cpp does not quantise to {kind}")


def export(folder, model, out, formats):
    """f32.gguf, and of it the others that are asked for."""
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    write_f32(out / "f32.gguf", folder, model)
    for label in formats:
        if label != "f32":
            quantise(out / "f32.gguf", out / f"{label}.gguf", QUANTISED[label])
    return [f"{label}.gguf" for label in dict.fromkeys(["f32", *formats])]
