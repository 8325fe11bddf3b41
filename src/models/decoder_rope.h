// How a decoder's positions are stretched: the scalings of rotary embeddings, as frequencies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "lathe/status.h"
#include "models/field_reader.h"
#include "ops/rope.h"

namespace lathe::models {

struct RopeRule {
  int64_t rotary = 0;  // elements of a head that are rotated
  double base = 10000;
  double position_scale = 1;     // positions are divided by it
  std::vector<float> factors{};  // [rotary / 2] that frequencies are divided by; none: 1
  double magnitude = 1;          // of cosine and sine

  ops::RopeTable table() const { return {rotary, base, position_scale, factors, magnitude}; }
};

// What `factors` of rule, with its rotary and base, make of the frequencies.
struct Llama3Scaling {
  double factor = 1, low = 1, high = 4, original = 8192;  // frequency factors, and positions before it was stretched
};
void apply_llama3(const Llama3Scaling& scaling, RopeRule& rule);
struct YarnScaling {
  double factor = 1, original = 0, beta_fast = 32, beta_slow = 1;
  bool truncate = true;  // the bounds of the ramp are whole numbers
  double magnitude = 1;
};
void apply_yarn(const YarnScaling& scaling, RopeRule& rule);
// What cosine and sine are multiplied by where the files do not say.
double yarn_magnitude(double factor, double scale = 1);

// From config.json: `object` holds rope_theta (where it is rope_parameters) and the scaling's type and numbers.
// `positions` are those of the model, where the scaling names no others.
Status read_rope_scaling(FieldReader& read, const std::string& object, int64_t positions, RopeRule& rule);
// From GGUF's rope.scaling.* and the tensor rope_freqs.weight.
Status read_rope_scaling(const Gguf& file, FieldReader& read, int64_t positions, RopeRule& rule);

}  // namespace lathe::models
