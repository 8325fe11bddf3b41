// The SHA-256 of a model's file, computed once and then remembered beside the packed weights for as long as the file is
// the same: device, inode, size, and the times of its content and of its inode, to the nanosecond.
//
// What is trusted with that: that a file which shows all of these unchanged has the same bytes. Writing to it changes
// both times, and nobody can set the second one back; a disk that is written to past the file system can.
#pragma once

#include <string>

#include "lathe/status.h"
#include "platform/mapped_file.h"

namespace lathe::run {

struct SourceHash {
  std::string sha256;
  bool remembered = false;  // nothing was read
};

// `folder` holds what is remembered; a hash that cannot be written there is computed again next time.
SourceHash source_hash(const MappedFile& source, const std::string& folder);

// Whether the source that the file of a remembered hash speaks of is still there, unchanged.
bool source_is_there(const std::string& remembered);

}  // namespace lathe::run
