"""A model as ONNX Runtime reads it: plain, through its transformer optimizer, and both in dynamic int8."""
import pathlib

import torch

OPSET = 17


class LastHidden(torch.nn.Module):
    """ids and mask to the last hidden states, without the dictionary around them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def export_plain(model, path):
    model.set_attn_implementation("eager")  # the form whose pattern the optimizer of ONNX Runtime knows
    ids = torch.ones((2, 8), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    axes = {0: "batch", 1: "tokens"}
    arguments = {"input_names": ["input_ids", "attention_mask"], "output_names": ["last_hidden_state"],
                 "opset_version": OPSET, "dynamic_axes": {n: axes for n in ("input_ids", "attention_mask",
                                                                            "last_hidden_state")}}
    with torch.no_grad():
        torch.onnx.export(LastHidden(model), (ids, mask), str(path), dynamo=False, **arguments)


def fuse(plain, path, config):
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False  # its fused form takes 32-bit ids and no two inputs of RoBERTa's kind
    fused = optimizer.optimize_model(str(plain), model_type="bert", num_heads=config.num_attention_heads,
                                     hidden_size=config.hidden_size, optimization_options=options)
    counts = {name: n for name, n in fused.get_fused_operator_statistics().items() if n}
    fused.save_model_to_file(str(path))
    return counts


def quantize(source, target, weights):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Signed weights times unsigned activations saturate in vpmaddubsw; 7 bits cannot.
    signed = weights == "s7"
    quantize_dynamic(str(source), str(target), per_channel=True, reduce_range=signed,
                     weight_type=QuantType.QInt8 if signed else QuantType.QUInt8,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})  # behind fused operators


def export(model, folder):
    folder = pathlib.Path(folder)
    made = []
    plain = folder / "plain.f32.onnx"
    export_plain(model, plain)
    made.append(plain.name)
    sources = [("plain", plain)]
    try:
        fused = folder / "fused.f32.onnx"
        counts = fuse(plain, fused, model.config)
        made.append(f"{fused.name} ({', '.join(f'{n} {name}' for name, n in counts.items())})")
        sources.append(("fused", fused))
    except Exception as error:
        made.append(f"fused: not made: {type(error).__name__}: {error}")
    for label, source in sources:
        for weights in ("u8", "s7"):
            target = folder / f"{label}.{weights}.onnx"
            quantize(source, target, weights)
            made.append(target.name)
    return made
