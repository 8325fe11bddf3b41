#include "sample/recommended.h"

#include <filesystem>

#include "formats/hf_config.h"

namespace lathe::sample {
namespace {

// Reads fields until one is wrong.
struct Reader {
  const Fields& fields;
  Status status{};

  float number(const char* key, double fallback, FloatRange range) {
    const auto value = fields.float_or(key, fallback, range);
    if (value) return static_cast<float>(*value);
    if (status.ok()) status = value.status();
    return static_cast<float>(fallback);
  }
  int64_t count(const char* key, int64_t fallback) {
    const auto value = fields.int_or(key, fallback, IntRange{0, kMostTokens});
    if (value) return *value;
    if (status.ok()) status = value.status();
    return fallback;
  }
  bool flag(const char* key) {
    const auto value = fields.bool_or(key, false);
    if (value) return *value;
    if (status.ok()) status = value.status();
    return false;
  }
};

}  // namespace

Result<SamplerOptions> recommended(const std::string& folder) {
  SamplerOptions options;
  const std::string path = (std::filesystem::path(folder) / "generation_config.json").string();
  if (std::error_code error; !std::filesystem::exists(path, error)) return options;
  const auto config = HfConfig::open(path);
  if (!config) return config.status();
  Reader read{*config};
  options.repetition_penalty = read.number("repetition_penalty", 1, {1e-3, 1e3});
  if (read.flag("do_sample")) {
    options.temperature = read.number("temperature", 1, {0, 1e3});
    options.top_k = read.count("top_k", 50);
    options.top_p = read.number("top_p", 1, {1e-6, 1});
    options.min_p = read.number("min_p", 0, {0, 1});
  }
  if (!read.status.ok()) return read.status;
  return options;
}

}  // namespace lathe::sample
