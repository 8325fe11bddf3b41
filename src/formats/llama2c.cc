#include "formats/llama2c.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/checked.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are little-endian, and used in place");

constexpr int64_t kHeaderBytes = 7 * sizeof(int32_t);
constexpr int64_t kMostSmall = 1 << 16;  // layers, heads

template <class T>
T read_at(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Status read_header(std::span<const std::byte> bytes, std::string_view file, Llama2cHeader& header) {
  if (static_cast<int64_t>(bytes.size()) < kHeaderBytes)
    return corrupt(
        fmt::format("{}: has {} bytes, needed: the {} of a llama2.c header", file, bytes.size(), kHeaderBytes));
  struct Field {
    const char* name;
    int64_t Llama2cHeader::*value;
    int64_t most;
  };
  constexpr std::array kFields = {
      Field{"dim", &Llama2cHeader::width, INT32_MAX},
      Field{"hidden_dim", &Llama2cHeader::intermediate, INT32_MAX},
      Field{"n_layers", &Llama2cHeader::layers, kMostSmall},
      Field{"n_heads", &Llama2cHeader::heads, kMostSmall},
      Field{"n_kv_heads", &Llama2cHeader::kv_heads, kMostSmall},
      Field{"vocab_size", &Llama2cHeader::vocabulary, INT32_MAX},
      Field{"seq_len", &Llama2cHeader::positions, INT32_MAX},
  };
  for (size_t i = 0; i < kFields.size(); ++i) {
    int64_t value = read_at<int32_t>(bytes, i * sizeof(int32_t));
    if (kFields[i].value == &Llama2cHeader::vocabulary) {
      header.tied = value > 0;
      value = value < 0 ? -value : value;
    }
    if (value < 1 || value > kFields[i].most)
      return corrupt(fmt::format("{}: {} of the llama2.c header is {}, needed: 1 to {}", file, kFields[i].name, value,
                                 kFields[i].most));
    header.*kFields[i].value = value;
  }
  if (header.width % header.heads != 0 || header.head_dim() % 2 != 0)
    return corrupt(fmt::format("{}: dim is {} and n_heads is {}, needed: heads of an even number of elements", file,
                               header.width, header.heads));
  if (header.heads % header.kv_heads != 0)
    return corrupt(fmt::format("{}: n_kv_heads is {}, needed: a divisor of n_heads, which is {}", file, header.kv_heads,
                               header.heads));
  return {};
}

// Takes the tensors off the file one after the other; the first that is not there whole is the error.
class Tensors {
 public:
  Tensors(std::span<const std::byte> bytes, std::string_view file)
      : bytes_(bytes), file_(file), at_(static_cast<size_t>(kHeaderBytes)) {}

  void take(std::string name, const Shape& shape) {
    const auto part = next(name, shape);
    if (part) views_.push_back({std::move(name), DType::f32, shape, *part});
  }
  // One of each layer, side by side.
  void take_layers(int64_t layers, const std::string& name, const Shape& shape) {
    for (int64_t i = 0; i < layers && status_.ok(); ++i)
      take("model.layers." + std::to_string(i) + "." + name + ".weight", shape);
  }
  void skip(const std::string& name, const Shape& shape) { (void)next(name, shape); }

  Result<TensorTable> finish() {
    if (status_.ok() && at_ != bytes_.size())
      status_ =
          corrupt(fmt::format("{}: {} bytes stand behind the last tensor, needed: none", file_, bytes_.size() - at_));
    if (!status_.ok()) return status_;
    return TensorTable::create(std::move(views_), std::string(file_));
  }

 private:
  std::optional<std::span<const std::byte>> next(const std::string& name, const Shape& shape) {
    if (!status_.ok()) return std::nullopt;
    const auto size = tensor_bytes(DType::f32, shape);
    if (!size || *size > static_cast<int64_t>(bytes_.size() - at_)) {
      status_ = corrupt(fmt::format("{}: {} bytes are left for tensor {}, needed: those of shape {} in f32", file_,
                                    bytes_.size() - at_, name, shape.text()));
      return std::nullopt;
    }
    const auto part = bytes_.subspan(at_, static_cast<size_t>(*size));
    at_ += part.size();
    return part;
  }

  std::span<const std::byte> bytes_;
  std::string_view file_;
  size_t at_;
  std::vector<TensorView> views_;
  Status status_;
};

}  // namespace

