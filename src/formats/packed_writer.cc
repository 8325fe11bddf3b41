#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/checked.h"
#include "formats/packed_file.h"
#include "formats/packed_head.h"

namespace lathe {
namespace {

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& out, std::string_view text) {
  append(out, static_cast<uint32_t>(text.size()));
  out += text;
}

}  // namespace

Result<std::unique_ptr<PackedWriter>> PackedWriter::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return io_error(path + ": cannot be created: " + std::strerror(errno));
  std::unique_ptr<PackedWriter> writer(new PackedWriter(path, fd));
  if (Status status = writer->pad(kPackedDataAt); !status.ok()) return status;  // room for the head
  return writer;
}

PackedWriter::~PackedWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

Status PackedWriter::refused(const char* what) const {
  return io_error(path_ + ": cannot be " + what + ": " + std::strerror(errno));
}

Status PackedWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return refused("written");
    at_ += written;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status PackedWriter::pad(int64_t alignment) {
  static constexpr std::array<std::byte, kPackedDataAt> kZeros{};
  const int64_t missing = at_ == 0 ? kPackedDataAt : round_up(at_, alignment) - at_;
  return write(std::span(kZeros).first(static_cast<size_t>(missing)));
}

Status PackedWriter::add(const PackedEntry& entry) {
  const auto needed = packed_bytes(entry.n, entry.k, entry.gated, entry.layout);
  if (!needed || *needed != static_cast<int64_t>(entry.panels.size()) ||
      static_cast<int64_t>(entry.name.size()) > kMostPackedName)
    return invalid_argument(
        "packed weights " + entry.name.substr(0, 96) + " cannot be kept: " + std::to_string(entry.panels.size()) +
        " bytes, needed: " + std::to_string(needed.value_or(0)) + " and a name of " + std::to_string(kMostPackedName));
  if (Status status = pad(kPackedAlignment); !status.ok()) return status;
  offsets_.push_back(at_);
  entries_.push_back(entry);
  entries_.back().panels = {};
  return write(entry.panels);
}

Status PackedWriter::finish(const PackedInfo& info, const std::string& target) {
  std::string table;
  for (const std::string* text : {&info.key, &info.model, &info.stored})
    append_text(table, std::string_view(*text).substr(0, kMostPackedName));
  for (size_t i = 0; i < entries_.size(); ++i) {
    const PackedEntry& e = entries_[i];
    append(table, PackedRecord{.layout = static_cast<uint8_t>(e.layout),
                               .gated = e.gated,
                               .zero = {},
                               .n = e.n,
                               .k = e.k,
                               .offset = offsets_[i],
                               .bytes = *packed_bytes(e.n, e.k, e.gated, e.layout)});
    append_text(table, e.name);
  }
  if (static_cast<int64_t>(table.size()) > kMostPackedTable)
    return invalid_argument(path_ + ": the table of packed weights has " + std::to_string(table.size()) +
                            " bytes, needed: at most " + std::to_string(kMostPackedTable));
  PackedHead head{};
  std::memcpy(head.magic, kPackedMagic, sizeof head.magic);
  head.version = kPackedVersion;
  head.entries = static_cast<uint32_t>(entries_.size());
  head.table_at = at_;
  head.table_bytes = static_cast<int64_t>(table.size());
  const std::string checksum = packed_checksum(head, table);
  std::memcpy(head.checksum, checksum.data(), sizeof head.checksum);

  if (Status status = write(std::as_bytes(std::span(table))); !status.ok()) return status;
  // The head last: a file that lost its end in a crash has none.
  if (::pwrite(fd_, &head, sizeof head, 0) != static_cast<ssize_t>(sizeof head) || ::fsync(fd_) != 0)
    return refused("written");
  if (::rename(path_.c_str(), target.c_str()) != 0) return refused("renamed");
  ::close(fd_);
  fd_ = -1;
  return {};
}

}  // namespace lathe
