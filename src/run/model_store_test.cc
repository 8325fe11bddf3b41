#include "run/model_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/test_files.h"
#include "models/bert_weights.h"
#include "models/test_bert.h"

namespace lathe::run {
namespace {

using models::BertWeights;
using models::testing::TestBert;

// A model whose file holds only what the hash is of: the tensors come from the test's memory.
struct Model {
  FakeFolder folder;
  TestBert bert;
  std::vector<std::string> warnings;

  explicit Model(const std::string& name) : folder(name) { folder.write("model.safetensors", "weights of " + name); }

  std::string cache() const { return folder.path("cache"); }
  CacheOptions options() {
    return {.folder = cache(), .warn = [this](const std::string& sentence) { warnings.push_back(sentence); }};
  }
  std::vector<std::string> packed_files() const {
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::directory_iterator(cache()))
      if (file.path().extension() == CacheFolder::kPackedSuffix) paths.push_back(file.path());
    return paths;
  }
};

struct Bound {
  BertWeights weights;
  int64_t found = 0, prepared = 0;
};

Result<Bound> bind(const Model& model, CacheOptions options, matmul::Type stored, const TensorTable& tensors) {
  const auto file = MappedFile::open(model.folder.path("model.safetensors"));
  if (!file) return file.status();
  ModelStore store(std::move(options), {&*file}, model.folder.path(), stored, "bert");
  auto weights = BertWeights::bind(model.bert.config, tensors, stored, nullptr, &store);
  if (!weights) return weights.status();
  store.finish();
  return Bound{std::move(*weights), store.found(), store.prepared()};
}

Bound bind(Model& model, matmul::Type stored = matmul::Type::f32) {
  auto bound = bind(model, model.options(), stored, *model.bert.table());
  EXPECT_TRUE(bound.ok()) << bound.status().message();
  return bound ? std::move(*bound) : Bound();
}

std::vector<const ops::Weights*> products(const BertWeights& weights) {
  std::vector<const ops::Weights*> all;
  for (const auto& layer : weights.layers)
    for (const auto* linear : {&layer.qkv, &layer.out, &layer.up, &layer.down}) all.push_back(&linear->weights);
  return all;
}

void expect_same_bits(const BertWeights& a, const BertWeights& b) {
  const auto x = products(a), y = products(b);
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(x[i]->bytes(), y[i]->bytes());
    EXPECT_EQ(std::memcmp(x[i]->data(), y[i]->data(), static_cast<size_t>(x[i]->bytes())), 0) << i;
  }
}

constexpr int64_t kProducts = 8;  // of two layers

