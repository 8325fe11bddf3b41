#include "tune/provider.h"

#include <map>
#include <mutex>

#include "tune/provider_libraries.h"

namespace lathe::tune {
namespace {

using Open = Result<std::unique_ptr<Provider>> (*)();
constexpr std::string_view kNames[] = {"openblas", "blis", "onednn", "accelerate"};
constexpr Open kOpen[] = {open_openblas, open_blis, open_onednn, open_accelerate};

Result<std::unique_ptr<Provider>> open(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return kOpen[i]();
  return open_cblas(std::string(name));
}

struct Opened {
  std::unique_ptr<Provider> provider;
  Status status;
};

// A library is opened once: its threads and its choice of kernels are the process's.
const Opened& opened(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, Opened, std::less<>> all;
  const std::lock_guard lock(mutex);
  if (const auto found = all.find(name); found != all.end()) return found->second;
  auto provider = open(name);
  Opened entry;
  if (provider)
    entry.provider = std::move(*provider);
  else
    entry.status = provider.status();
  return all.emplace(std::string(name), std::move(entry)).first->second;
}

bool is_known(std::string_view name) {
  for (const std::string_view known : kNames)
    if (known == name) return true;
  return false;
}

}  // namespace

Result<std::unique_ptr<PreparedProduct>> Provider::prepare(const ProductShape&) const {
  return unsupported(name_ + " has no prepared products");
}

std::span<const std::string_view> known_providers() { return kNames; }

std::vector<const Provider*> installed_providers() {
  std::vector<const Provider*> found;
  for (const std::string_view name : kNames)
    if (const Opened& entry = opened(name); entry.provider) found.push_back(entry.provider.get());
  return found;
}

Result<const Provider*> load_provider(std::string_view name) {
  if (!is_known(name) && name.find('/') == std::string_view::npos) {
    std::string known, installed;
    for (const std::string_view other : kNames) known += (known.empty() ? "" : ", ") + std::string(other);
    for (const Provider* other : installed_providers()) installed += (installed.empty() ? "" : ", ") + other->name();
    return invalid_argument(
        "unknown provider \"" + std::string(name) + "\": known are " + known +
        ", and the path of any cblas library; installed here: " + (installed.empty() ? "none" : installed));
  }
  const Opened& entry = opened(name);
  if (!entry.provider) return entry.status;
  return entry.provider.get();
}

}  // namespace lathe::tune
