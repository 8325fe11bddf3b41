#include "hub_path.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "base/atomic_file.h"

namespace lathe::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// As huggingface_hub reads a switch.
bool is_on(const char* name) {
  std::string value = variable(name);
  std::ranges::transform(value, value.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  constexpr std::array<std::string_view, 4> kOn = {"1", "ON", "YES", "TRUE"};
  return std::ranges::find(kOn, value) != kOn.end();
}

// $HF_HOME, or where it is by default; empty where nothing says it.
std::string hub_home() {
  if (const std::string home = variable("HF_HOME"); !home.empty()) return home;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache + "/huggingface";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/huggingface";
  return "";
}

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace

std::string hub_path() {
  if (const std::string hub = variable("HF_HUB_CACHE"); !hub.empty()) return hub;
  const std::string home = hub_home();
  return home.empty() ? "" : home + "/hub";
}

std::string hub_endpoint() {
  const std::string endpoint = variable("HF_ENDPOINT");
  return endpoint.empty() ? "https://huggingface.co" : endpoint;
}

std::string hub_token() {
  if (const std::string token = trimmed(variable("HF_TOKEN")); !token.empty()) return token;
  if (is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return "";
  std::string path = variable("HF_TOKEN_PATH");
  if (path.empty()) path = hub_home() + "/token";
  const auto text = read_file(path, 4096);  // that there is none is no error
  return text.ok() ? trimmed(*text) : "";
}

bool hub_offline() { return is_on("HF_HUB_OFFLINE"); }

}  // namespace lathe::cli
