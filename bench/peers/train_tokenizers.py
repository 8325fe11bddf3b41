"""Tokenizers for models with random weights, trained on this project's own pages, each of the kind that its model has."""
import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SIZE = 8000
# How text is cut into words before bytes are merged.
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")


def corpus():
    root = pathlib.Path(__file__).resolve().parents[2]
    for page in sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("src/**/*.h")]):
        yield page.read_text(encoding="utf-8")


def unigram(path):
    """As XLM-RoBERTa's: Unigram over words marked with a lower line, <s> text </s>."""
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(corpus(), trainers.UnigramTrainer(
        vocab_size=SIZE, special_tokens=specials, unk_token="<unk>", show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.save(str(path))


def gemma(path, end):
    """As Gemma's: BPE over the whole text, blanks as lower lines, bytes for what is unknown, <bos> text, <eos> with `end`."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{i:02X}>" for i in range(256)]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    words = (word for page in corpus() for word in page.replace("\n", " ").split(" "))
    trainer = trainers.BpeTrainer(vocab_size=SIZE, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator((" " + word for word in words), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>" if end else "<bos> $A", special_tokens=[("<bos>", 2), ("<eos>", 1)])
    tokenizer.save(str(path))
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["added_tokens"] = [t for t in kept["added_tokens"] if t["id"] < 4]  # bytes are no special tokens
    path.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")


def byte_level(path, pattern, specials, first=None):
    """As Qwen2's and Llama 3's: BPE over bytes, the special tokens behind the others, `first` before every text."""
    tokenizer = Tokenizer(models.BPE())
    if pattern is QWEN2:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=SIZE, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens(specials)
    if first:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=first + " $A", special_tokens=[(first, tokenizer.token_to_id(first))])
    tokenizer.save(str(path))
    return tokenizer
