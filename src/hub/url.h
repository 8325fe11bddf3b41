// Addresses: the server's, and what may go into one.
#pragma once

#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::hub {

// "https://host:443" of an http or https address, in lower case and with its port; empty where it is none, or where it
// holds a user's name.
std::string origin_of(std::string_view url);

// Whether what is sent to `origin` can be read on the way: it is plain http, and not to this machine.
bool is_readable_by_others(std::string_view origin);

// The address of a server without a slash at its end; an error where it is none.
Result<std::string> check_endpoint(std::string_view endpoint);

// `path` as it stands in an address: all but letters, digits, "-._~" and (where it is kept) "/" as %XX.
std::string percent_encoded(std::string_view path, bool keep_slash);

// Whether a name from a server may become a path below a folder: relative, in plain parts, and no way out.
bool is_safe_path(std::string_view path);

}  // namespace lathe::hub
