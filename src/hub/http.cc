#include "hub/http.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.h"
#include "hub/curl_api.h"
#include "hub/url.h"

namespace lathe::hub {
namespace {

constexpr int kMostRedirects = 10;
constexpr size_t kMostHeaders = 200, kLongestHeader = 16 << 10;

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// One transfer, as libcurl's callbacks see it.
struct Transfer {
  const CurlApi& api;
  CURL* handle;
  HttpSink* sink;
  HttpAnswer answer;
  Status status;
  bool begun = false;

  bool wants_body() {
    api.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
    return sink && (answer.status == 200 || answer.status == 206);
  }
  bool begin() {
    if (begun || !status.ok()) return status.ok();
    begun = true;
    status = sink->begin(answer);
    return status.ok();
  }
};

size_t on_header(char* bytes, size_t, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  auto& headers = transfer.answer.headers;
  const std::string_view line(bytes, count);
  if (line.starts_with("HTTP/")) headers.clear();  // an interim answer went before
  const size_t colon = line.find(':');
  if (colon == line.npos || count > kLongestHeader || headers.size() >= kMostHeaders) return count;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  headers[name] = trimmed(line.substr(colon + 1));
  return count;
}

size_t on_body(char* bytes, size_t, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.wants_body()) return count;  // the text of an error page
  if (!transfer.begin()) return 0;
  transfer.status = transfer.sink->part({bytes, count});
  return transfer.status.ok() ? count : 0;
}

}  // namespace

struct Http::Connection {
  const CurlApi& api;
  CURL* handle;
  HttpOptions options;

  Connection(const CurlApi& curl, CURL* h, const HttpOptions& o) : api(curl), handle(h), options(o) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { api.easy_cleanup(handle); }

  void prepare(const HttpRequest& request, const std::string& url, Transfer& transfer, curl_slist* headers,
               char* error);
  HttpOutcome send_once(const HttpRequest& request, const std::string& url, bool with_token, std::string& next);
};

void Http::Connection::prepare(const HttpRequest& request, const std::string& url, Transfer& transfer,
                               curl_slist* headers, char* error) {
  api.easy_reset(handle);  // the connection stays
  api.easy_setopt(handle, CURLOPT_URL, url.c_str());
  api.easy_setopt(handle, CURLOPT_USERAGENT, "lathe");
  api.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  api.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);  // done here, for the token's sake
  api.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  api.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, long{options.connect_seconds});
  api.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  api.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, long{options.stall_seconds});
  api.easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
  api.easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  api.easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  api.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  api.easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  if (!request.sink) api.easy_setopt(handle, CURLOPT_NOBODY, 1L);
}

HttpOutcome Http::Connection::send_once(const HttpRequest& request, const std::string& url, bool with_token,
                                        std::string& next) {
  Transfer transfer{api, handle, request.sink, {}, {}};
  transfer.answer.url = url;
  // No encoding: sizes and ranges are those of the file.
  curl_slist* headers = api.slist_append(nullptr, "Accept-Encoding: identity");
  if (with_token && !request.token.empty())
    headers = api.slist_append(headers, ("Authorization: Bearer " + request.token).c_str());
  if (request.from > 0) headers = api.slist_append(headers, fmt::format("Range: bytes={}-", request.from).c_str());
  char error[CURL_ERROR_SIZE] = "";
  prepare(request, url, transfer, headers, error);
  const CURLcode code = api.easy_perform(handle);
  const bool wants_body = transfer.wants_body();
  const char* target = nullptr;
  api.easy_getinfo(handle, CURLINFO_REDIRECT_URL, &target);
  if (is_redirect(transfer.answer.status) && target) next = target;
  api.slist_free_all(headers);

  using Failure = HttpOutcome::Failure;
  const std::string why = error[0] != '\0' ? error : api.easy_strerror(code);
  if (!transfer.status.ok()) return {Failure::refused, transfer.status, std::move(transfer.answer)};
  if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT ||
      code == CURLE_PEER_FAILED_VERIFICATION)
    return {Failure::unreachable, io_error(why), std::move(transfer.answer)};
  if (code != CURLE_OK) return {Failure::broken, io_error(why), std::move(transfer.answer)};
  if (wants_body && !transfer.begin()) return {Failure::refused, transfer.status, std::move(transfer.answer)};
  return {Failure::none, {}, std::move(transfer.answer)};
}

Result<Http> Http::create(const HttpOptions& options) {
  const auto api = curl_api();
  if (!api) return api.status();
  CURL* handle = (*api)->easy_init();
  if (!handle) return out_of_memory("libcurl gives no connection");
  return Http(std::make_unique<Connection>(**api, handle, options));
}

Http::Http(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Http::Http(Http&&) noexcept = default;
Http& Http::operator=(Http&&) noexcept = default;
Http::~Http() = default;

HttpOutcome Http::send(const HttpRequest& request) {
  const std::string home = origin_of(request.url);
  std::string url = request.url;
  bool was_tls = false;
  for (int i = 0; i <= kMostRedirects; ++i) {
    const std::string origin = origin_of(url);
    if (origin.empty() || (was_tls && origin.starts_with("http://")))
      return {HttpOutcome::Failure::refused,
              failed(fmt::format("{}: redirects to {}, needed: an https address", home, shown(url))),
              {}};
    was_tls = origin.starts_with("https://");
    std::string next;
    HttpOutcome outcome = connection_->send_once(request, url, origin == home, next);
    if (outcome.failure != HttpOutcome::Failure::none || next.empty()) return outcome;
    if (!request.leave_server && origin_of(next) != home) return outcome;
    url = std::move(next);
  }
  return {HttpOutcome::Failure::refused,
          failed(fmt::format("{}: redirects more than {} times", shown(request.url), kMostRedirects)),
          {}};
}

}  // namespace lathe::hub