TEST(ModelStore, ASecondStartFindsTheSameBitsWithoutReadingTheirSources) {
  Model model("store_hit");
  const Bound first = bind(model);
  EXPECT_EQ(first.prepared, kProducts);
  EXPECT_EQ(first.found, 0);

  // The matrices of the layers where no read is allowed.
  void* forbidden = ::mmap(nullptr, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(forbidden, MAP_FAILED);
  auto views = model.bert.views;
  for (TensorView& view : views)
    if (view.name.starts_with("encoder.") && view.shape.rank() == 2)
      view.bytes = {static_cast<const std::byte*>(forbidden), view.bytes.size()};
  auto second = bind(model, model.options(), matmul::Type::f32, *TensorTable::create(views, "unreadable"));
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_EQ(second->found, kProducts);
  EXPECT_EQ(second->prepared, 0);
  expect_same_bits(first.weights, second->weights);
  EXPECT_TRUE(model.warnings.empty());
  ::munmap(forbidden, 1 << 20);
}

TEST(ModelStore, EveryTypeAndEverySourceHasItsOwn) {
  Model model("store_keys");
  for (const auto stored : {matmul::Type::f32, matmul::Type::bf16, matmul::Type::q8_0}) {
    EXPECT_EQ(bind(model, stored).prepared, kProducts);
    EXPECT_EQ(bind(model, stored).prepared, 0);
  }
  EXPECT_EQ(model.packed_files().size(), 3u);
  model.folder.write("model.safetensors", "other weights");
  EXPECT_EQ(bind(model).prepared, kProducts);
  EXPECT_EQ(model.packed_files().size(), 4u);
}

TEST(ModelStore, ADamagedFileIsPackedAgain) {
  Model model("store_damage");
  const Bound first = bind(model);
  ASSERT_EQ(model.packed_files().size(), 1u);
  const std::string path = model.packed_files().front();
  const auto size = std::filesystem::file_size(path);
  const auto damages = {std::uintmax_t{0}, std::uintmax_t{50}, size / 2, size - 1};
  for (const std::uintmax_t left : damages) {
    std::filesystem::resize_file(path, left);
    const Bound again = bind(model);
    EXPECT_EQ(again.prepared, kProducts) << left;
    expect_same_bits(first.weights, again.weights);
    EXPECT_EQ(bind(model).found, kProducts) << left;
  }
  EXPECT_EQ(model.warnings.size(), damages.size());
}

TEST(ModelStore, AFileThatLacksAProductIsMadeAnew) {
  Model model("store_lack");
  bind(model);
  const std::string path = model.packed_files().front();
  const auto whole = PackedFile::open(path, "");
  ASSERT_TRUE(whole.ok());
  auto writer = PackedWriter::create(model.folder.path("part"));
  for (size_t i = 1; i < whole->entries().size(); ++i) ASSERT_TRUE((*writer)->add(whole->entries()[i]).ok());
  ASSERT_TRUE((*writer)->finish(whole->info(), path).ok());
  EXPECT_EQ(bind(model).prepared, 1);
  EXPECT_EQ(bind(model).prepared, kProducts);  // the file was given up
  EXPECT_EQ(bind(model).prepared, 0);
}

TEST(ModelStore, ProcessesAndThreadsAtOnceSpoilNothing) {
  Model model("store_race");
  const Bound expected = bind(model);
  for (int round = 0; round < 3; ++round) {
    std::filesystem::remove_all(model.cache());
    constexpr int kProcesses = 4;
    for (int i = 0; i < kProcesses; ++i)
      if (::fork() == 0) ::_exit(bind(model).weights.layers.size() == 2 && model.warnings.empty() ? 0 : 1);
    for (int i = 0; i < kProcesses; ++i) {
      int status = 0;
      ::wait(&status);
      EXPECT_EQ(status, 0);
    }
    std::filesystem::remove_all(model.cache());
    std::atomic<int> bound = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        const auto one = bind(model, {.folder = model.cache()}, matmul::Type::f32, *model.bert.table());
        if (one.ok()) ++bound;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(bound, 4);
    const Bound after = bind(model);
    EXPECT_EQ(after.found, kProducts);
    expect_same_bits(expected.weights, after.weights);
    for (const auto& file : std::filesystem::directory_iterator(model.cache()))
      EXPECT_NE(file.path().extension(), ".tmp") << file.path();
  }
}

TEST(ModelStore, ABoundIsKeptByGivingUpTheOldest) {
  Model model("store_bound");
  bind(model);
  const std::string oldest = model.packed_files().front();
  const auto one = static_cast<int64_t>(std::filesystem::file_size(oldest));
  const timespec then[] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, oldest.c_str(), then, 0), 0);
  CacheOptions bounded = model.options();
  bounded.most_bytes = one + one / 4;
  const auto table = *model.bert.table();
  ASSERT_TRUE(bind(model, bounded, matmul::Type::bf16, table).ok());
  EXPECT_FALSE(std::filesystem::exists(oldest));
  EXPECT_EQ(model.packed_files().size(), 1u);
  EXPECT_TRUE(model.warnings.empty());
  bounded.most_bytes = one / 4;
  EXPECT_TRUE(bind(model, bounded, matmul::Type::f32, table).ok());
  EXPECT_EQ(model.warnings.size(), 1u);  // it alone is more
  EXPECT_EQ(model.packed_files().size(), 1u);
}

// A limit of this process stands in for a full disk: both refuse a write.
TEST(ModelStore, AFullDiskIsAWarning) {
  Model model("store_full");
  if (::fork() == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{20000, 20000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const Bound bound = bind(model);
    ::_exit(bound.prepared == kProducts && model.warnings.size() == 1 && model.packed_files().empty() ? 0 : 1);
  }
  int status = 0;
  ::wait(&status);
  EXPECT_EQ(status, 0);
}

TEST(ModelStore, AFolderThatCannotBeIsAWarning) {
  Model model("store_no_folder");
  model.folder.write("file", "no folder");
  CacheOptions options = model.options();
  options.folder = model.folder.path("file") + "/cache";
  const auto bound = bind(model, options, matmul::Type::f32, *model.bert.table());
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ(bound->prepared, kProducts);
  EXPECT_EQ(model.warnings.size(), 1u);
  options.folder = "";  // nobody asked for one
  EXPECT_TRUE(bind(model, options, matmul::Type::f32, *model.bert.table()).ok());
  EXPECT_EQ(model.warnings.size(), 1u);
}

}  // namespace
}  // namespace lathe::run
