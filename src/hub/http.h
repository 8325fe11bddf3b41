// Requests by HTTP. One connection is kept for request after request.
//
// A token goes to the server that the request names and to no other, wherever that redirects to; from https there is no
// way back to http. Proxies are as libcurl finds them (HTTPS_PROXY and its kin).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::hub {

struct HttpAnswer {
  long status = 0;
  std::string url;                             // that answered
  std::map<std::string, std::string> headers;  // names in lower case; the last of equal ones
  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

// What takes the body of an answer of 200 or 206; an error ends the transfer.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  virtual Status begin(const HttpAnswer& answer) = 0;
  virtual Status part(std::string_view bytes) = 0;
};

struct HttpRequest {
  std::string url;
  std::string token = {};
  int64_t from = 0;          // bytes that are there already: a range is asked for
  HttpSink* sink = nullptr;  // none: the body is not asked for (HEAD)
  bool leave_server = true;  // false: a redirect to another server is the answer
};

struct HttpOutcome {
  enum class Failure : uint8_t { none, unreachable, broken, refused };  // refused: by us or by the sink
  Failure failure = Failure::none;
  Status status;      // ok for every answer, 404 too
  HttpAnswer answer;  // what came of it
};

struct HttpOptions {
  int connect_seconds = 15;
  int stall_seconds = 30;  // without a byte: the connection is broken
};

class Http {
 public:
  static Result<Http> create(const HttpOptions& options);
  Http(Http&&) noexcept;
  Http& operator=(Http&&) noexcept;
  ~Http();

  HttpOutcome send(const HttpRequest& request);

 private:
  struct Connection;
  explicit Http(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace lathe::hub