Result<Llama2c> Llama2c::parse(std::span<const std::byte> bytes, std::string_view file) {
  Llama2c content;
  if (Status status = read_header(bytes, file, content.header); !status.ok()) return status;
  const Llama2cHeader& h = content.header;
  const int64_t keys = h.kv_heads * h.head_dim();
  Tensors tensors(bytes, file);
  tensors.take("model.embed_tokens.weight", {h.vocabulary, h.width});
  tensors.take_layers(h.layers, "input_layernorm", {h.width});
  tensors.take_layers(h.layers, "self_attn.q_proj", {h.width, h.width});
  tensors.take_layers(h.layers, "self_attn.k_proj", {keys, h.width});
  tensors.take_layers(h.layers, "self_attn.v_proj", {keys, h.width});
  tensors.take_layers(h.layers, "self_attn.o_proj", {h.width, h.width});
  tensors.take_layers(h.layers, "post_attention_layernorm", {h.width});
  tensors.take_layers(h.layers, "mlp.gate_proj", {h.intermediate, h.width});
  tensors.take_layers(h.layers, "mlp.down_proj", {h.width, h.intermediate});
  tensors.take_layers(h.layers, "mlp.up_proj", {h.intermediate, h.width});
  tensors.take("model.norm.weight", {h.width});
  tensors.skip("freq_cis_real", {h.positions, h.head_dim() / 2});  // of positions; computed here
  tensors.skip("freq_cis_imag", {h.positions, h.head_dim() / 2});
  if (!h.tied) tensors.take("lm_head.weight", {h.vocabulary, h.width});
  auto table = tensors.finish();
  if (!table) return table.status();
  content.tensors = std::move(*table);
  return content;
}

Result<Llama2cFile> open_llama2c(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return file.status();
  auto content = Llama2c::parse(file->bytes(), path);
  if (!content) return content.status();
  return Llama2cFile{std::move(*file), std::move(*content)};
}

// The length of the longest piece, then of each piece its score, its length and its characters.
Result<Llama2cVocabulary> Llama2cVocabulary::parse(std::span<const std::byte> bytes, std::string_view file) {
  constexpr size_t kRecord = sizeof(float) + sizeof(int32_t), kLongest = 1 << 16;
  Llama2cVocabulary vocabulary;
  if (bytes.size() < sizeof(int32_t))
    return corrupt(fmt::format("{}: has {} bytes, needed: a llama2.c vocabulary", file, bytes.size()));
  for (size_t at = sizeof(int32_t); at < bytes.size();) {
    const size_t piece = vocabulary.pieces.size();
    const size_t left = bytes.size() - at;
    const int64_t length = left < kRecord ? -1 : int64_t{read_at<int32_t>(bytes, at + sizeof(float))};
    if (length < 0 || length > static_cast<int64_t>(kLongest) || static_cast<size_t>(length) > left - kRecord)
      return corrupt(
          fmt::format("{}: piece {} has a length of {} and {} bytes are left, needed: a piece that ends "
                      "within the file",
                      file, piece, length, left));
    vocabulary.scores.push_back(read_at<float>(bytes, at));
    vocabulary.pieces.emplace_back(reinterpret_cast<const char*>(bytes.data()) + at + kRecord,
                                   static_cast<size_t>(length));
    at += kRecord + static_cast<size_t>(length);
  }
  return vocabulary;
}

Result<std::string> llama2c_tokenizer_beside(const std::string& checkpoint, int64_t vocabulary) {
  const auto folder = std::filesystem::path(checkpoint).parent_path();
  const std::string own = "tok" + std::to_string(vocabulary) + ".bin";
  std::error_code error;
  for (const std::string& name : {own, std::string("tokenizer.bin")})
    if (std::filesystem::is_regular_file(folder / name, error)) return (folder / name).string();
  return not_found(fmt::format("{}: there is no vocabulary beside it, needed: {} or tokenizer.bin", checkpoint, own));
}

}  // namespace lathe
