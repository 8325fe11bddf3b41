#include "run/indexer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "run/evaluate.h"
#include "run/searcher.h"
#include "run/test_model.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

// A model, a folder of three texts, and the options to index it.
struct Project {
  FakeFolder folder;

  explicit Project(const std::string& name) : folder(name) {
    testing::write_model(folder, "model");
    folder.write("docs/a.md", "# Numbers\none two three\n");
    folder.write("docs/deep/b.txt", "four four four\n\nfour twos\n");
    folder.write("docs/c.txt", "three ones\n");
    folder.write("docs/.git/config", "one\n");
    folder.write("docs/binary", std::string("one\0two", 7));
  }
  IndexOptions options(IndexStore store = IndexStore::f32) const {
    return {.index = folder.path("x.index"),
            .paths = {folder.path("docs")},
            .embedder = {.model = folder.path("model"), .threads = 2},
            .store = store};
  }
  std::string bytes() const {
    std::ifstream in(folder.path("x.index"), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

IndexReport build(const IndexOptions& options) {
  auto report = build_index(options);
  EXPECT_TRUE(report.ok()) << report.status().message();
  return report ? std::move(*report) : IndexReport();
}

std::string refusal(const IndexOptions& options) {
  const auto report = build_index(options);
  return report ? "" : report.status().message();
}

using Paths = std::vector<std::string>;

TEST(Indexer, EmbedsOnlyWhatChanged) {
  const Project project("indexer_changes");
  const IndexOptions options = project.options();
  const IndexReport first = build(options);
  EXPECT_EQ(first.added.size(), 3u);
  EXPECT_EQ(first.embedded, 3);
  EXPECT_EQ(first.chunks, 3);
  EXPECT_EQ(first.dim, 48);
  const std::string bytes = project.bytes();

  const IndexReport again = build(options);
  EXPECT_FALSE(again.written);
  EXPECT_EQ(again.kept, 3);
  EXPECT_EQ(again.embedded, 0);
  EXPECT_EQ(project.bytes(), bytes);

  project.folder.write("docs/c.txt", "three twos\n");
  project.folder.write("docs/new.txt", "one\n");
  fs::rename(project.folder.path("docs/a.md"), project.folder.path("docs/moved.md"));
  fs::remove(project.folder.path("docs/deep/b.txt"));
  const IndexReport changed = build(options);
  EXPECT_EQ(changed.changed, Paths{project.folder.path("docs/c.txt")});
  EXPECT_EQ(changed.added, (Paths{project.folder.path("docs/moved.md"), project.folder.path("docs/new.txt")}));
  EXPECT_EQ(changed.removed, (Paths{project.folder.path("docs/a.md"), project.folder.path("docs/deep/b.txt")}));
  EXPECT_EQ(changed.embedded, 2);  // the moved one keeps its vectors
  EXPECT_EQ(changed.files, 3);

  // What came about step by step is what one run makes of it.
  const std::string step_by_step = project.bytes();
  IndexOptions rebuilt = options;
  rebuilt.rebuild = true;
  EXPECT_EQ(build(rebuilt).embedded, 3);
  EXPECT_EQ(project.bytes(), step_by_step);
}

TEST(Indexer, AnotherModelOrOtherOptionsAreAnErrorUnlessRebuilt) {
  const Project project("indexer_options");
  build(project.options());
  const std::string bytes = project.bytes();
  IndexOptions options = project.options(IndexStore::int8);
  EXPECT_NE(refusal(options).find("--store f32"), std::string::npos);
  options = project.options();
  options.chunks.overlap = 3;
  EXPECT_NE(refusal(options).find("--overlap 16, now it is 3; --rebuild"), std::string::npos);
  options = project.options();
  options.embedder.dim = 8;
  EXPECT_NE(refusal(options).find("--dim"), std::string::npos);
  testing::write_model(project.folder, "other", "five\n");
  options = project.options();
  options.embedder.model = project.folder.path("other");
  EXPECT_NE(refusal(options).find("was made with the model"), std::string::npos);
  EXPECT_EQ(project.bytes(), bytes);
  options.rebuild = true;
  EXPECT_EQ(build(options).embedded, 3);
  // The same files elsewhere are the same model.
  testing::write_model(project.folder, "copy", "five\n");
  options.embedder.model = project.folder.path("copy");
  options.rebuild = false;
  EXPECT_FALSE(build(options).written);
}

TEST(Indexer, LeavesTheOldIndexWhereItCannotFinish) {
  const Project project("indexer_stop");
  build(project.options());
  const std::string bytes = project.bytes();
  project.folder.write("docs/new.txt", "one two\n");
  const std::atomic<bool> stop = true;
  IndexOptions options = project.options();
  options.stop = &stop;
  EXPECT_NE(refusal(options).find("interrupted"), std::string::npos);
  EXPECT_EQ(project.bytes(), bytes);
  EXPECT_FALSE(fs::exists(project.folder.path("x.index.lock")));

  options = project.options();
  options.index = project.folder.write("notes.txt", "mine");
  options.rebuild = true;
  EXPECT_NE(refusal(options).find("is no index"), std::string::npos);
}

TEST(Indexer, OneWriterAtATimeAndTheRestOfACrashIsRemoved) {
  const Project project("indexer_lock");
  const std::string lock = project.folder.write("x.index.lock", "");
  const std::string left = project.folder.write("x.index.123-0.tmp", "half");
  const std::string other = project.folder.write("x.index.notes.tmp", "mine");
  const int fd = ::open(lock.c_str(), O_RDWR);
  ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
  EXPECT_NE(refusal(project.options()).find("another process"), std::string::npos);
  EXPECT_TRUE(fs::exists(lock));
  EXPECT_TRUE(fs::exists(left));
  ::close(fd);
  build(project.options());
  EXPECT_FALSE(fs::exists(lock));
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(other));
}

TEST(Indexer, FiltersFilesAndTakesNamedOnes) {
  const Project project("indexer_filter");
  IndexOptions options = project.options();
  options.filter.include = {"*.txt"};
  options.filter.exclude = {"deep"};
  EXPECT_EQ(build(options).added, Paths{project.folder.path("docs/c.txt")});
  options.paths = {project.folder.path("docs/a.md")};
  EXPECT_EQ(build(options).added, options.paths);
  options.paths = {project.folder.path("docs/binary")};
  EXPECT_NE(refusal(options).find("NUL"), std::string::npos);
  options.paths = {project.folder.path("docs/absent")};
  EXPECT_NE(refusal(options).find("no such file"), std::string::npos);
  options = project.options();
  options.filter.most_bytes = 20;
  EXPECT_EQ(build(options).skipped.size(), 2u);
}

TEST(Searcher, FindsTheSameForEveryStoredTypeAndAnyThreads) {
  const Project project("searcher_types");
  for (int i = 0; i < 200; ++i)
    project.folder.write("docs/n" + std::to_string(i),
                         std::string(i % 7 + 1, 'x') + " one two" + (i % 3 ? " threes four" : " four") + "\n");
  std::vector<std::pair<int64_t, float>> expected;
  for (const IndexStore store : {IndexStore::f32, IndexStore::bf16, IndexStore::int8}) {
    IndexOptions options = project.options(store);
    options.rebuild = true;
    build(options);
    for (const int threads : {1, 3}) {
      auto searcher = Searcher::open({.index = options.index, .embedder = {.threads = threads}});
      ASSERT_TRUE(searcher.ok()) << searcher.status().message();
      const auto hits = searcher->search("one two threes", 12);
      ASSERT_TRUE(hits.ok());
      std::vector<std::pair<int64_t, float>> found;
      for (const ops::Hit& hit : *hits) found.emplace_back(hit.index, hit.score);
      ASSERT_EQ(found.size(), 12u);
      if (expected.empty()) expected = found;
      if (store == IndexStore::f32) {
        EXPECT_EQ(found, expected);  // where many texts are equal, ties decide what is rescored
      }
      EXPECT_EQ(found[0].second, expected[0].second);
    }
  }
}

TEST(Searcher, AChunkIsNearestToItselfAndEvaluationCounts) {
  const Project project("searcher_self");
  const IndexOptions options = project.options(IndexStore::int8);
  build(options);
  auto searcher = Searcher::open({.index = options.index, .embedder = {.threads = 1}});
  ASSERT_TRUE(searcher.ok()) << searcher.status().message();
  const auto hits = searcher->search("three ones", 2);
  ASSERT_TRUE(hits.ok());
  ASSERT_EQ(hits->size(), 2u);
  EXPECT_EQ(searcher->index().chunk((*hits)[0].index).text, "three ones");
  EXPECT_NEAR((*hits)[0].score, 1.0f, 1e-5);
  const auto evaluation = evaluate(*searcher, {}, 200);
  ASSERT_TRUE(evaluation.ok());
  EXPECT_EQ(evaluation->queries, 3);
  ASSERT_EQ(evaluation->rows.size(), 3u);
  for (const ScanFigures& row : evaluation->rows) EXPECT_EQ(row.recall, 1.0) << row.name;
  fs::remove_all(project.folder.path("model"));
  EXPECT_NE(Searcher::open({.index = options.index}).status().message().find("--model"), std::string::npos);
}

TEST(Evaluate, TakesTheFirstSentence) {
  EXPECT_EQ(first_sentence("  Bread\n rises. It bakes."), "Bread rises.");
  EXPECT_EQ(first_sentence("version 1.5 holds"), "version 1.5 holds");
  EXPECT_EQ(first_sentence(""), "");
}

}  // namespace
}  // namespace lathe::run
