"""Decoders in their true shapes with random weights, rounded to bf16 as the published ones are."""
import torch
import transformers

import train_tokenizers as train

DEVIATION = 0.02


def randomized(config):
    """Norms and biases are not what they start as, so that an engine that leaves one out is seen."""
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() == 1:
                value.add_(0.1 * torch.randn_like(value))
    model.tie_weights()
    return model.to(torch.bfloat16).eval()


def qwen2(folder, options):  # Qwen2.5-0.5B
    tokenizer = train.byte_level(folder / "tokenizer.json", train.QWEN2, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return transformers.Qwen2Config(
        vocab_size=options.vocabulary or 151936, hidden_size=896, intermediate_size=4864,
        num_hidden_layers=options.layers or 24, num_attention_heads=14, num_key_value_heads=2,
        max_position_embeddings=32768, tie_word_embeddings=True, rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6}, initializer_range=DEVIATION, bos_token_id=None,
        eos_token_id=tokenizer.token_to_id("<|im_end|>"))


def llama3(folder, options):  # Llama-3.2-1B, with 4 of its 16 layers
    first = "<|begin_of_text|>"
    tokenizer = train.byte_level(folder / "tokenizer.json", train.LLAMA3, [first, "<|end_of_text|>", "<|eot_id|>"], first)
    return transformers.LlamaConfig(
        vocab_size=options.vocabulary or 128256, hidden_size=2048, intermediate_size=8192,
        num_hidden_layers=options.layers or 4, num_attention_heads=32, num_key_value_heads=8, head_dim=64,
        max_position_embeddings=131072, tie_word_embeddings=True, rms_norm_eps=1e-5, rope_parameters={
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
        initializer_range=DEVIATION, bos_token_id=tokenizer.token_to_id(first),
        eos_token_id=tokenizer.token_to_id("<|eot_id|>"))


def gemma3(folder, options):  # Gemma 3 270M
    train.gemma(folder / "tokenizer.json", end=False)
    return transformers.Gemma3TextConfig(
        vocab_size=options.vocabulary or 262144, hidden_size=640, intermediate_size=2048,
        num_hidden_layers=options.layers or 18, num_attention_heads=4, num_key_value_heads=1, head_dim=256,
        max_position_embeddings=32768, sliding_window=512, query_pre_attn_scalar=256, rms_norm_eps=1e-6,
        initializer_range=DEVIATION, pad_token_id=0, eos_token_id=1, bos_token_id=2)


CONFIGS = {"qwen2.5-0.5b": qwen2, "llama3.2-1b": llama3, "gemma3-270m": gemma3}


def make(name, folder, options):
    """Saves it, and gives it back with the same values in f32."""
    model = randomized(CONFIGS[name](folder, options))
    model.save_pretrained(folder)
    return model.float()
