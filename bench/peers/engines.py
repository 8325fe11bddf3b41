"""The peers, behind one face: token ids in, one vector of length 1 per text out, mean pooling inside the timed part.

prepare(batch) does what is not timed (arrays, padding) and returns a function that does what is. Batches are padded, as
their users do; what padding costs can be avoided by going one by one or by sorting into groups of like length, so race_embed.py
tries those too and keeps the fastest.
"""
import ctypes

import numpy as np

PAD = 0  # any id serves: the mask hides it


def padded(batch):
    width = max(len(ids) for ids in batch)
    ids = np.full((len(batch), width), PAD, dtype=np.int64)
    mask = np.zeros((len(batch), width), dtype=np.int64)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask


def pool(hidden, mask):
    """Mean over the tokens of each text, of length 1."""
    if mask.all():  # nothing was padded
        sums = hidden.mean(axis=1)
    else:
        sums = np.einsum("btd,bt->bd", hidden, mask.astype(np.float32)) / mask.sum(axis=1, keepdims=True)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


class Onnx:
    """ONNX Runtime: all graph optimisations, sequential execution, spinning as by default. Ids in, the last hidden states out."""

    def __init__(self, path, name, threads=2, profile=False):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [i.name for i in self.session.get_inputs()]
        self.name, self.version = name, "onnxruntime " + ort.__version__

    def prepare(self, batch):
        ids, mask = padded(batch)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        feeds = {name: feeds[name] for name in self.inputs}
        return lambda: pool(self.session.run(None, feeds)[0], mask)


class Torch:
    """transformers on torch, inference mode, scaled dot product attention."""

    def __init__(self, folder, name, threads=2):
        import torch
        import transformers

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.name, self.version = name, f"transformers {transformers.__version__}, torch {torch.__version__}"

    def prepare(self, batch):
        ids, mask = padded(batch)
        feeds = {"input_ids": self.torch.from_numpy(ids)}
        if not mask.all():
            feeds["attention_mask"] = self.torch.from_numpy(mask)

        def run():
            with self.torch.inference_mode():
                return pool(self.model(**feeds).last_hidden_state.numpy(), mask)

        return run


class Llama:
    """llama.cpp through the C functions that llama-cpp-python carries; texts are sequences of one ragged batch."""

    MOST_TOKENS = 8192

    def __init__(self, path, name, threads=2):
        import llama_cpp

        self.api = llama_cpp
        llama_cpp.llama_backend_init()
        silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
        self.silent = silent  # must live as long as it may be called
        llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
        self.model = llama_cpp.llama_model_load_from_file(
            str(path).encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        self.threads, self.context, self.size = threads, None, 0
        self.width = llama_cpp.llama_model_n_embd(self.model)
        self.name, self.version = name, "llama-cpp-python " + llama_cpp.__version__

    def _context(self, texts):
        """For so many sequences; one is a context of its own, since attention of many pays for a mask over all."""
        if self.size == texts:
            return self.context
        if self.context:
            self.api.llama_free(self.context)
        params = self.api.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self.MOST_TOKENS
        params.n_seq_max = texts
        params.n_threads = params.n_threads_batch = self.threads
        params.embeddings = True
        params.pooling_type = self.api.LLAMA_POOLING_TYPE_MEAN
        self.context, self.size = self.api.llama_init_from_model(self.model, params), texts
        if not self.context:
            raise RuntimeError("llama.cpp makes no context")
        return self.context

    def prepare(self, batch):
        tokens = sum(map(len, batch))
        if tokens > self.MOST_TOKENS:
            raise ValueError(f"{tokens} tokens at once")
        api, at = self.api, 0
        filled = api.llama_batch_init(tokens, 0, 1)
        filled.n_tokens = tokens
        for sequence, ids in enumerate(batch):
            for position, token in enumerate(ids):
                filled.token[at], filled.pos[at], filled.n_seq_id[at] = token, position, 1
                filled.seq_id[at][0] = sequence
                filled.logits[at] = 1
                at += 1

        def run():
            context = self._context(len(batch))
            if (code := api.llama_encode(context, filled)) != 0:
                raise RuntimeError(f"llama_encode says {code}")
            rows = [np.ctypeslib.as_array(api.llama_get_embeddings_seq(context, s), (self.width,)) for s in range(len(batch))]
            rows = np.stack(rows)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

        return run
