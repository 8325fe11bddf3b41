#include "models/weight_binder.h"

#include <cstring>
#include <optional>

#include "base/memory.h"
#include "quant/dequantize.h"

namespace lathe::models {
namespace {

// The type in which the packer reads a tensor as it lies in the file.
std::optional<matmul::Type> packable(DType dtype, matmul::Layout layout) {
  if (dtype == DType::f64) return std::nullopt;
  const matmul::Type type = kept_type(dtype);
  const bool other_blocks = type == matmul::Type::q8_0 && dtype != DType::q8_0;
  const bool only_as_they_are = matmul::k_unit(type) > matmul::kBlock && layout != matmul::prepared_layout(type);
  return other_blocks || only_as_they_are ? std::nullopt : std::optional(type);
}

bool is_aligned(const TensorView& tensor) {
  const size_t needed = tensor.dtype == DType::f32 ? alignof(float) : alignof(uint16_t);
  return reinterpret_cast<uintptr_t>(tensor.bytes.data()) % needed == 0;
}

Status read_values(const TensorView& tensor, float* out) {
  const Status read = dequantize(tensor.dtype, tensor.bytes, tensor.elements(), out);
  return read.ok() ? read : Status(read.code(), tensor.name + ": " + read.message());
}

using Parts = std::span<const TensorView* const>;

// The rows of all parts, one after the other: where they lie in the file, or `joined`. Parts of one type are joined as
// they are stored, so that quants which the products take stay those of the file.
Status sources_of(Parts parts, const ops::PackedKey& key, Buffer& joined, std::vector<ops::Weights::Part>& sources) {
  const int64_t in = key.k;
  const DType dtype = parts.front()->dtype;
  bool as_stored = packable(dtype, key.layout).has_value();
  const matmul::Type type = packable(dtype, key.layout).value_or(matmul::Type::f32);
  int64_t rows = 0, bytes = 0;
  bool in_place = true;
  for (const TensorView* part : parts) {
    as_stored = as_stored && part->dtype == dtype;
    in_place = in_place && is_aligned(*part) && rows % matmul::kPanel == 0;
    rows += part->shape[0];
    bytes += static_cast<int64_t>(part->bytes.size());
  }
  if (as_stored && in_place) {
    for (const TensorView* part : parts)
      sources.push_back({{.type = type, .data = part->bytes.data(), .ld = in}, part->shape[0]});
    return {};
  }
  auto made = Buffer::create(as_stored ? bytes : rows * in * static_cast<int64_t>(sizeof(float)));
  if (!made) return made.status();
  joined = std::move(*made);
  std::byte* at = joined.data();
  for (const TensorView* part : parts) {
    if (as_stored) {
      std::memcpy(at, part->bytes.data(), part->bytes.size());
      at += part->bytes.size();
    } else {
      if (Status status = read_values(*part, reinterpret_cast<float*>(at)); !status.ok()) return status;
      at += part->elements() * static_cast<int64_t>(sizeof(float));
    }
  }
  sources.push_back({{.type = as_stored ? type : matmul::Type::f32, .data = joined.data(), .ld = in}, rows});
  return {};
}

// The product of parts one below the other, from the store or packed now.
Result<ops::Weights> stacked(Parts parts, const ops::PackedKey& key, Team* team, ops::PackedStore* store) {
  return ops::kept_or(store, key, [&]() -> Result<ops::Weights> {
    Buffer joined;
    std::vector<ops::Weights::Part> sources;
    if (Status status = sources_of(parts, key, joined, sources); !status.ok()) return status;
    auto packed = ops::Weights::prepare_stacked(sources, key.k, key.layout, team);
    for (size_t i = 0; store != nullptr && i < parts.size(); ++i) store->used_up(parts[i]->bytes);
    return packed;
  });
}

}  // namespace

matmul::Type kept_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::f64:
      return matmul::Type::f32;
    case DType::f16:
      return matmul::Type::f16;
    case DType::bf16:
      return matmul::Type::bf16;
    case DType::q4_0:
      return matmul::Type::q4_0;
    case DType::q4_1:
      return matmul::Type::q4_1;
    case DType::q4_k:
      return matmul::Type::q4_k;
    case DType::q5_k:
      return matmul::Type::q5_k;
    case DType::q6_k:
      return matmul::Type::q6_k;
    default:
      return matmul::Type::q8_0;
  }
}

