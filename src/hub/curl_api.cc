#include "hub/curl_api.h"

#include "platform/shared_library.h"

namespace lathe::hub {
namespace {

Result<CurlApi> open_curl() {
  const auto library = SharedLibrary::open({"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"});
  if (!library)
    return not_found("downloading needs libcurl (Debian's package libcurl4): " + library.status().message());
  CurlApi api;
  const bool complete =
      library->find("curl_global_init", &api.global_init) && library->find("curl_easy_init", &api.easy_init) &&
      library->find("curl_easy_cleanup", &api.easy_cleanup) && library->find("curl_easy_reset", &api.easy_reset) &&
      library->find("curl_easy_setopt", &api.easy_setopt) && library->find("curl_easy_perform", &api.easy_perform) &&
      library->find("curl_easy_getinfo", &api.easy_getinfo) &&
      library->find("curl_easy_strerror", &api.easy_strerror) &&
      library->find("curl_slist_append", &api.slist_append) &&
      library->find("curl_slist_free_all", &api.slist_free_all);
  if (!complete) return unsupported(library->file() + ": lacks functions, needed: libcurl 7");
  if (const CURLcode code = api.global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK)
    return failed(library->file() + ": does not start: " + api.easy_strerror(code));
  return api;
}

}  // namespace

Result<const CurlApi*> curl_api() {
  static const Result<CurlApi> api = open_curl();  // libcurl starts once a process, whichever thread comes first
  if (!api) return api.status();
  return &*api;
}

}  // namespace lathe::hub
