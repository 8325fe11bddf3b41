// Files that are there whole or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe {

// Writes `bytes` to a temporary name beside `path`, flushes it to the disk and renames it over `path`. A reader sees
// the old file or the new one; after an error the old one is untouched and nothing is left behind. A path that is
// a device or a pipe is written in place.
Status write_file(const std::string& path, std::string_view bytes);
// The same for bytes that lie in several places.
Status write_file(const std::string& path, std::span<const std::string_view> pieces);

// For files that are written as they come. All bytes, through short writes and interruptions; false leaves errno.
bool write_all(int fd, std::string_view bytes);
// Where `path` leads: a symbolic link keeps being one, the file behind it is replaced.
std::string resolved_link(const std::string& path);

// The whole file; an error where it is longer than `limit` bytes.
Result<std::string> read_file(const std::string& path, int64_t limit);

}  // namespace lathe
