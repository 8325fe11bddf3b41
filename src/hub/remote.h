// One model on a server that speaks as huggingface.co does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/http.h"

namespace lathe::hub {

struct RemoteOptions {
  std::string endpoint;  // "https://huggingface.co"
  std::string name;      // "organisation/name"
  std::string revision;  // a branch, a tag or a commit
  std::string token;     // may be empty
  int retries = 5;       // after a broken connection or a server's trouble, without a byte between them
  int retry_ms = 500;    // before the first of them; doubled for each
  HttpOptions http = {};
};

struct Listing {
  std::string commit;
  std::vector<std::string> paths;  // sorted; each a safe path
};

struct RemoteFile {
  std::string path;
  std::string etag;  // plain: fit to be a file's name
  int64_t size = 0;
};

class Remote {
 public:
  static Result<Remote> open(const RemoteOptions& options);

  Result<Listing> list();
  // What the server says of a file before it is downloaded.
  Result<RemoteFile> describe(const std::string& commit, const std::string& path);
  // Downloads from byte `from` on into `sink`, once. `again` says that another try may help, and a byte in between is
  // for the caller to see.
  struct Attempt {
    Status status;
    bool again = false;
  };
  Attempt download(const std::string& commit, const std::string& path, int64_t from, HttpSink& sink);
  // Waits before try number `failures` + 1; false where there were enough.
  bool wait(int failures) const;

 private:
  Remote(RemoteOptions options, Http http) : options_(std::move(options)), http_(std::move(http)) {}
  Attempt judge(const HttpOutcome& outcome, const std::string& what) const;
  Status refusal(const HttpAnswer& answer, const std::string& what) const;
  // Again and again while that may help.
  Result<HttpAnswer> ask(HttpRequest request, const std::string& what);
  std::string file_url(const std::string& commit, const std::string& path) const;

  RemoteOptions options_;
  Http http_;
};

}  // namespace lathe::hub