std::string prefix_of(const TensorTable& tensors, std::span<const char* const> prefixes, std::string_view name) {
  for (const char* prefix : prefixes)
    if (tensors.find(std::string(prefix).append(name)) != nullptr) return prefix;
  return "";
}

Result<int64_t> rows_of(const TensorTable& tensors, std::string_view name) {
  const auto tensor = tensors.require(name);
  if (!tensor) return tensor.status();
  const Shape& shape = (*tensor)->shape;
  if (shape.rank() == 2 && shape[0] >= 1) return shape[0];
  return corrupt("tensor " + std::string(name) + " has the shape " + shape.text() +
                 ", needed: two dimensions and at least one row");
}

const TensorView* WeightBinder::require(const std::string& name, const Shape& shape) {
  if (!status_.ok()) return nullptr;
  const auto tensor = tensors_.require(prefix_ + name, shape);
  if (tensor) return *tensor;
  status_ = tensor.status();
  return nullptr;
}

ops::EmbeddingTable WeightBinder::table(const std::string& name, const Shape& shape) {
  const TensorView* tensor = require(name, shape);
  if (tensor == nullptr) return {};
  auto made = ops::EmbeddingTable::create(*tensor);
  if (made) return *made;
  status_ = made.status();
  return {};
}

std::vector<float> WeightBinder::vector(const std::string& name, int64_t n) {
  std::vector<float> values;
  const TensorView* tensor = require(name, {n});
  if (tensor == nullptr) return values;  // before any memory is taken: n may be any number
  values.resize(static_cast<size_t>(n));
  status_ = read_values(*tensor, values.data());
  return values;
}

NormWeights WeightBinder::norm(const std::string& name, int64_t n) {
  return {vector(name + ".weight", n), vector(name + ".bias", n)};
}

matmul::Type WeightBinder::common_type(Parts tensors) const {
  matmul::Type type = stored_.value_or(kept_type(tensors.front()->dtype));
  for (const TensorView* tensor : tensors)
    if (!stored_ && kept_type(tensor->dtype) != type) type = matmul::Type::q8_0;
  return fitting(type, tensors.front()->shape[1]);
}

matmul::Type WeightBinder::fitting(matmul::Type type, int64_t in) {
  return in % matmul::k_unit(type) == 0 || matmul::k_unit(type) == matmul::kBlock ? type : matmul::Type::q8_0;
}

matmul::Type WeightBinder::type_of(const std::string& module, const Shape& shape) {
  const TensorView* tensor = require(module + ".weight", shape);
  return tensor == nullptr ? matmul::Type::f32 : common_type({&tensor, 1});
}

std::vector<LinearWeights> WeightBinder::linears(std::span<const Part> parts, int64_t in, bool bias) {
  std::vector<LinearWeights> all;
  for (size_t begin = 0, end = 0; begin < parts.size() && status_.ok(); begin = end) {
    const auto type = [&](size_t part) { return type_of(parts[part].name, {parts[part].out, in}); };
    const matmul::Type first = type(begin);
    for (end = begin + 1; end < parts.size() && type(end) == first;) ++end;
    all.push_back(linear(parts.subspan(begin, end - begin), in, bias));
  }
  return all;
}

LinearWeights WeightBinder::linear(std::span<const Part> parts, int64_t in, bool bias) {
  LinearWeights linear;
  std::vector<const TensorView*> weights;
  ops::PackedKey key = {.k = in};
  for (const Part& part : parts) {  // before any memory is taken: what the file holds bounds it
    weights.push_back(require(part.name + ".weight", {part.out, in}));
    if (bias) require(part.name + ".bias", {part.out});
    key.name += (key.name.empty() ? "" : "+") + part.name;
    key.n += part.out;
  }
  if (!status_.ok()) return linear;
  for (const Part& part : parts) {
    if (!bias) break;
    const auto values = vector(part.name + ".bias", part.out);
    linear.bias.insert(linear.bias.end(), values.begin(), values.end());
  }
  if (!status_.ok()) return linear;
  linear.type = common_type(weights);
  key.layout = matmul::prepared_layout(linear.type);
  auto packed = stacked(weights, key, team_, store_);
  if (packed)
    linear.weights = std::move(*packed);
  else
    status_ = packed.status();
  return linear;
}

LinearWeights WeightBinder::linear(const std::string& name, int64_t out, int64_t in, bool bias) {
  const Part parts[] = {{name, out}};
  return linear(parts, in, bias);
}

