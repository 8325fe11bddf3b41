"""The peers of race_generate.py, behind one face. A test is a prompt to its first logits, or the answers of several texts
at once; turn(test, seed) runs it once and returns the nanoseconds of its passes, with random tokens as lathe has them, and
logits(ids) are those behind every token, the last of them decoded one by one.
"""
import ctypes
import dataclasses
import random
import re
import time

import numpy as np

SHORT_PROMPT = 8  # tokens before an answer, not timed: as lathe has them


@dataclasses.dataclass(frozen=True)
class Test:
    kind: str  # prompt or answer
    tokens: int
    texts: int = 1

    @staticmethod
    def of(name):
        """pp512, tg128, tg64@b4"""
        found = re.fullmatch(r"(pp|tg)(\d+)(?:@b(\d+))?", name)
        if not found or (found[1] == "pp" and found[3]):
            raise SystemExit(f"race_generate.py: a test is {name!r}, needed: pp512, tg128 or tg64@b4, with any numbers")
        return Test("prompt" if found[1] == "pp" else "answer", int(found[2]), int(found[3] or 1))

    def total(self):
        return self.tokens * self.texts

    def cut(self, tokens):
        """What a first look takes of an answer."""
        return self if self.kind == "prompt" else dataclasses.replace(self, tokens=min(self.tokens, tokens))


class Tokens:
    def __init__(self, vocabulary, seed):
        self.random, self.vocabulary = random.Random(seed), vocabulary

    def take(self, count):
        return [self.random.randrange(self.vocabulary) for _ in range(count)]


def timed(call):
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def silence(api, kept=[]):
    """llama.cpp writes no log. The function that it calls instead lives as long as this module."""
    if not kept:
        kept.append(api.llama_log_callback(lambda level, text, data: None))
        api.llama_log_set(kept[0], ctypes.c_void_p(0))


