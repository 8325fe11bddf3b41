// The packed weights of one model while it is being opened: found in the cache, or packed and written there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "formats/packed_file.h"
#include "ops/packed_store.h"
#include "platform/mapped_file.h"
#include "run/cache_folder.h"

namespace lathe::run {

struct CacheOptions {
  std::string folder{};    // empty: there is none, and weights are packed at every start
  int64_t most_bytes = 0;  // that the folder may hold; 0: what CacheFolder::default_most says
  // Is told in a sentence, on any thread, why weights could not be kept. The model runs all the same.
  std::function<void(const std::string&)> warn{};
};

class ModelStore : public ops::PackedStore {
 public:
  // `sources` are the files of the model's weights and stay until finish(); `model` names it for people. `binding`
  // names what the entries' names mean: the architecture whose binder asks. `stored`: the type of all products; without
  // a value each as the file has it.
  ModelStore(CacheOptions options, std::vector<const MappedFile*> sources, const std::string& model,
             std::optional<matmul::Type> stored, std::string_view binding);
  ~ModelStore() override;

  std::optional<ops::Weights> find(const ops::PackedKey& key) override;
  void keep(const ops::PackedKey& key, const ops::Weights& weights) override;
  void used_up(std::span<const std::byte> source) override;

  // All products are bound. What was written gets its name once it is on the disk, which nobody waits for; the
  // destructor does.
  void finish();

  int64_t found() const { return found_; }        // products that came from the cache
  int64_t prepared() const { return prepared_; }  // and those that did not

 private:
  Status look_up(std::optional<matmul::Type> stored, std::string_view binding);
  Status begin_writing();
  void give_up(const Status& status);

  CacheOptions options_;
  std::vector<const MappedFile*> sources_;
  PackedInfo info_;
  std::optional<CacheFolder> folder_;
  std::shared_ptr<const PackedFile> packed_;  // where there is one
  std::unique_ptr<PackedWriter> writer_;      // where there is none
  std::thread finisher_;
  int64_t found_ = 0, prepared_ = 0;
};

}  // namespace lathe::run
