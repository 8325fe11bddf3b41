#include "probe/candidates.h"

#include <algorithm>
#include <string>

namespace lathe::probe {

using matmul::Variant;

namespace {

bool wanted_by_name(const Options& options, const Variant& variant) {
  return options.variants.empty() || std::any_of(options.variants.begin(), options.variants.end(),
                                                 [&](const auto& glob) { return matches_glob(glob, variant.name); });
}

std::string known_variants() {
  std::string names;
  for (const Variant* variant : matmul::variants()) names += (names.empty() ? "" : ", ") + std::string(variant->name);
  return names;
}

Status check_patterns(const Options& options) {
  for (const std::string& glob : options.variants) {
    const auto table = matmul::variants();
    if (std::none_of(table.begin(), table.end(), [&](const Variant* v) { return matches_glob(glob, v->name); }))
      return invalid_argument("unknown variant \"" + glob + "\": known are " + known_variants());
  }
  return {};
}

Status check_isa(const std::string& name, FeatureSet features) {
  if (name.empty()) return {};
  const auto isa = parse_isa(name);
  if (!isa) return isa.status();
  if (const std::string missing = missing_features(features, isa_needs(*isa)); !missing.empty())
    return unsupported("instruction set " + name + " needs " + missing + ", which this CPU lacks");
  const auto table = matmul::variants();
  if (std::none_of(table.begin(), table.end(), [&](const Variant* v) { return v->isa == *isa; }))
    return unsupported("this build has no matmul variant for instruction set " + name);
  return {};
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {  // the last star takes one character more
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Result<Candidates> find_candidates(const Options& options, FeatureSet features) {
  if (Status status = check_patterns(options); !status.ok()) return status;
  if (Status status = check_isa(options.isa, features); !status.ok()) return status;
  Candidates found;
  found.scalar_wanted = options.isa == isa_name(Isa::scalar) || !options.variants.empty();
  for (const Variant* variant : matmul::variants())
    if (wanted_by_name(options, *variant) && (options.isa.empty() || options.isa == isa_name(variant->isa)))
      found.variants.push_back(variant);
  if (options.providers.empty()) {
    found.providers = tune::installed_providers();
  } else if (options.providers != std::vector<std::string>{"none"}) {
    for (const std::string& name : options.providers) {
      const auto provider = tune::load_provider(name);
      if (!provider) return provider.status();
      found.providers.push_back(*provider);
    }
  }
  return found;
}

}  // namespace lathe::probe
