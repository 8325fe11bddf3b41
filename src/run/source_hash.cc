#include "run/source_hash.h"

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "run/cache_folder.h"

namespace lathe::run {
namespace {

constexpr std::string_view kHead = "lathe-source 1";
constexpr int64_t kMostBytes = 16384;  // a path has 4096 at most
// A file that was changed so shortly ago may change once more within the clock's grain and show the same time.
constexpr int64_t kSettledNs = 50'000'000;

struct Remembered {
  FileIdentity file;
  std::string sha256, path;
};

std::string text_of(const Remembered& r) {
  std::ostringstream text;
  text << kHead << '\n'
       << r.file.device << ' ' << r.file.inode << ' ' << r.file.size << ' ' << r.file.modified_ns << ' '
       << r.file.changed_ns << '\n'
       << r.sha256 << '\n'
       << r.path << '\n';
  return text.str();
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// Nothing where the file is not there or is none of ours.
Result<Remembered> recall(const std::string& name) {
  const auto bytes = read_file(name, kMostBytes);
  if (!bytes) return bytes.status();
  std::istringstream text(*bytes);
  std::string head;
  Remembered r;
  std::getline(text, head);
  text >> r.file.device >> r.file.inode >> r.file.size >> r.file.modified_ns >> r.file.changed_ns >> r.sha256;
  text.ignore();
  std::getline(text, r.path);
  // Written again it is the same, or it was damaged.
  if (!text || head != kHead || !is_hash(r.sha256) || text_of(r) != *bytes)
    return corrupt(name + ": is no hash of a model's file");
  return r;
}

bool settled(const FileIdentity& file) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::max(file.modified_ns, file.changed_ns) + kSettledNs <
         std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

SourceHash source_hash(const MappedFile& source, const std::string& folder) {
  std::error_code error;
  const auto real = std::filesystem::canonical(source.path(), error);
  const std::string path = error ? source.path() : real.string();
  const std::string name = folder + "/" + sha256_hex(path).substr(0, 32) + CacheFolder::kSourceSuffix;
  if (const auto known = recall(name); known && known->file == source.identity() && known->path == path)
    return {known->sha256, true};
  source.advise(MappedFile::Advice::sequential);
  Remembered now{source.identity(), sha256_hex(source.text()), path};
  source.advise(MappedFile::Advice::dont_need);
  const auto after = identify(path);  // not replaced or written to meanwhile
  const bool fit = path.find('\n') == path.npos && after && *after == now.file && settled(now.file);
  if (fit) (void)write_file(name, text_of(now));
  return {now.sha256, false};
}

bool source_is_there(const std::string& remembered) {
  const auto known = recall(remembered);
  if (!known) return false;
  const auto now = identify(known->path);
  return now && *now == known->file;
}

}  // namespace lathe::run