LinearWeights WeightBinder::conv1d(const std::string& name, int64_t out, int64_t in) {
  LinearWeights linear;
  const TensorView* weight = require(name + ".weight", {in, out});
  linear.bias = vector(name + ".bias", out);
  if (!status_.ok()) return linear;
  const DType dtype = weight->dtype;
  if (dtype != DType::f64 && dtype != DType::f32 && dtype != DType::f16 && dtype != DType::bf16) {
    status_ = unsupported("tensor " + weight->name + " is stored as " + std::string(dtype_name(dtype)) +
                          ", needed: f64, f32, f16 or bf16, as its rows are those of the input");
    return linear;
  }
  linear.type = fitting(stored_.value_or(kept_type(dtype)), in);
  const ops::PackedKey key = {.name = name, .n = out, .k = in, .layout = matmul::prepared_layout(linear.type)};
  auto packed = ops::kept_or(store_, key, [&]() -> Result<ops::Weights> {
    matmul::Source source = {
        .type = kept_type(dtype), .order = matmul::Order::kn, .data = weight->bytes.data(), .ld = out};
    Buffer values;
    if (dtype == DType::f64 || !is_aligned(*weight)) {
      auto made = Buffer::create(in * out * static_cast<int64_t>(sizeof(float)));
      if (!made) return made.status();
      values = std::move(*made);
      if (Status status = read_values(*weight, reinterpret_cast<float*>(values.data())); !status.ok()) return status;
      source.type = matmul::Type::f32;
      source.data = values.data();
    }
    auto panels = ops::Weights::prepare({&source, 1}, out, in, key.layout, team_);
    if (store_ != nullptr) store_->used_up(weight->bytes);
    return panels;
  });
  if (packed)
    linear.weights = std::move(*packed);
  else
    status_ = packed.status();
  return linear;
}

LinearWeights WeightBinder::gated(const std::string& gate, const std::string& up, int64_t out, int64_t in) {
  LinearWeights linear;
  const TensorView* weights[] = {require(gate + ".weight", {out, in}), require(up + ".weight", {out, in})};
  if (!status_.ok()) return linear;
  linear.type = common_type(weights);
  const ops::PackedKey key = {
      .name = gate + "*" + up, .n = out, .k = in, .layout = matmul::prepared_layout(linear.type), .gated = true};
  auto packed = ops::kept_or(store_, key, [&]() -> Result<ops::Weights> {
    Buffer joined[2];
    std::vector<ops::Weights::Part> parts;
    for (size_t i = 0; i < 2; ++i)
      if (Status status = sources_of({&weights[i], 1}, key, joined[i], parts); !status.ok()) return status;
    const matmul::Source sources[] = {parts[0].source, parts[1].source};
    auto made = ops::Weights::prepare(sources, out, in, key.layout, team_);
    for (size_t i = 0; store_ != nullptr && i < 2; ++i) store_->used_up(weights[i]->bytes);
    return made;
  });
  if (packed)
    linear.weights = std::move(*packed);
  else
    status_ = packed.status();
  return linear;
}

std::vector<LinearWeights> WeightBinder::gate_up(const std::string& gate, const std::string& up, int64_t out,
                                                 int64_t in) {
  std::vector<LinearWeights> all;
  if (type_of(gate, {out, in}) == type_of(up, {out, in})) {
    all.push_back(gated(gate, up, out, in));
  } else {
    for (const std::string& name : {gate, up}) all.push_back(linear(name, out, in, false));
  }
  return all;
}

Result<LinearWeights> bind_linear(const TensorView& weight, const TensorView* bias, matmul::Type stored, Team* team,
                                  ops::PackedStore* store, const std::string& name) {
  LinearWeights linear;
  linear.type = stored;
  const TensorView* const parts[] = {&weight};
  const ops::PackedKey key = {
      .name = name, .n = weight.shape[0], .k = weight.shape[1], .layout = matmul::prepared_layout(stored)};
  auto packed = stacked(parts, key, team, store);
  if (!packed) return packed.status();
  linear.weights = std::move(*packed);
  if (bias == nullptr) return linear;
  linear.bias.resize(static_cast<size_t>(bias->elements()));
  if (Status status = read_values(*bias, linear.bias.data()); !status.ok()) return status;
  return linear;
}

}  // namespace lathe::models
