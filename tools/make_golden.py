#!/usr/bin/env python3
"""Writes golden.json: texts and their vectors as sentence-transformers (or transformers) computes them, for `lathe verify`.

    tools/make_golden.py MODEL_FOLDER [--texts FILE] [-o golden.json] [--with sentence-transformers|transformers]

Computes in float32 on the CPU. Without sentence-transformers it does itself what the folder's modules.json says, for
models of a transformer, one pooling (cls or mean) and maybe a Normalize; others are refused.
"""
import argparse
import importlib.metadata
import json
import pathlib
import sys

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "How do I reset my password?",
    "x",
    "",
    "A matrix product is a sum of products, one for every output.",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Deich.",
    "Le cœur déçu mais l'âme plutôt naïve.",
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia.",
    "Съешь же ещё этих мягких булок.",
    "Η γαλήνη θάλασσα.",
    "الكتاب على الطاولة.",
    "שלום עולם",
    "नमस्ते दुनिया",
    "สวัสดี",
    "今天天气很好。",
    "東京は日本の首都です。",
    "안녕하세요 세계",
    "😀 👩‍💻 🚀",
    "for (int i = 0; i < n; ++i) sum += a[i] * b[i];",
    "3.14159, 2.71828 and 1,000,000 at 12:30 on 2024-02-29",
    "  two  spaces\tand a tab,\nand a new line  ",
    "https://example.org/a/path?query=1&other=two#part",
    "antidisestablishmentarianism supercalifragilisticexpialidocious",
    "Photosynthesis turns light, water and air into sugar. " * 60,
]


def read_json(path, default):
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def versions(*names):
    return {name: importlib.metadata.version(name) for name in names}


def prompt_of(folder):
    """The prompt that sentence-transformers puts before every text unless told otherwise."""
    config = read_json(folder / "config_sentence_transformers.json", {})
    name = config.get("default_prompt_name")
    return config.get("prompts", {}).get(name, "") if name else ""


def with_sentence_transformers(folder, texts):
    import sentence_transformers
    import torch

    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    model.eval()
    # One by one: padding changes sums.
    vectors = [model.encode([text], batch_size=1, convert_to_numpy=True, show_progress_bar=False)[0] for text in texts]
    facts = {"modules": [type(module).__name__ for module in model], "prompt": prompt_of(folder),
             "max_tokens": model.max_seq_length}
    return vectors, facts, versions("sentence-transformers", "transformers", "tokenizers", "torch")


def plan_of(folder):
    """Pooling, whether vectors get length 1, and the folder of the transformer."""
    modules = read_json(folder / "modules.json", None)
    if modules is None:
        return "mean", True, folder  # as lathe does where the files say nothing
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        sys.exit(f"make_golden.py: {folder}/modules.json has {', '.join(kinds)}; that needs sentence-transformers")
    config = read_json(folder / modules[1]["path"] / "config.json", {})
    modes = [config["pooling_mode"]] if "pooling_mode" in config else [
        {"cls_token": "cls", "mean_tokens": "mean"}.get(key.removeprefix("pooling_mode_"), key)
        for key, value in config.items() if key.startswith("pooling_mode_") and value]
    if modes not in (["cls"], ["mean"]):
        sys.exit(f"make_golden.py: the pooling is {', '.join(modes)}; that needs sentence-transformers")
    return modes[0], len(kinds) == 3, folder / modules[0]["path"]


def with_transformers(folder, texts):
    import torch
    import transformers

    pooling, normalize, transformer = plan_of(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(transformer))
    model = transformers.AutoModel.from_pretrained(str(transformer), dtype=torch.float32).eval()
    config = read_json(transformer / "sentence_bert_config.json", {})
    limits = [config.get("max_seq_length"), getattr(model.config, "max_position_embeddings", None),
              tokenizer.model_max_length]
    limit = next(int(n) for n in limits if n)
    prompt = prompt_of(folder)
    vectors = []
    with torch.no_grad():
        for text in texts:
            inputs = tokenizer(prompt + text, truncation=True, max_length=limit, return_tensors="pt")
            hidden = model(**inputs).last_hidden_state[0]
            vector = hidden[0] if pooling == "cls" else hidden.mean(0)
            vectors.append((torch.nn.functional.normalize(vector, dim=0) if normalize else vector).numpy())
    facts = {"modules": [type(model).__name__, pooling] + ["normalize"] * normalize, "prompt": prompt,
             "max_tokens": limit}
    return vectors, facts, versions("transformers", "tokenizers", "torch")


MAKERS = {"sentence-transformers": with_sentence_transformers, "transformers": with_transformers}


def choose_maker():
    for name in MAKERS:
        try:
            importlib.metadata.version(name)
            return name
        except importlib.metadata.PackageNotFoundError:
            pass
    sys.exit("make_golden.py: neither sentence-transformers nor transformers is installed here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="a folder as sentence-transformers or transformers saves it")
    parser.add_argument("--texts", type=pathlib.Path, help="one text a line, instead of those in here")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="instead of golden.json in the model's folder")
    parser.add_argument("--with", dest="maker", choices=MAKERS, help="instead of the first that is installed")
    options = parser.parse_args()
    if not options.model.is_dir():
        sys.exit(f"make_golden.py: {options.model} is no folder")
    texts = options.texts.read_text(encoding="utf-8").splitlines() if options.texts else TEXTS
    maker = options.maker or choose_maker()
    vectors, facts, libraries = MAKERS[maker](options.model, texts)
    golden = {"format": "lathe-golden", "version": 1, "made_by": f"{maker} {libraries[maker]}", "libraries": libraries,
              **facts, "texts": texts, "vectors": [[float(f"{x:.9g}") for x in vector] for vector in vectors]}
    output = options.output or options.model / "golden.json"
    temporary = output.with_name(output.name + ".tmp")
    temporary.write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(output)
    print(f"{output}: {len(texts)} texts, {len(vectors[0])} elements each, by {golden['made_by']}")


if __name__ == "__main__":
    main()
