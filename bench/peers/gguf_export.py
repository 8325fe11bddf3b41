"""A model as llama.cpp reads it, with the names and fields of its own converter: f32, f16 and q8_0."""
import json
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind

STORED = {"f32": Kind.F32, "f16": Kind.F16, "q8_0": Kind.Q8_0}
FILE_TYPES = {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16,
              "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}

BERT_NAMES = [
    ("embeddings.word_embeddings.weight", "token_embd.weight"),
    ("embeddings.position_embeddings.weight", "position_embd.weight"),
    ("embeddings.token_type_embeddings.weight", "token_types.weight"),
    ("embeddings.LayerNorm.", "token_embd_norm."),
    ("encoder.layer.", "blk."),
    ("attention.self.query.", "attn_q."),
    ("attention.self.key.", "attn_k."),
    ("attention.self.value.", "attn_v."),
    ("attention.output.dense.", "attn_output."),
    ("attention.output.LayerNorm.", "attn_output_norm."),
    ("intermediate.dense.", "ffn_up."),
    ("output.dense.", "ffn_down."),
    ("output.LayerNorm.", "layer_output_norm."),
]
GEMMA_NAMES = [
    ("embed_tokens.weight", "token_embd.weight"),
    ("layers.", "blk."),
    ("self_attn.q_proj.", "attn_q."),
    ("self_attn.k_proj.", "attn_k."),
    ("self_attn.v_proj.", "attn_v."),
    ("self_attn.o_proj.", "attn_output."),
    ("self_attn.q_norm.", "attn_q_norm."),
    ("self_attn.k_norm.", "attn_k_norm."),
    ("input_layernorm.", "attn_norm."),
    ("post_attention_layernorm.", "post_attention_norm."),
    ("pre_feedforward_layernorm.", "ffn_norm."),
    ("post_feedforward_layernorm.", "post_ffw_norm."),
    ("mlp.gate_proj.", "ffn_gate."),
    ("mlp.up_proj.", "ffn_up."),
    ("mlp.down_proj.", "ffn_down."),
]


def renamed(name, names):
    for old, new in names:
        name = name.replace(old, new)
    return "output_norm.weight" if name == "norm.weight" else name


def common_fields(writer, config, eps, rms):
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    (writer.add_layer_norm_rms_eps if rms else writer.add_layer_norm_eps)(eps)


def wordpiece(writer, folder, size):
    """Continued pieces lose their ##, the others are marked as a word's beginning."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    by_id = {i: token for token, i in vocabulary.items()}
    tokens, kinds = [], []
    for i in range(size):
        token = by_id[i]
        special = token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        bracketed = token.startswith("[") and token.endswith("]")
        tokens.append(token if bracketed else token[2:] if token.startswith("##") else "\u2581" + token)
        kinds.append(gguf.TokenType.CONTROL if special else gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    for name, add in (("[CLS]", writer.add_bos_token_id), ("[SEP]", writer.add_eos_token_id),
                      ("[SEP]", writer.add_sep_token_id), ("[PAD]", writer.add_pad_token_id),
                      ("[UNK]", writer.add_unk_token_id)):
        add(vocabulary[name])


def unused(count, begin):
    return [f"[unused{i}]" for i in range(begin, begin + count)]


def unigram(writer, folder, size):
    pieces = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    missing = size - len(pieces)
    kind = {"<s>": gguf.TokenType.CONTROL, "</s>": gguf.TokenType.CONTROL, "<pad>": gguf.TokenType.CONTROL,
            "<unk>": gguf.TokenType.UNKNOWN}
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token for token, _ in pieces] + unused(missing, len(pieces)))
    writer.add_token_scores([score for _, score in pieces] + [-10000.0] * missing)
    writer.add_token_types([kind.get(token, gguf.TokenType.NORMAL) for token, _ in pieces]
                           + [gguf.TokenType.UNUSED] * missing)
    writer.add_add_space_prefix(True)
    writer.add_token_type_count(1)
    writer.add_remove_extra_whitespaces(True)
    for i, add in ((0, writer.add_bos_token_id), (2, writer.add_eos_token_id), (3, writer.add_unk_token_id),
                   (2, writer.add_sep_token_id), (1, writer.add_pad_token_id)):
        add(i)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)


def gemma_vocabulary(writer, folder, size, end=True):
    """A SentencePiece vocabulary: merges come in the order of their scores."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    by_id = {i: token for token, i in vocabulary.items()}
    tokens = [by_id.get(i, f"<unused{i}>") for i in range(size)]
    kinds = []
    for i, token in enumerate(tokens):
        kinds.append(gguf.TokenType.UNUSED if i not in by_id
                     else gguf.TokenType.UNKNOWN if token == "<unk>"
                     else gguf.TokenType.CONTROL if i < 4
                     else gguf.TokenType.BYTE if token.startswith("<0x")
                     else gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(i) for i in range(size)])
    writer.add_token_types(kinds)
    for i, add in ((2, writer.add_bos_token_id), (1, writer.add_eos_token_id), (3, writer.add_unk_token_id),
                   (0, writer.add_pad_token_id)):
        add(i)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(end)
    writer.add_add_space_prefix(False)


def bert_writer(path, folder, config):
    writer = gguf.GGUFWriter(path, "bert")
    common_fields(writer, config, config.layer_norm_eps, rms=False)
    writer.add_causal_attention(False)
    (unigram if config.model_type == "xlm-roberta" else wordpiece)(writer, folder, config.vocab_size)
    return writer


def gemma_writer(path, folder, config):
    writer = gguf.GGUFWriter(path, "gemma-embedding")
    common_fields(writer, config, config.rms_norm_eps, rms=True)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    rope = config.rope_parameters["full_attention"]
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_sliding_window(512)  # the model's own; engines halve it where attention looks both ways
    gemma_vocabulary(writer, folder, config.vocab_size)
    return writer


def tensors_of(model):
    config = model.config
    gemma = config.model_type.startswith("gemma")
    for name, value in model.state_dict().items():
        if name.endswith("position_ids") or name.startswith("pooler."):
            continue
        data = value.float().numpy()
        if gemma and name.endswith("norm.weight"):
            data = data + 1  # llama.cpp multiplies by the weight itself
        if config.model_type == "xlm-roberta" and "position_embeddings" in name:
            data = data[config.pad_token_id + 1:]
        yield renamed(name, GEMMA_NAMES if gemma else BERT_NAMES), data


def export(folder, model, out):
    folder, out, config = pathlib.Path(folder), pathlib.Path(out), model.config
    for label, kind in STORED.items():
        make = gemma_writer if config.model_type.startswith("gemma") else bert_writer
        writer = make(str(out / f"{label}.gguf"), folder, config)
        writer.add_file_type(FILE_TYPES[label])
        for name, data in tensors_of(model):
            keep = data.ndim < 2 or name.startswith(("position_embd", "token_types"))
            stored = Kind.F32 if keep else kind
            writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(data), stored), raw_dtype=stored)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return [f"{label}.gguf" for label in STORED]
