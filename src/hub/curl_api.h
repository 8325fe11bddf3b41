// libcurl, opened when the first request is made. Linked, it and the thirty libraries behind it would cost every start
// of the program 23 ms and 6 MB, and only `lathe pull` needs them.
#pragma once

#include <curl/curl.h>

#include "lathe/status.h"

namespace lathe::hub {

struct CurlApi {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;
};

// The one of this process, ready for use; an error where the library is not installed.
Result<const CurlApi*> curl_api();

}  // namespace lathe::hub
