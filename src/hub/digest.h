// What an etag of the hub says of a file's bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::hub {

enum class DigestKind : uint8_t {
  none,
  git_blob,  // 40 digits: SHA-1 of "blob <size>", a NUL and the bytes, as git names a small file
  sha256,    // 64 digits: large files
};

// By its length, where it is of lower-case hexadecimal digits.
DigestKind digest_kind(std::string_view etag);
std::string_view digest_name(DigestKind kind);

// The digest of the `size` bytes of an open file, from its beginning, as hexadecimal digits. `path` is for errors.
Result<std::string> file_digest(int file, int64_t size, DigestKind kind, const std::string& path);

}  // namespace lathe::hub
