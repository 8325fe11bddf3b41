// What systems do with files in different ways.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace lathe {

// When its bytes, or what is known of it, changed last: nanoseconds since 1970.
int64_t modified_ns(const struct stat& info);
int64_t changed_ns(const struct stat& info);

// The path by which this process opens a file again that it has open.
std::string path_of_open_file(int fd);
// A file without a name, to be written and read, in the folder of large temporary files; below 0 with errno.
int unnamed_file();
// Both ends are closed in a process that this one starts. False with errno.
bool make_pipe(int (&ends)[2], bool blocking = true);
// Makes the system forget a file's bytes, so that the next reader goes to the disk. False where it does not.
bool drop_cached_pages(const std::string& path);

}  // namespace lathe
