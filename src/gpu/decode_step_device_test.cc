// A small decoder's step as one recording, submitted again for every token: embedding, RMS norms, products, rope, a
// cache that grows, attention, argmax. Token and position never pass through the CPU. Against float64, token by token.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "gpu/matmul_program.h"
#include "gpu/step_ops.h"
#include "gpu/test_device.h"
#include "gpu/test_memory.h"

namespace lathe::gpu {
namespace {

constexpr int64_t kDim = 64, kHeads = 4, kKvHeads = 2, kHeadDim = 16, kHidden = 96, kLayers = 2, kVocabulary = 301;
constexpr int64_t kContext = 80, kQkv = (kHeads + 2 * kKvHeads) * kHeadDim, kKv = kKvHeads * kHeadDim;
constexpr float kEpsilon = 1e-5f;
constexpr uint32_t kFirstToken = 17;
constexpr int kSteps = 70;  // beyond a split of 64 keys

struct Layer {
  std::vector<float> norm, qkv, out, second_norm, gate_up, down;
};
struct Model {
  std::vector<float> embedding, final_norm, angles;
  std::array<Layer, kLayers> layers;
};

Model random_model() {
  std::mt19937_64 random(11);
  Model m;
  m.embedding = uniform(random, kVocabulary * kDim);
  m.final_norm = uniform(random, kDim, 2);
  for (Layer& layer : m.layers) {
    layer.norm = uniform(random, kDim, 2), layer.second_norm = uniform(random, kDim, 2);
    layer.qkv = uniform(random, kQkv * kDim, 0.3f), layer.out = uniform(random, kDim * kDim, 0.3f);
    layer.gate_up = uniform(random, 2 * kHidden * kDim, 0.3f), layer.down = uniform(random, kDim * kHidden, 0.3f);
  }
  for (int64_t i = 0; i < kContext * kHeadDim / 2; ++i) {
    const int64_t pair = i % (kHeadDim / 2);
    const double angle =
        static_cast<double>(i / (kHeadDim / 2)) * std::pow(10000.0, -2.0 * static_cast<double>(pair) / kHeadDim);
    m.angles.push_back(static_cast<float>(std::cos(angle)));
    m.angles.push_back(static_cast<float>(std::sin(angle)));
  }
  return m;
}

// The same step in float64.
class Reference {
 public:
  explicit Reference(const Model& model) : m_(model) {}

  std::vector<double> logits(uint32_t token) {
    std::vector<double> x(m_.embedding.begin() + token * kDim, m_.embedding.begin() + (token + 1) * kDim);
    for (size_t l = 0; l < kLayers; ++l) {
      const Layer& layer = m_.layers[l];
      auto qkv = product(layer.qkv, normed(x, layer.norm), kQkv);
      for (int64_t h = 0; h < kHeads + kKvHeads; ++h) rotate(qkv.data() + h * kHeadDim);
      keys_[l].insert(keys_[l].end(), qkv.begin() + kDim, qkv.begin() + kDim + kKv);
      values_[l].insert(values_[l].end(), qkv.begin() + kDim + kKv, qkv.end());
      add(product(layer.out, attention(qkv, l), kDim), &x);
      const auto both = product(layer.gate_up, normed(x, layer.second_norm), 2 * kHidden);
      std::vector<double> hidden;
      for (size_t i = 0; i < kHidden; ++i) hidden.push_back(both[i] / (1 + std::exp(-both[i])) * both[i + kHidden]);
      add(product(layer.down, hidden, kDim), &x);
    }
    ++position_;
    return product(m_.embedding, normed(x, m_.final_norm), kVocabulary);
  }

