#include "run/stored_type.h"

#include <algorithm>
#include <map>
#include <string>

namespace lathe::run {
namespace {

matmul::Type kept_as(DType type) {
  switch (type) {
    case DType::f32:
    case DType::f16:
    case DType::f64:
      return matmul::Type::f32;
    case DType::bf16:
      return matmul::Type::bf16;
    case DType::q4_0:
      return matmul::Type::q4_0;
    default:
      return matmul::Type::q8_0;
  }
}

// Tables are gathered from the file in its own type; they say nothing about the products.
bool is_product(const TensorView& tensor) {
  return tensor.shape.rank() == 2 && tensor.name.find("embd") == std::string::npos &&
         tensor.name.find("embeddings") == std::string::npos && tensor.name.find("embed_tokens") == std::string::npos;
}

}  // namespace

matmul::Type stored_type(const TensorTable& tensors) {
  std::map<matmul::Type, int64_t> elements;
  for (const TensorView& tensor : tensors.all())
    if (is_product(tensor)) elements[kept_as(tensor.dtype)] += tensor.elements();
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == elements.end() ? matmul::Type::f32 : most->first;
}

std::string stored_type_names(StoredTypes types) {
  std::string names;
  for (const matmul::Type type : types) {
    if (!names.empty()) names += type == types.back() ? " or " : ", ";
    names += matmul::type_name(type);
  }
  return names;
}

std::optional<matmul::Type> stored_type_named(std::string_view name, StoredTypes types) {
  for (const matmul::Type type : types)
    if (matmul::type_name(type) == name) return type;
  return std::nullopt;
}

Status check_stored(matmul::Type stored, StoredTypes types) {
  for (const matmul::Type type : types)
    if (type == stored) return {};
  return unsupported("the weights are to be kept as " + std::string(matmul::type_name(stored)) +
                     ", needed: " + stored_type_names(types));
}

}  // namespace lathe::run
