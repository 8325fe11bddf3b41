#include "hub/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

#include "base/bounded_json.h"
#include "base/shown.h"
#include "formats/model_files.h"
#include "hub/url.h"

namespace lathe::hub {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestAnswer = 16 << 20;  // the largest listings of today have 2 MiB
constexpr int64_t kLargestFile = int64_t{1} << 46;

bool is_commit(std::string_view text) {
  return text.size() == 40 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// An etag becomes a file's name.
bool is_plain_etag(std::string_view etag) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  return !etag.empty() && etag.size() <= 128 && std::ranges::all_of(etag, allowed);
}

// Without what HTTP puts around it: W/"..." or "...".
std::string bare_etag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

std::optional<int64_t> size_in(const std::string& text) {
  int64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || size < 0 || size > kLargestFile)
    return std::nullopt;
  return size;
}

// An answer that is kept in memory.
class TextSink final : public HttpSink {
 public:
  explicit TextSink(std::string what) : what_(std::move(what)) {}
  const std::string& text() const { return text_; }
  Status begin(const HttpAnswer&) override {
    text_.clear();
    return {};
  }
  Status part(std::string_view bytes) override {
    if (text_.size() + bytes.size() > kLongestAnswer)
      return corrupt(
          fmt::format("{}: the answer is longer than {} bytes, needed: at most that", what_, kLongestAnswer));
    text_ += bytes;
    return {};
  }

 private:
  std::string what_, text_;
};

Result<Listing> read_listing(const std::string& text, const std::string& what) {
  const auto json = parse_json(text, what);
  if (!json) return json.status();
  const auto string_at = [](const Json& object, const char* key) -> std::string {
    const auto at = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && at != object.end() && at->is_string() ? at->get<std::string>() : "";
  };
  Listing listing;
  listing.commit = string_at(*json, "sha");
  if (!is_commit(listing.commit))
    return corrupt(fmt::format("{}: sha is {}, needed: a commit of 40 digits", what, shown(listing.commit)));
  const auto siblings = json->find("siblings");
  if (siblings == json->end() || !siblings->is_array())
    return corrupt(fmt::format("{}: siblings is missing, needed: a list of files", what));
  for (const Json& sibling : *siblings) {
    std::string path = string_at(sibling, "rfilename");
    if (!is_safe_path(path))
      return corrupt(
          fmt::format("{}: siblings names the file {}, needed: a path inside the model's folder", what, shown(path)));
    listing.paths.push_back(std::move(path));
  }
  std::ranges::sort(listing.paths);
  listing.paths.erase(std::ranges::unique(listing.paths).begin(), listing.paths.end());
  return listing;
}

Status check_token(const RemoteOptions& options) {
  const auto is_printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::ranges::all_of(options.token, is_printable))
    return invalid_argument("the token holds blanks or control characters, needed: the token alone");
  if (!options.token.empty() && is_readable_by_others(origin_of(options.endpoint)))
    return invalid_argument("the token would go to " + options.endpoint +
                            " in clear text, needed: an https endpoint, or no token");
  return {};
}

}  // namespace

Result<Remote> Remote::open(const RemoteOptions& options) {
  if (hub_folder(options.name).empty())
    return invalid_argument("the model is " + shown(options.name) +
                            ", needed: a Hugging Face name as in organisation/name");
  if (!is_safe_path(options.revision))
    return invalid_argument("the revision is " + shown(options.revision) + ", needed: a branch, a tag or a commit");
  auto endpoint = check_endpoint(options.endpoint);
  if (!endpoint) return endpoint.status();
  RemoteOptions checked = options;
  checked.endpoint = *endpoint;
  if (Status status = check_token(checked); !status.ok()) return status;
  auto http = Http::create(options.http);
  if (!http) return http.status();
  return Remote(std::move(checked), std::move(*http));
}

bool Remote::wait(int failures) const {
  if (failures > options_.retries) return false;
  const int doublings = std::min(failures - 1, 5);
  std::this_thread::sleep_for(std::chrono::milliseconds(int64_t{options_.retry_ms} << doublings));
  return true;
}