 private:
  using Vector = std::vector<double>;
  static void add(const Vector& more, Vector* x) {
    for (size_t i = 0; i < x->size(); ++i) (*x)[i] += more[i];
  }
  static Vector product(const std::vector<float>& w, const Vector& x, int64_t n) {
    Vector y(static_cast<size_t>(n));
    for (size_t j = 0; j < y.size(); ++j)
      for (size_t k = 0; k < x.size(); ++k) y[j] += double{w[j * x.size() + k]} * x[k];
    return y;
  }
  static Vector normed(const Vector& x, const std::vector<float>& w) {
    double square = 0;
    for (const double v : x) square += v * v;
    Vector y;
    for (size_t i = 0; i < x.size(); ++i)
      y.push_back(x[i] / std::sqrt(square / static_cast<double>(x.size()) + double{kEpsilon}) * double{w[i]});
    return y;
  }
  void rotate(double* head) const {
    for (int64_t i = 0; i < kHeadDim / 2; ++i) {
      const auto at = static_cast<size_t>(position_ * kHeadDim + 2 * i);
      const double c = m_.angles[at], s = m_.angles[at + 1], a = head[i], b = head[i + kHeadDim / 2];
      head[i] = a * c - b * s;
      head[i + kHeadDim / 2] = a * s + b * c;
    }
  }
  Vector attention(const Vector& q, size_t l) const {
    Vector y(static_cast<size_t>(kDim));
    for (int64_t h = 0; h < kHeads; ++h) {
      double total = 0;
      for (int64_t j = 0; j <= position_; ++j) {
        const auto key = static_cast<size_t>(j * kKv + h / (kHeads / kKvHeads) * kHeadDim);
        double score = 0;
        for (size_t d = 0; d < kHeadDim; ++d) score += q[static_cast<size_t>(h * kHeadDim) + d] * keys_[l][key + d];
        const double weight = std::exp(score * 0.25);
        total += weight;
        for (size_t d = 0; d < kHeadDim; ++d) y[static_cast<size_t>(h * kHeadDim) + d] += weight * values_[l][key + d];
      }
      for (size_t d = 0; d < kHeadDim; ++d) y[static_cast<size_t>(h * kHeadDim) + d] /= total;
    }
    return y;
  }

  const Model& m_;
  std::array<Vector, kLayers> keys_, values_;
  int64_t position_ = 0;
};

// Everything of the step on the device, and the recording of it.
class Step {
 public:
  Step(std::shared_ptr<Device> device, const Model& model)
      : device_(device), memory_(std::move(device)), model_(model) {}

  Status record() {
    state_ = memory_.put(std::vector<uint32_t>{kFirstToken, 0});
    room_ = memory_.put(std::vector<uint32_t>{kContext});
    angles_ = memory_.put(model_.angles);
    x_ = memory_.floats(kDim), normed_ = memory_.floats(kDim), qkv_ = memory_.floats(kQkv);
    attended_ = memory_.floats(kDim), hidden_ = memory_.floats(kHidden), logits_ = memory_.floats(kVocabulary);
    parts_ = memory_.floats(attention_parts_bytes(1, kHeads, kHeadDim, kContext, 64) / 4);
    auto recording = device_->record();
    if (!recording) return recording.status();
    recording_ = *recording;
    const Place embedding = weights(model_.embedding, kVocabulary, kDim, WeightLayout::rows);
    GatherRowsArgs gather;
    gather.w = embedding, gather.ids = state_, gather.y = x_, gather.vocabulary = kVocabulary;
    gather.n = gather.y_row = kDim;
    op("gather_rows.f32.64", gather);
    for (const Layer& layer : model_.layers) add_layer(layer);
    norm(model_.final_norm);
    product("subgroups.f32.2x64", embedding, normed_, logits_, kVocabulary, kDim, {});
    ArgmaxArgs argmax;
    argmax.x = logits_, argmax.ids = state_, argmax.positions = from(state_, 1);
    argmax.n = argmax.x_row = kVocabulary;
    op("argmax.256", argmax);
    return status_.ok() ? recording_->end() : status_;
  }
  Status submit() { return device_->submit(*recording_); }
  std::vector<float> logits() { return memory_.get<float>(logits_, kVocabulary); }
  std::vector<uint32_t> state() { return memory_.get<uint32_t>(state_, 2); }

 private:
  static Place from(Place place, int64_t floats) { return {place.buffer, place.at + floats * 4}; }

