#include "formats/safetensors_index.h"

#include <fmt/format.h>

#include <set>

#include "base/bounded_json.h"
#include "base/shown.h"
#include "tensor/tensor_table.h"

namespace lathe {
namespace {

constexpr size_t kMostShards = 4096;
constexpr JsonLimits kLimits{.depth = 8, .token = 1 << 16, .values = 2 * TensorTable::kMost + 1024};

// What lies beside weight_map ("metadata") may be anything.
class IndexEvents final : public JsonEvents {
 public:
  IndexEvents(std::string_view file, const IndexEntry& each) : JsonEvents(file), each_(each) {}
  bool saw_map() const { return saw_map_; }

  bool null() override { return value("null"); }
  bool boolean(bool) override { return value("a boolean"); }
  bool number_integer(number_integer_t) override { return value("a number"); }
  bool number_unsigned(number_unsigned_t) override { return value("a number"); }
  bool number_float(number_float_t, const string_t&) override { return value("a number"); }
  bool binary(binary_t&) override { return value("bytes"); }
  bool string(string_t& text) override {
    if (!in_map()) return value("a string");
    Status status = each_(key_, text);
    return status.ok() || fail(std::move(status));
  }
  bool key(string_t& name) override {
    if (depth_ == 1) at_map_ = name == "weight_map";
    if (depth_ == 1 && at_map_ && saw_map_)
      return fail(corrupt(fmt::format("{}: weight_map is there twice, needed: once", file())));
    if (depth_ == 2) key_ = std::move(name);
    return true;
  }
  bool start_object(size_t) override {
    if (in_map()) return value("an object");
    ++depth_;
    if (depth_ == 2 && at_map_) saw_map_ = true;
    return true;
  }
  bool start_array(size_t) override {
    if (!value("an array")) return false;
    ++depth_;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

 private:
  bool in_map() const { return at_map_ && depth_ == 2; }
  bool close() {
    if (--depth_ == 1) at_map_ = false;
    return true;
  }
  // Any value that is no shard's name and no object.
  bool value(const char* kind) {
    if (in_map())
      return fail(corrupt(fmt::format("{}: weight_map, {} is {}, needed: the name of a file beside the index", file(),
                                      shown(key_), kind)));
    if (depth_ == 0) return fail(corrupt(fmt::format("{}: is {}, needed: an object with weight_map", file(), kind)));
    if (depth_ == 1 && at_map_)
      return fail(corrupt(fmt::format("{}: weight_map is {}, needed: an object of tensors and shards", file(), kind)));
    return true;
  }

  const IndexEntry& each_;
  int depth_ = 0;
  bool at_map_ = false, saw_map_ = false;
  std::string key_;
};

// A shard lies beside its index: a name that leads elsewhere could make us read any file.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

}  // namespace

Status read_safetensors_index(std::string_view json, std::string_view file, const IndexEntry& each) {
  IndexEvents events(file, each);
  if (const Status status = read_json(json, file, kLimits, events); !status.ok()) return status;
  if (events.saw_map()) return {};
  return corrupt(fmt::format("{}: weight_map is missing, needed: an object of tensors and shards", file));
}

Result<std::vector<std::string>> safetensors_shards(std::string_view json, std::string_view file) {
  std::set<std::string> shards;
  const Status status = read_safetensors_index(json, file, [&](const std::string& tensor, const std::string& shard) {
    if (!is_plain_name(shard))
      return corrupt(fmt::format("{}: weight_map, {} is {}, needed: the name of a file beside the index", file,
                                 shown(tensor), shown(shard)));
    shards.insert(shard);
    if (shards.size() <= kMostShards) return Status();
    return unsupported(fmt::format("{}: weight_map has more than {} shards, needed: at most that", file, kMostShards));
  });
  if (!status.ok()) return status;
  if (shards.empty()) return corrupt(fmt::format("{}: weight_map is empty, needed: at least one tensor", file));
  return std::vector(shards.begin(), shards.end());
}

}  // namespace lathe
