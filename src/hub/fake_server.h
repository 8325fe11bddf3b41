// For tests: an HTTP server on loopback, and one that answers as huggingface.co does.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lathe::hub::testing {

struct FakeRequest {
  std::string method, path, token;  // token: what stands behind "Bearer "
  int64_t from = 0;                 // of the range
};

struct FakeAnswer {
  int status = 200;
  std::string headers = {};  // each ends in \r\n; Content-Length comes by itself
  std::string body = {};
  size_t drop_after = std::string::npos;  // bytes of the body, before the connection is cut
};

class FakeServer {
 public:
  using Handler = std::function<FakeAnswer(const FakeRequest&)>;

  explicit FakeServer(Handler handler) : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (std::thread& answer : answers_) answer.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::vector<FakeRequest> requests() const {
    const std::lock_guard hold(mutex_);
    return requests_;
  }
  // Of `method`, with `part` in their path.
  std::vector<FakeRequest> requests(const std::string& method, const std::string& part) const {
    std::vector<FakeRequest> found;
    for (FakeRequest& request : requests())
      if (request.method == method && request.path.find(part) != std::string::npos) found.push_back(request);
    return found;
  }

 private:
  void serve() {
    for (int client; (client = ::accept(listener_, nullptr, nullptr)) >= 0;)
      answers_.emplace_back([this, client] {
        answer(client);
        ::close(client);
      });
  }

  static bool send_all(int client, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  static std::string after(const std::string& head, const std::string& name) {
    const size_t at = head.find(name);
    return at == std::string::npos ? "" : head.substr(at + name.size(), head.find("\r\n", at) - at - name.size());
  }

  void answer(int client) {
    std::string head;
    char part[1024];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client, part, sizeof part, 0);
      if (got <= 0) return;
      head.append(part, static_cast<size_t>(got));
    }
    FakeRequest request;
    request.method = head.substr(0, head.find(' '));
    const size_t path = request.method.size() + 1;
    request.path = head.substr(path, head.find(' ', path) - path);
    request.token = after(head, "Authorization: Bearer ");
    if (const std::string range = after(head, "Range: bytes="); !range.empty()) request.from = std::stoll(range);
    {
      const std::lock_guard hold(mutex_);
      requests_.push_back(request);
    }
    const FakeAnswer reply = handler_(request);
    const bool has_length = reply.headers.find("Content-Length") != std::string::npos;
    std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " Status\r\nConnection: close\r\n" + reply.headers;
    if (!has_length) text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    if (!send_all(client, text + "\r\n") || request.method == "HEAD") return;
    if (!send_all(client, std::string_view(reply.body).substr(0, reply.drop_after))) return;
    if (reply.drop_after != std::string::npos) return;
    ::shutdown(client, SHUT_WR);
  }

  Handler handler_;
  int listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<FakeRequest> requests_;
  std::vector<std::thread> answers_;  // of the serving thread alone, until it has ended
  std::thread thread_;
};

struct FakeFile {
  std::string bytes, etag;
  bool large = false;  // lies on the other server
};

// A model on a server, and large files on another, as huggingface.co keeps them. Set up before the first request, but
// for the counts.
class FakeHub {
 public:
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  std::map<std::string, FakeFile> files;
  std::string listing;                // instead of the one that `files` makes
  std::string needed_token;           // else 401
  std::atomic<int> drops{0};          // so many downloads are cut in the middle
  std::atomic<int> troubles{0};       // so many requests are answered with 503
  std::atomic<bool> hangs_up{false};  // before the first byte of a large file
  bool takes_ranges = true;
  std::string needed_revision = "main";

  std::string url() const { return hub_.url(); }
  const FakeServer& hub() const { return hub_; }
  const FakeServer& store() const { return store_; }

 private:
  FakeAnswer send(const FakeFile& file, const FakeRequest& request) {
    const bool ranged = takes_ranges && request.from > 0;
    FakeAnswer answer;
    if (ranged && request.from >= static_cast<int64_t>(file.bytes.size())) return {.status = 416};
    answer.body = ranged ? file.bytes.substr(static_cast<size_t>(request.from)) : file.bytes;
    answer.headers = "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    if (ranged) {
      answer.status = 206;
      answer.headers += "Content-Range: bytes " + std::to_string(request.from) + "-" +
                        std::to_string(file.bytes.size() - 1) + "/" + std::to_string(file.bytes.size()) + "\r\n";
    }
    if (request.method == "GET" && drops > 0 && file.large) {
      --drops;
      answer.drop_after = answer.body.size() / 2;
    }
    if (hangs_up && file.large) answer.drop_after = 0;
    return answer;
  }

  std::string default_listing() const {
    std::string text = std::string(R"({"id":"org/name","sha":")") + kCommit + R"(","siblings":[)";
    for (const auto& [path, file] : files)
      text += (text.back() == '[' ? "" : ",") + (R"({"rfilename":")" + path) + "\"}";
    return text + "]}";
  }

  FakeAnswer answer(const FakeRequest& request) {
    if (troubles > 0) {
      --troubles;
      return {.status = 503};
    }
    if (!needed_token.empty() && request.token != needed_token) return {.status = 401};
    if (request.path.starts_with("/api/models/org/old/"))
      return {.status = 307, .headers = "Location: /api/models/org/name/revision/main\r\n"};
    if (request.path == "/api/models/org/name/revision/" + needed_revision)
      return {.body = listing.empty() ? default_listing() : listing};
    if (request.path.starts_with("/api/models/org/name/"))
      return {.status = 404, .headers = "X-Error-Code: RevisionNotFound\r\n"};
    if (request.path.starts_with("/api/models/org/gated/"))
      return {.status = 403, .headers = "X-Error-Code: GatedRepo\r\n"};
    const size_t resolve = request.path.find("/resolve/" + std::string(kCommit) + "/");
    if (resolve == std::string::npos) return {.status = 404, .headers = "X-Error-Code: RepoNotFound\r\n"};
    const auto file = files.find(request.path.substr(resolve + 50));
    if (file == files.end()) return {.status = 404, .headers = "X-Error-Code: EntryNotFound\r\n"};
    std::string about = std::string("X-Repo-Commit: ") + kCommit + "\r\n";
    if (!file->second.large) {
      FakeAnswer reply = send(file->second, request);
      reply.headers += about + "ETag: \"" + file->second.etag + "\"\r\n";
      return reply;
    }
    return {.status = 302,
            .headers = about + "X-Linked-Etag: \"" + file->second.etag +
                       "\"\r\nX-Linked-Size: " + std::to_string(file->second.bytes.size()) +
                       "\r\nLocation: " + store_.url() + "/store/" + file->first + "?signed\r\n"};
  }

  FakeServer store_{[this](const FakeRequest& request) {
    const size_t end = request.path.find('?');
    return send(files.at(request.path.substr(7, end - 7)), request);
  }};
  FakeServer hub_{[this](const FakeRequest& request) { return answer(request); }};
};

}  // namespace lathe::hub::testing