// What an answer other than the wanted one means for who asked.
Status Remote::refusal(const HttpAnswer& answer, const std::string& what) const {
  const std::string &at = options_.endpoint, code = answer.header("x-error-code");
  const std::string name = shown(options_.name);
  const std::string page = at + "/" + options_.name;
  if (code == "GatedRepo")
    return failed(
        options_.token.empty()
            ? fmt::format("{} is gated: accept its conditions at {}, and give a token with HF_TOKEN", name, page)
            : fmt::format("{} is gated and the token may not read it: accept its conditions at {}", name, page));
  if (code == "RevisionNotFound")
    return not_found(fmt::format("{} at {} has no revision {}", name, at, shown(options_.revision)));
  if (code == "EntryNotFound") return not_found(fmt::format("{}: is not at {}", what, at));
  if (answer.status == 401 || answer.status == 403)
    return failed(options_.token.empty()
                      ? fmt::format("{}: {} answers {}: there is no such model, or it is private or "
                                    "gated and needs a token; give one with HF_TOKEN",
                                    what, at, answer.status)
                      : fmt::format("{}: {} answers {}: the token may not read it", what, at, answer.status));
  if (answer.status == 404)
    return not_found(
        fmt::format("{}: no such model at {}, or no revision {} of it", what, at, shown(options_.revision)));
  const std::string message = answer.header("x-error-message");
  return failed(
      fmt::format("{}: {} answers {}{}", what, at, answer.status, message.empty() ? "" : ": " + shown(message)));
}

Remote::Attempt Remote::judge(const HttpOutcome& outcome, const std::string& what) const {
  using Failure = HttpOutcome::Failure;
  const std::string& why = outcome.status.message();
  if (outcome.failure == Failure::refused) return {outcome.status, false};
  if (outcome.failure == Failure::unreachable)
    return {io_error(fmt::format("{}: {} cannot be reached: {}; check the network and the proxy (HTTPS_PROXY), or name "
                                 "another server with HF_ENDPOINT",
                                 what, options_.endpoint, why)),
            true};
  if (outcome.failure == Failure::broken)
    return {io_error(fmt::format("{}: the connection to {} broke: {}; pull again, it goes on from there", what,
                                 options_.endpoint, why)),
            true};
  const long status = outcome.answer.status;
  if (status == 200 || status == 206) return {};
  return {refusal(outcome.answer, what), status >= 500 || status == 429 || status == 408};
}

Result<HttpAnswer> Remote::ask(HttpRequest request, const std::string& what) {
  request.token = options_.token;
  for (int failures = 1;; ++failures) {
    const HttpOutcome outcome = http_.send(request);
    const bool elsewhere = !request.leave_server && outcome.answer.status >= 300 && outcome.answer.status < 400;
    if (outcome.failure == HttpOutcome::Failure::none && elsewhere) return outcome.answer;
    const Attempt attempt = judge(outcome, what);
    if (attempt.status.ok()) return outcome.answer;
    // Nobody waits for a server that was never there.
    const bool absent = outcome.failure == HttpOutcome::Failure::unreachable;
    if (!attempt.again || absent || !wait(failures)) return attempt.status;
  }
}

Result<Listing> Remote::list() {
  const std::string url = fmt::format("{}/api/models/{}/revision/{}", options_.endpoint, options_.name,
                                      percent_encoded(options_.revision, false));
  TextSink sink(url);
  const auto answer = ask({.url = url, .sink = &sink}, shown(options_.name));
  if (!answer) return answer.status();
  return read_listing(sink.text(), url);
}

std::string Remote::file_url(const std::string& commit, const std::string& path) const {
  return fmt::format("{}/{}/resolve/{}/{}", options_.endpoint, options_.name, commit, percent_encoded(path, true));
}

Result<RemoteFile> Remote::describe(const std::string& commit, const std::string& path) {
  const std::string url = file_url(commit, path);
  // Large files lie on another server; the first one's answer has their digest and size.
  const auto answer = ask({.url = url, .leave_server = false}, shown(path));
  if (!answer) return answer.status();
  if (const std::string found = answer->header("x-repo-commit"); !found.empty() && found != commit)
    return corrupt(fmt::format("{}: X-Repo-Commit is {}, needed: {}", url, shown(found), commit));
  const std::string linked_etag = answer->header("x-linked-etag"), linked_size = answer->header("x-linked-size");
  RemoteFile file{path, bare_etag(linked_etag.empty() ? answer->header("etag") : linked_etag)};
  if (!is_plain_etag(file.etag))
    return corrupt(fmt::format("{}: ETag is {}, needed: letters and digits", url, shown(file.etag)));
  const std::string text = linked_size.empty() ? answer->header("content-length") : linked_size;
  const auto size = size_in(text);
  if (!size) return corrupt(fmt::format("{}: the size is {}, needed: a number of bytes", url, shown(text)));
  file.size = *size;
  return file;
}

Remote::Attempt Remote::download(const std::string& commit, const std::string& path, int64_t from, HttpSink& sink) {
  const HttpOutcome outcome =
      http_.send({.url = file_url(commit, path), .token = options_.token, .from = from, .sink = &sink});
  return judge(outcome, shown(path));
}

}  // namespace lathe::hub
