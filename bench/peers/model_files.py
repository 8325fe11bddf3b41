"""What a model's folder says of itself: the tokenizer as the model uses it, its limit, its pooling."""
import json
import pathlib

from tokenizers import Tokenizer


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def config_of(folder):
    return read_json(pathlib.Path(folder) / "config.json")


def max_tokens(folder):
    folder = pathlib.Path(folder)
    config = config_of(folder)
    limit = config["max_position_embeddings"]
    if config["model_type"] == "xlm-roberta":
        limit -= config["pad_token_id"] + 1  # its positions are numbered from there
    return min(limit, read_json(folder / "sentence_bert_config.json").get("max_seq_length", limit))


def tokenizer_of(folder):
    """Truncates at the model's limit, pads nothing: tokenizer.json of MiniLM says 128 and 128, which is only an
    export's setting; sentence-transformers goes by sentence_bert_config.json."""
    tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens(folder))
    return tokenizer


def encode(tokenizer, texts):
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]
