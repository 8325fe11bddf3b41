// The shapes file: a JSON array of products to probe.
//
//   [{"name": "ffn up S=17", "m": 17, "n": 4096, "k": 1024, "layout": "nk", "types": "q8_0",
//     "epilogue": "bias+gelu", "batch": 1, "prepared": true, "count": 24, "from": "arctic-embed-l-v2.0"}, ...]
//
// layout    nk: W is [N,K]; kn: W is [K,N]; tn: A is [K,M] and W is [K,N]; tnk: A is [K,M] and W is [N,K]
// types     the weights' type (f32, bf16, f16, q8_0, q4_0, i8: f32 activations and output), s8 or u8 (activations of
//           that type, s8 weights, s32 output), or {"a": .., "w": .., "c": ..}
// epilogue  none, or steps joined by +: bias, gelu, gelu_tanh, silu, relu, swiglu, geglu, geglu_tanh, residual, ...
// batch     independent products of this shape, 1 where absent
// prepared  whether W was packed when it was bound; where absent true, for tn and tnk false (both sides change)
// count     how often a forward pass runs it, 1 where absent
// from      where the shape comes from; a report lists the shapes of one origin together
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "probe/probe.h"

namespace lathe::probe {

struct ShapeLimits {
  int64_t memory_bytes = 0;  // one product's operands must fit into this; 0: whatever 63 bits hold
};

// `file` is what messages call the text.
Result<std::vector<Shape>> parse_shapes(std::string_view json, std::string_view file, ShapeLimits limits);
Result<std::vector<Shape>> read_shapes(const std::string& path, ShapeLimits limits);

// "f32 17x1024x1024 bias+gelu": the name of a shape that was given none.
std::string default_name(const matmul::Problem& problem);

}  // namespace lathe::probe