  Place weights(const std::vector<float>& w, int64_t columns, int64_t k, WeightLayout layout) {
    const auto size = packed_size(WeightType::f32, layout, columns, k);
    std::vector<std::byte> packed(static_cast<size_t>(size->bytes));
    const Status s = pack_weights(WeightType::f32, layout, columns, k, std::as_bytes(std::span(w)), packed);
    EXPECT_TRUE(s.ok()) << s.message();
    return memory_.put(packed);
  }
  template <class Args>
  void op(const char* name, const Args& args) {
    if (!status_.ok()) return;
    auto program = StepProgram::create(*device_, *find_step_variant(name));
    status_ = program ? program->record(*recording_, args) : program.status();
    recording_->barrier();
  }
  void product(const char* name, Place w, Place x, Place y, int64_t n, int64_t k, MatmulProblem problem) {
    if (!status_.ok()) return;
    problem.n = n, problem.k = k;
    auto program = MatmulProgram::create(*device_, *find_matmul_variant(name), problem);
    MatmulArgs args;
    args.w = w, args.x = x, args.y = args.residual = y;
    args.x_row = k, args.y_row = args.residual_row = n;
    status_ = program ? program->record(*recording_, args) : program.status();
    recording_->barrier();
  }
  void norm(const std::vector<float>& w) {
    RmsNormArgs args;
    args.x = x_, args.w = memory_.put(w), args.y = normed_;
    args.n = args.x_row = args.y_row = kDim, args.epsilon = kEpsilon;
    op("rms_norm.64", args);
  }
  void attend(Place keys, Place values) {    // where their addresses stand
    const Place position = from(state_, 1);  // of the state's words the second
    RotateRowsArgs rotate;
    rotate.x = qkv_, rotate.table = angles_, rotate.positions = position, rotate.heads = kHeads;
    rotate.kv_heads = kKvHeads, rotate.dim = kHeadDim, rotate.pairs = kHeadDim / 2, rotate.row = kQkv;
    rotate.context = kContext;
    op("rotate_rows.halves.32", rotate);
    StoreRowsArgs store;
    store.slots = position, store.rooms = room_, store.n = store.x_row = kKv;
    store.x = from(qkv_, kDim), store.caches = keys;
    op("store_rows.64", store);
    store.x = from(qkv_, kDim + kKv), store.caches = values;
    op("store_rows.64", store);
    AttentionArgs attention;
    attention.q = qkv_, attention.keys = keys, attention.values = values, attention.parts = parts_;
    attention.positions = position, attention.rooms = room_, attention.context = kContext;
    attention.heads = kHeads, attention.kv_heads = kKvHeads, attention.dim = kHeadDim;
    attention.q_row = kDim, attention.scale = 0.25f;
    op("attention.64", attention);
    AttentionJoinArgs join;
    join.parts = parts_, join.y = attended_, join.positions = position, join.rooms = room_;
    join.heads = kHeads, join.dim = kHeadDim, join.y_row = kDim;
    join.context = kContext, join.keys_of_split = 64;
    op("attention_join.64", join);
  }
  void add_layer(const Layer& layer) {
    MatmulProblem residual, gated;
    residual.residual = true, gated.gated = true, gated.act = Activation::silu;
    norm(layer.norm);
    product("columns.f32.64x64", weights(layer.qkv, kQkv, kDim, WeightLayout::panels), normed_, qkv_, kQkv, kDim, {});
    attend(memory_.addresses({memory_.floats(kContext * kKv)}), memory_.addresses({memory_.floats(kContext * kKv)}));
    product("columns.f32.64x256", weights(layer.out, kDim, kDim, WeightLayout::panels), attended_, x_, kDim, kDim,
            residual);
    norm(layer.second_norm);
    product("broadcast.f32.64", weights(layer.gate_up, 2 * kHidden, kDim, WeightLayout::panels), normed_, hidden_,
            kHidden, kDim, gated);
    product("subgroups.f32.4x64", weights(layer.down, kDim, kHidden, WeightLayout::rows), hidden_, x_, kDim, kHidden,
            residual);
  }

  std::shared_ptr<Device> device_;
  TestMemory memory_;
  const Model& model_;
  std::shared_ptr<Recording> recording_;
  Place state_, room_, angles_, x_, normed_, qkv_, attended_, hidden_, logits_, parts_;
  Status status_;
};

class DecodeStep : public DeviceTest {};

TEST_F(DecodeStep, OneRecordingGoesOnTokenByTokenAsFloat64Does) {
  const Model model = random_model();
  Step step(device_, model);
  const Status recorded = step.record();
  ASSERT_TRUE(recorded.ok()) << recorded.message();
  Reference reference(model);
  uint32_t token = kFirstToken;
  for (int i = 0; i < kSteps; ++i) {
    const Status s = step.submit();
    ASSERT_TRUE(s.ok()) << s.message();
    const auto logits = reference.logits(token);
    const auto ours = step.logits();
    double dot = 0, square = 0, reference_square = 0;
    for (size_t j = 0; j < logits.size(); ++j) {
      dot += logits[j] * double{ours[j]};
      square += double{ours[j]} * double{ours[j]}, reference_square += logits[j] * logits[j];
    }
    ASSERT_GE(dot / std::sqrt(square * reference_square), 0.9999999) << "step " << i;
    token = static_cast<uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    ASSERT_EQ(step.state(), (std::vector<uint32_t>{token, static_cast<uint32_t>(i + 1)}));
  }
}

TEST_F(DecodeStep, RunsAgainWithTheSameBits) {
  const Model model = random_model();
  std::vector<float> last[2];
  for (std::vector<float>& logits : last) {
    Step step(device_, model);
    ASSERT_TRUE(step.record().ok());
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(step.submit().ok());
    logits = step.logits();
  }
  EXPECT_EQ(std::memcmp(last[0].data(), last[1].data(), last[0].size() * 4), 0);
}

}  // namespace
}  // namespace lathe::gpu
