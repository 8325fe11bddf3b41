#include "hub/url.h"

#include <algorithm>

#include "base/shown.h"

namespace lathe::hub {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool is_host_character(char c) { return is_unreserved(c) || c == ':' || c == '[' || c == ']'; }

}  // namespace

std::string origin_of(std::string_view url) {
  std::string text(url.substr(0, url.find_first_of("/?#", std::min(url.find("://"), url.size()) + 3)));
  std::ranges::transform(text, text.begin(), lower);
  const bool tls = text.starts_with("https://");
  if (!tls && !text.starts_with("http://")) return "";
  const std::string host = text.substr(tls ? 8 : 7);
  if (host.empty() || host.front() == ':' || !std::ranges::all_of(host, is_host_character)) return "";
  const size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && host.find(']', colon) == host.npos;
  return has_port ? text : text + (tls ? ":443" : ":80");
}

bool is_readable_by_others(std::string_view origin) {
  if (!origin.starts_with("http://")) return false;
  const std::string_view host = origin.substr(7, origin.rfind(':') - 7);
  return host != "127.0.0.1" && host != "localhost" && host != "[::1]";
}

Result<std::string> check_endpoint(std::string_view endpoint) {
  std::string_view text = endpoint;
  while (text.ends_with('/')) text.remove_suffix(1);
  const auto is_plain = [](char c) { return is_host_character(c) || c == '/'; };
  if (origin_of(text).empty() || !std::ranges::all_of(text, is_plain))
    return invalid_argument("the endpoint is " + shown(endpoint) +
                            ", needed: the address of a server, as in https://huggingface.co");
  return std::string(text);
}

std::string percent_encoded(std::string_view path, bool keep_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : path) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      encoded += c;
      continue;
    }
    encoded += '%';
    encoded += kDigits[static_cast<unsigned char>(c) >> 4];
    encoded += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return encoded;
}

bool is_safe_path(std::string_view path) {
  constexpr size_t kLongestPath = 1024, kLongestPart = 255;
  const auto is_hostile = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
  if (path.empty() || path.size() > kLongestPath || std::ranges::any_of(path, is_hostile)) return false;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongestPart) return false;
    at = end + 1;
  }
  return true;
}

}  // namespace lathe::hub