class Llama:
    """llama.cpp through the C functions that llama-cpp-python carries: llama_decode on batches, as llama-bench does, keys
    and values in f16. `flash` and `unified` are its ways of attention; a context lives as long as its test."""

    def __init__(self, path, threads, model=None, flash=False, unified=False):
        import llama_cpp

        self.api, self.threads, self.flash, self.unified = llama_cpp, threads, flash, unified
        self.path, self.model = path, model or self._load(path)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.name = "flash attention" if flash else "no flash attention"
        self.name += ", one cache" if unified else ""
        self.version = "llama-cpp-python " + llama_cpp.__version__
        self.context, self.sized = None, None

    def _load(self, path):
        silence(self.api)
        self.api.llama_backend_init()
        model = self.api.llama_model_load_from_file(str(path).encode(), self.api.llama_model_default_params())
        if not model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        return model

    def variants(self, test):
        """Of which the fastest counts; weights are shared."""
        unified = [False, True] if test.texts > 1 else [False]
        return [Llama(self.path, self.threads, self.model, f, u) for f in (True, False) for u in unified]

    def _open(self, texts, tokens):
        if self.sized == (texts, tokens):
            return
        self.close()
        params = self.api.llama_context_default_params()
        params.n_ctx = texts * (-(-tokens // 256) * 256)
        params.n_batch = max(params.n_batch, tokens, texts * SHORT_PROMPT)
        params.n_seq_max = texts
        params.n_threads = params.n_threads_batch = self.threads
        params.flash_attn_type = (self.api.LLAMA_FLASH_ATTN_TYPE_ENABLED if self.flash
                                  else self.api.LLAMA_FLASH_ATTN_TYPE_DISABLED)
        params.kv_unified = self.unified
        params.no_perf = True
        self.context, self.sized = self.api.llama_init_from_model(self.model, params), (texts, tokens)
        if not self.context:
            raise RuntimeError("llama.cpp makes no context")

    def close(self):
        if self.context:
            self.api.llama_free(self.context)
        self.context, self.sized = None, None

    def free(self):
        """With the weights, which all variants share."""
        self.api.llama_model_free(self.model)

    def _batch(self, texts, first, every_logits=False):
        """One list of tokens per text, from position `first` on; logits behind the last of each."""
        count = sum(map(len, texts))
        batch, at = self.api.llama_batch_init(count, 0, 1), 0
        batch.n_tokens = count
        for text, ids in enumerate(texts):
            for position, token in enumerate(ids):
                batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, first + position, 1
                batch.seq_id[at][0] = text
                batch.logits[at] = every_logits or position + 1 == len(ids)
                at += 1
        return batch

    def _decode(self, batch):
        if (code := self.api.llama_decode(self.context, batch)) != 0:
            raise RuntimeError(f"llama_decode says {code}")
        self.api.llama_synchronize(self.context)

    def _pass(self, texts, first):
        batch = self._batch(texts, first)
        took = timed(lambda: self._decode(batch))
        self.api.llama_batch_free(batch)
        return took

    def _clear(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), False)

    def turn(self, test, seed):
        tokens = Tokens(self.vocabulary, seed)
        if test.kind == "prompt":
            self._open(1, test.tokens)
            self._clear()
            return [self._pass([tokens.take(test.tokens)], 0)]
        self._open(test.texts, SHORT_PROMPT + test.tokens)
        self._clear()
        self._pass([tokens.take(SHORT_PROMPT) for _ in range(test.texts)], 0)
        return [self._pass([tokens.take(1) for _ in range(test.texts)], SHORT_PROMPT + i) for i in range(test.tokens)]

    def logits(self, ids, one_by_one):
        self._open(1, len(ids))
        self._clear()
        rows, prompt = [], len(ids) - one_by_one
        for texts, first in [([ids[:prompt]], 0), *(([[ids[i]]], i) for i in range(prompt, len(ids)))]:
            batch = self._batch(texts, first, every_logits=True)
            self._decode(batch)
            self.api.llama_batch_free(batch)
            for row in range(len(texts[0])):
                found = self.api.llama_get_logits_ith(self.context, row)
                rows.append(np.ctypeslib.as_array(found, (self.vocabulary,)).copy())
        return np.stack(rows)


class Torch:
    """transformers on torch: inference mode, scaled dot product attention, a cache of keys and values, the last logits."""

    def __init__(self, folder, threads, dtype):
        import torch
        import transformers

        torch.set_num_threads(threads)
        transformers.utils.logging.disable_progress_bar()
        self.torch, self.cache = torch, transformers.DynamicCache
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
        self.vocabulary = self.model.config.vocab_size
        self.name = "sdpa"
        self.version = f"transformers {transformers.__version__}, torch {torch.__version__}"

    def variants(self, test):
        return [self]

    def close(self):
        pass

    def free(self):
        self.model = None

    def _pass(self, texts, cache, every=False):
        with self.torch.inference_mode():
            out = self.model(input_ids=self.torch.tensor(texts), past_key_values=cache, use_cache=True,
                             logits_to_keep=0 if every else 1)
        return out.logits

    def turn(self, test, seed):
        tokens, cache = Tokens(self.vocabulary, seed), self.cache(config=self.model.config)
        if test.kind == "prompt":
            ids = [tokens.take(test.tokens)]
            return [timed(lambda: self._pass(ids, cache))]
        self._pass([tokens.take(SHORT_PROMPT) for _ in range(test.texts)], cache)
        took = []
        for _ in range(test.tokens):
            ids = [tokens.take(1) for _ in range(test.texts)]
            took.append(timed(lambda ids=ids: self._pass(ids, cache)))
        return took

    def logits(self, ids, one_by_one):
        cache, prompt = self.cache(config=self.model.config), len(ids) - one_by_one
        rows = [self._pass([ids[:prompt]], cache, True)[0].float().numpy()]
        for i in range(prompt, len(ids)):
            rows.append(self._pass([[ids[i]]], cache)[0].float().numpy())
        return np.concatenate(rows)


class LatheTurns:
    """The same of lathe's process (lathe_turns.Lathe)."""

    def __init__(self, lathe):
        self.lathe = lathe
        self.vocabulary = lathe.ask(ask="model")["vocabulary"]

    def turn(self, test, seed):
        return self.lathe.ask(ask=test.kind, tokens=test.tokens, texts=test.texts, seed=seed)["step_ns"]

    def logits(self, ids, file):
        self.lathe.ask(ask="logits", ids=ids, file=str(file))
        return np.fromfile(file, dtype=np.float32).reshape(len(ids), self.vocabulary)
