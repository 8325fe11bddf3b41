// JSON from files that nobody vouches for: what a text may make us allocate is bounded before it is parsed, and what is
// wrong is a Status.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe {

struct JsonLimits {
  int depth = 64;
  // Bytes of one string, number or run of blanks: the parser keeps up to four copies of it.
  int64_t token = 1 << 20;
  // Values and keys, in all. A parsed one takes up to 150 bytes beside its text.
  int64_t values = 200'000;
};

// One pass over the text, nothing allocated. `file` is named in the error.
Status check_json_limits(std::string_view text, std::string_view file, const JsonLimits& limits);

// What a reader of events derives from: it overrides what it takes, returns fail(...) where it stops, and leaves the
// reason in status(). Returned false stops the parser.
class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonEvents(std::string_view file) : file_(file) {}
  const Status& status() const { return status_; }
  bool parse_error(size_t position, const std::string& token, const nlohmann::detail::exception& error) override;

 protected:
  bool fail(Status status) {
    status_ = std::move(status);
    return false;
  }
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  Status status_;
};

// Sends the text through `events`, within the limits.
Status read_json(std::string_view text, std::string_view file, const JsonLimits& limits, JsonEvents& events);

// The whole text as one value. A key that stands twice in an object is an error.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view file, const JsonLimits& limits = {});

// The same for a file of at most `bytes` bytes, which is named in errors.
Result<nlohmann::json> load_json(const std::string& path, int64_t bytes, const JsonLimits& limits = {});

}  // namespace lathe
