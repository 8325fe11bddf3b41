// What a pass is made of beside its products, each one dispatch; the head of each shader has its arithmetic. Here are
// the operands of a decoder's step, which is a token of each of some texts; those of a text's many are in row_ops.h.
//
// Tokens, positions and where each text's keys and values lie stand in the device's memory, where argmax and draw
// leave the next token and position: a step is recorded once and submitted again and again, whatever texts it is of,
// and no token goes through the CPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/draw.h"
#include "gpu/place.h"
#include "gpu/row_ops.h"
#include "gpu/weights.h"

namespace lathe::gpu {

enum class StepOp : uint8_t {
  rms_norm,
  attention,
  attention_join,
  argmax,
  draw,
  // of many tokens: row_ops.h
  gather_rows,
  store_rows,
  layer_norm,
  residual_norms,
  rotate_rows,
  activate,
  pool,
  normalize_rows,
  attention_tiles,
};

// A row of the one table of these. `threads` is a power of two; attention: also the keys of a split.
struct StepVariant {
  std::string name;  // shader.geometry, a coordinate and unique
  StepOp op;
  std::string shader;
  int64_t threads;
  std::vector<uint32_t> constants;  // constant_id 1 ...
  int64_t shared_bytes;
  int64_t most_dim;     // attention: of a head; else 0
  int64_t tile_rows;    // attention_tiles: queries of a tile
  WeightType w;         // gather_rows
  WeightLayout layout;  // gather_rows
  bool interleaved;     // rotate_rows
  const char* what;     // one line for people
};
std::span<const StepVariant> step_variants();
const StepVariant* find_step_variant(std::string_view name);
// Why it does not run on `device`; empty where it does. What a shape asks for is checked when it is recorded.
std::string step_refusal(const StepVariant& variant, const DeviceInfo& device);

struct RmsNormArgs {  // y = x / rms(x) * (offset + w), row by row; y may be x
  Place x, w, y;
  int64_t rows = 1, n = 0, x_row = 0, y_row = 0;  // floats from row to row
  float epsilon = 1e-6f, offset = 0.0f;
};
// A query of each text. keys, values: the address of each text's, uint64 [texts]; rooms: the positions that they have,
// uint32 [texts], at most `context`, and 0 where there is no text; positions: the queries', uint32 [texts]. So many
// behind its own are seen. These are trusted, as the tiles of attention are.
struct AttentionArgs {
  Place q, keys, values, parts, positions, rooms;  // parts: attention_parts_bytes()
  int64_t texts = 1, heads = 1, kv_heads = 1, dim = 0, q_row = 0, context = 0, behind = kSeesAll;
  float scale = 1.0f;
};
struct AttentionJoinArgs {
  Place parts, y, positions, rooms;
  int64_t texts = 1, heads = 1, dim = 0, y_row = 0, context = 0, keys_of_split = 0, behind = kSeesAll;
};
struct ArgmaxArgs : ChoiceArgs {};
// Sizes that AttentionArgs takes, so that it fits.
int64_t attention_parts_bytes(int64_t texts, int64_t heads, int64_t dim, int64_t context, int64_t keys_of_split);

// A variant compiled. An operand that is missing, too small or not aligned, and arguments of another op, are errors.
class StepProgram {
 public:
  static Result<StepProgram> create(Device& device, const StepVariant& variant);
  const StepVariant& variant() const { return *variant_; }

  Status record(Recording& recording, const RmsNormArgs& args) const;
  Status record(Recording& recording, const AttentionArgs& args) const;
  Status record(Recording& recording, const AttentionJoinArgs& args) const;
  Status record(Recording& recording, const ArgmaxArgs& args) const;
  Status record(Recording& recording, const DrawArgs& args) const;
  Status record(Recording& recording, const GatherRowsArgs& args) const;
  Status record(Recording& recording, const StoreRowsArgs& args) const;
  Status record(Recording& recording, const LayerNormArgs& args) const;
  Status record(Recording& recording, const ResidualNormsArgs& args) const;
  Status record(Recording& recording, const RotateRowsArgs& args) const;
  Status record(Recording& recording, const ActivateArgs& args) const;
  Status record(Recording& recording, const PoolArgs& args) const;
  Status record(Recording& recording, const NormalizeRowsArgs& args) const;
  Status record(Recording& recording, const AttentionTilesArgs& args) const;

 private:
  Status check_op(StepOp op) const;
  Groups groups_for(int64_t items) const;

  const StepVariant* variant_ = nullptr;
  int64_t most_groups_ = 1;
  std::shared_ptr<Pipeline> pipeline_;
};

}  // namespace lathe::gpu
