// `lathe bench train --interactive`: another program trains beside this one, step by step, and looks at what came.
#pragma once

#include "models/train_encoder.h"
#include "models/train_model.h"

namespace lathe::cli {

// Requests, as answer_requests.h takes them, and their answers. Files hold float32 as they are, all tensors one after
// the other.
//   {"ask": "model"}               {"tensors": [{"name": "...", "shape": [32000, 288], "offset": 0}, ...],
//                                   "memory": {"weights": ..., "gradients": ..., "moments": ..., "activations": ...,
//                                   "logits": ..., "workspace": ...}}
//   {"ask": "load", "file": "path"}                             {"elements": 15191712}: the weights
//   {"ask": "save", "what": "gradients", "file": "path"}        the same; or "weights"
//   {"ask": "backward", "inputs": [...], "targets": [...], "windows": 8, "length": 256,
//    "scale": 1}                                                {"loss": 10.4, "wall_ns": 4e9, "cpu_ns": 8e9}
//   of an encoder, "ids", "offsets", "identity", "pairs", "negatives", "temperature" in place of the windows
//   {"ask": "update", "step": 1, "rate": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "decay": 0.1, "clip": 1}
//                                                               {"norm": 1.3, "wall_ns": 1e8, "cpu_ns": 2e8}
Status take_turns(models::TrainModel& model, const models::TrainModel::Memory& memory);
Status take_turns(models::TrainEncoder& model, const models::TrainModel::Memory& memory);

}  // namespace lathe::cli
