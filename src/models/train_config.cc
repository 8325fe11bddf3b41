#include "models/train_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/atomic_file.h"
#include "base/bounded_json.h"
#include "base/checked.h"
#include "base/shown.h"
#include "formats/hf_config.h"
#include "models/field_reader.h"

namespace lathe::models {
namespace {

using Family = TrainConfig::Family;

constexpr int64_t kLargestFile = 1 << 20;  // bytes
// No size of a model is beyond it, and products of two stay within 63 bits.
constexpr IntRange kSize{1, int64_t{1} << 24};

constexpr std::array<std::string_view, 4> kFamilies = {"llama", "qwen3", "gpt2", "qwen2"};

struct Preset {
  std::string_view name;
  TrainConfig config;
};

// The stories are those of llama2.c; 260k has an intermediate size beside the rule.
constexpr std::array<Preset, 7> kPresets = {{
    {"stories260k",
     {.vocabulary = 512, .width = 64, .layers = 5, .heads = 8, .kv_heads = 4, .intermediate = 172, .context = 512}},
    {"stories15m", {.vocabulary = 32000, .width = 288, .layers = 6, .heads = 6, .context = 256}},
    {"stories42m", {.vocabulary = 32000, .width = 512, .layers = 8, .heads = 8, .context = 1024}},
    {"stories110m", {.vocabulary = 32000, .width = 768, .layers = 12, .heads = 12, .context = 1024}},
    {"qwen3-0.6b",
     {.family = Family::qwen3,
      .vocabulary = 151936,
      .width = 1024,
      .layers = 28,
      .heads = 16,
      .kv_heads = 8,
      .head_dim = 128,
      .intermediate = 3072,
      .context = 40960,
      .eps = 1e-6f,
      .rope_base = 1e6}},
    {"nanogpt-baby", {.family = Family::gpt2, .width = 128, .layers = 4, .heads = 4, .context = 64}},
    {"gpt2", {.family = Family::gpt2, .vocabulary = 50257, .width = 768, .layers = 12, .heads = 12, .context = 1024}},
}};

constexpr auto kPresetNames = [] {
  std::array<std::string_view, kPresets.size()> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = kPresets[i].name;
  return names;
}();

constexpr std::array<std::string_view, 14> kKeys = {"preset", "family",   "vocabulary", "width",        "layers",
                                                    "heads",  "kv_heads", "head_dim",   "intermediate", "context",
                                                    "tied",   "eps",      "rope_base",  "init_scale"};

std::string joined(std::span<const std::string_view> names) { return fmt::format("{}", fmt::join(names, ", ")); }

const TrainConfig* find_preset(std::string_view name) {
  const auto found = std::ranges::find(kPresets, name, &Preset::name);
  return found == kPresets.end() ? nullptr : &found->config;
}

// llama2.c: two thirds of 4 * width, rounded up to a multiple of 32.
int64_t llama_intermediate(int64_t width) { return round_up(4 * width * 2 / 3, 32); }

// What the description left open.
void fill_in(TrainConfig& c) {
  if (c.kv_heads == 0) c.kv_heads = c.heads;
  if (c.head_dim == 0 && c.heads > 0 && c.width % c.heads == 0) c.head_dim = c.width / c.heads;
  if (c.intermediate == 0) c.intermediate = c.family == Family::gpt2 ? 4 * c.width : llama_intermediate(c.width);
}

// A key that nobody reads is a mistyped one.
Status check_keys(std::string_view text, std::string_view file) {
  const auto json = parse_json(text, file);
  if (!json) return json.status();
  if (!json->is_object()) return corrupt(fmt::format("{}: is {}, needed: a JSON object", file, json->type_name()));
  for (const auto& item : json->items())
    if (std::ranges::find(kKeys, item.key()) == kKeys.end())
      return invalid_argument(fmt::format("{}: the field {} is none of {}", file, shown(item.key()), joined(kKeys)));
  return {};
}

Result<Family> family_of(std::string_view name, std::string_view file) {
  const auto found = std::ranges::find(kFamilies, name);
  if (found == kFamilies.end())
    return invalid_argument(fmt::format("{}: family is {}, needed: one of {}", file, shown(name), joined(kFamilies)));
  return static_cast<Family>(found - kFamilies.begin());
}

}  // namespace

std::string_view family_name(Family family) { return kFamilies[static_cast<size_t>(family)]; }

std::span<const std::string_view> train_presets() { return kPresetNames; }

Result<TrainConfig> parse_train_config(std::string_view json, std::string_view file) {
  if (Status status = check_keys(json, file); !status.ok()) return status;
  const auto fields = HfConfig::parse(json, file);
  if (!fields) return fields.status();
  FieldReader reader(*fields);
  TrainConfig c;
  if (fields->has("preset")) {
    const std::string_view name = reader.text("preset");
    if (!reader.status().ok()) return reader.status();
    const TrainConfig* preset = find_preset(name);
    if (preset == nullptr)
      return invalid_argument(
          fmt::format("{}: preset is {}, needed: one of {}", file, shown(name), joined(kPresetNames)));
    c = *preset;
  }
  if (fields->has("family")) {
    const std::string_view name = reader.text("family");
    if (!reader.status().ok()) return reader.status();
    const auto family = family_of(name, file);
    if (!family) return family.status();
    c.family = *family;
  }
  // What may be left open stays 0 and is filled in; the rest is required where no preset has it.
  const auto open = [&](std::string_view name, int64_t& value) {
    if (fields->has(name)) value = reader.count(name, kSize);
  };
  const auto required = [&](std::string_view name, int64_t& value) {
    if (value == 0 || fields->has(name)) value = reader.count(name, kSize);
  };
  if (fields->has("vocabulary")) c.vocabulary = reader.count("vocabulary", {0, kSize.most});
  required("width", c.width);
  required("layers", c.layers);
  required("heads", c.heads);
  required("context", c.context);
  open("kv_heads", c.kv_heads);
  open("head_dim", c.head_dim);
  open("intermediate", c.intermediate);
  c.tied = reader.flag_or("tied", c.tied);
  c.eps = static_cast<float>(reader.number_or("eps", c.eps, {1e-12, 1}));
  c.rope_base = reader.number_or("rope_base", c.rope_base, {1, 1e12});
  c.init_scale = static_cast<float>(reader.number_or("init_scale", c.init_scale, {0, 1e3}));
  if (!reader.status().ok()) return reader.status();
  fill_in(c);
  TrainConfig whole = c;
  whole.vocabulary = std::max<int64_t>(1, c.vocabulary);
  if (Status status = check_train_config(whole); !status.ok())
    return invalid_argument(fmt::format("{}: {}", file, status.message()));
  return c;
}

Result<TrainConfig> read_train_config(const std::string& name_or_path) {
  if (const TrainConfig* preset = find_preset(name_or_path)) {
    TrainConfig c = *preset;
    fill_in(c);
    return c;
  }
  const auto text = read_file(name_or_path, kLargestFile);
  if (!text) {
    if (text.status().code() == Code::not_found)
      return not_found(fmt::format("{}: is no file and none of the presets {}", name_or_path, joined(kPresetNames)));
    return text.status();
  }
  return parse_train_config(*text, name_or_path);
}

std::string train_config_json(const TrainConfig& c) {
  return fmt::format(
      "{{\n  \"family\": \"{}\",\n  \"vocabulary\": {},\n  \"width\": {},\n  \"layers\": {},\n  \"heads\": {},\n"
      "  \"kv_heads\": {},\n  \"head_dim\": {},\n  \"intermediate\": {},\n  \"context\": {},\n  \"tied\": {},\n"
      "  \"eps\": {},\n  \"rope_base\": {},\n  \"init_scale\": {}\n}}\n",
      family_name(c.family), c.vocabulary, c.width, c.layers, c.heads, c.kv_heads, c.head_dim, c.intermediate,
      c.context, c.tied, c.eps, c.rope_base, c.init_scale);
}

Status check_train_config(const TrainConfig& c) {
  const struct {
    std::string_view name;
    int64_t value;
  } sizes[] = {{"vocabulary", c.vocabulary},
               {"width", c.width},
               {"layers", c.layers},
               {"heads", c.heads},
               {"kv_heads", c.kv_heads},
               {"head_dim", c.head_dim},
               {"intermediate", c.intermediate},
               {"context", c.context}};
  for (const auto& size : sizes) {
    // Where heads do not divide the width there is no head_dim to be left open.
    if (size.name == "head_dim" && size.value == 0 && c.heads > 0 && c.width % c.heads != 0)
      return invalid_argument(fmt::format(
          "width is {} and heads is {}, needed: a width that heads divide, or a head_dim", c.width, c.heads));
    if (size.value < kSize.least || size.value > kSize.most)
      return invalid_argument(
          fmt::format("{} is {}, needed: {} to {}", size.name, size.value, kSize.least, kSize.most));
  }
  if (c.heads % c.kv_heads != 0)
    return invalid_argument(
        fmt::format("heads is {} and kv_heads is {}, needed: kv_heads that divide heads", c.heads, c.kv_heads));
  if (c.family == Family::gpt2) {
    if (c.kv_heads != c.heads)
      return invalid_argument(
          fmt::format("kv_heads is {}, needed for gpt2: as many as heads, {}", c.kv_heads, c.heads));
    if (c.head_dim != c.width / c.heads || c.width % c.heads != 0)
      return invalid_argument(
          fmt::format("head_dim is {}, needed for gpt2: width {} divided by heads {}", c.head_dim, c.width, c.heads));
    if (!c.tied) return invalid_argument("tied is false, needed for gpt2: true");
  } else if (c.head_dim % 2 != 0) {
    return invalid_argument(fmt::format("head_dim is {}, needed for rotary positions: an even number", c.head_dim));
  }
  // Four flat arrays of floats and a step's products stay below 2^46 bytes each.
  constexpr int64_t kMost = int64_t{1} << 40;
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  const auto qkv = checked_mul(q + 2 * kv, c.width), mlp = checked_mul(3, c.intermediate, c.width);
  const auto each = qkv && mlp ? checked_add(*qkv, *mlp) : std::nullopt;
  const auto layers = each ? checked_mul(*each, c.layers) : std::nullopt;
  const auto words = checked_mul(2, c.vocabulary, c.width);
  const auto all = layers && words ? checked_add(*layers, *words) : std::nullopt;
  if (!all || *all > kMost)
    return invalid_argument(
        fmt::format("a model of width {}, {} layers, intermediate {} and vocabulary {} has more than "
                    "2^40 weights",
                    c.width, c.layers, c.intermediate, c.vocabulary));
  return {};
}

}  // namespace lathe::models
