// lathe embed as a shell sees it: what it writes where, what it leaves behind, and how it exits.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/test_files.h"
#include "shell.h"

namespace {

using lathe::FakeFolder;
using nlohmann::json;

using lathe::cli::Outcome;
using lathe::cli::read_all;
using lathe::cli::shell;

std::vector<json> lines_of(const Outcome& o) {
  std::vector<json> all;
  std::istringstream in(o.out);
  for (std::string line; std::getline(in, line);) all.push_back(json::parse(line, nullptr, false));
  return all;
}

const std::string kEmbed = "\"" LATHE_BINARY "\" embed ";

void expect_error(const std::string& arguments, int exit, const std::string& words) {
  const Outcome o = shell(kEmbed + arguments);
  EXPECT_EQ(o.exit, exit) << arguments;
  EXPECT_EQ(o.out, "") << arguments;
  EXPECT_TRUE(o.err.starts_with("lathe: ")) << o.err;
  EXPECT_NE(o.err.find(words), std::string::npos) << o.err;
}

TEST(EmbedCommand, ErrorsSayWhatWasFoundAndExitAsTheyShould) {
  expect_error("-m x --dtype q9 text", 2, "--dtype is 'q9'");
  expect_error("-m x --pooling sum text", 2, "--pooling is 'sum'");
  expect_error("-m x --normalize --no-normalize text", 2, "--no-normalize");
  expect_error("-m x --file y text", 2, "--file");
  expect_error("-m x --file /no/such/file", 1, "/no/such/file");
  expect_error("-m /no/such/model text", 1, "/no/such/model");
  expect_error("-m x --task query --prompt y text", 2, "--prompt");
  expect_error("-m x --overlap 3 text", 2, "--on-overflow chunk");
  expect_error("-m x --max-rss lots text", 2, "--max-rss is 'lots'");
  expect_error("-m x --on-error zero text", 2, "report, skip, stop");
  expect_error("-m x --format npy --on-error report text", 2, "stop, skip, zero");
  expect_error("-m x --input-format csv", 2, "lines, jsonl");
  expect_error("-m x -o /no/such/folder/x text", 1, "/no/such/folder/x");
  expect_error("-m x -o /tmp text", 1, "folder");
}

// With a model whose weights are random: all but the meaning of the vectors.
class EmbedFiles : public testing::Test {
 protected:
  void SetUp() override {
    const std::string model = lathe::test_data("fixtures/tiny_bert");
    if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
    embed_ = kEmbed + "-m '" + model + "' --threads 1 ";
  }
  Outcome embed(const std::string& arguments) const { return shell(embed_ + arguments); }
  std::string path(const std::string& name) const { return folder_.path(name); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }

  FakeFolder folder_{"embed_files"};
  std::string embed_;
};

TEST_F(EmbedFiles, LinesAreTextsAndABadOneFailsAlone) {
  folder_.write("texts.txt", std::string("\xEF\xBB\xBF"
                                         "one\r\n\nbad \xFF byte\nnul \0 byte\none",
                                         34));
  const Outcome o = embed("--file " + path("texts.txt"));
  EXPECT_EQ(o.exit, 1);
  const auto lines = lines_of(o);
  ASSERT_EQ(lines.size(), 5u) << o.err;
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(lines[i]["index"], i);
  EXPECT_EQ(lines[0]["embedding"], lines[4]["embedding"]);
  EXPECT_EQ(lines[1]["tokens"], 2);
  EXPECT_EQ(lines[2]["line"], 3);
  EXPECT_NE(lines[2]["error"].get<std::string>().find("UTF-8"), std::string::npos);
  EXPECT_NE(lines[3]["error"].get<std::string>().find("NUL"), std::string::npos);
  EXPECT_NE(o.err.find("line 3: "), std::string::npos) << o.err;
  EXPECT_NE(o.err.find("lathe: 2 of 5 texts could not be embedded"), std::string::npos) << o.err;
}

TEST_F(EmbedFiles, JsonLinesCarryTheirIds) {
  folder_.write("texts.jsonl",
                "{\"id\": \"a\\\"b\", \"body\": \"one\"}\n\n{\"id\": 7, \"body\": 3}\n{\"body\": \"one\"}\nnot JSON\n"
                "{\"id\": 8}\n[1]\n");
  const Outcome o = embed("--field body --file " + path("texts.jsonl"));
  EXPECT_EQ(o.exit, 1);
  const auto lines = lines_of(o);
  ASSERT_EQ(lines.size(), 6u) << o.err;
  EXPECT_EQ(lines[0]["id"], "a\"b");
  EXPECT_EQ(lines[1]["id"], 7);
  EXPECT_EQ(lines[1]["line"], 3);
  EXPECT_NE(lines[1]["error"].get<std::string>().find("'body' is of type number"), std::string::npos);
  EXPECT_FALSE(lines[2].contains("id"));
  EXPECT_EQ(lines[2]["embedding"], lines[0]["embedding"]);
  EXPECT_TRUE(lines[3].contains("error"));
  EXPECT_NE(lines[4]["error"].get<std::string>().find("no field 'body'"), std::string::npos);
  EXPECT_NE(lines[5]["error"].get<std::string>().find("array"), std::string::npos);
}

TEST_F(EmbedFiles, ArraysHoldTheSameFloats) {
  folder_.write("texts", "one\ntwo words\nthree\n");
  const auto lines = lines_of(embed("--file " + path("texts")));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(embed("--file " + path("texts") + " -o " + path("x.npy")).exit, 0);
  EXPECT_EQ(embed("--format raw --file " + path("texts") + " -o " + path("x.raw")).exit, 0);
  const std::string npy = read_all(path("x.npy")), raw = read_all(path("x.raw"));
  const size_t dim = lines[0]["embedding"].size();
  ASSERT_EQ(npy.size(), 128 + 3 * dim * sizeof(float));
  EXPECT_TRUE(npy.starts_with(std::string("\x93NUMPY\x01\x00\x76\x00", 10)));
  EXPECT_NE(npy.find("'shape': (3, " + std::to_string(dim) + ")"), std::string::npos);
  EXPECT_EQ(npy[127], '\n');
  EXPECT_EQ(npy.substr(128), raw);
  std::vector<float> floats(3 * dim);
  std::memcpy(floats.data(), raw.data(), raw.size());
  for (size_t i = 0; i < floats.size(); ++i)
    EXPECT_EQ(floats[i], lines[i / dim]["embedding"][i % dim].get<float>()) << i;
  EXPECT_EQ(names(), (std::vector<std::string>{"texts", "x.npy", "x.raw"}));
  // A pipe cannot go back to the header.
  const Outcome piped = shell(embed_ + "--format npy --file " + path("texts") + " | cat");
  EXPECT_EQ(piped.out, npy);
}

TEST_F(EmbedFiles, AnArrayEndsSkipsOrFillsWhereATextFails) {
  folder_.write("texts", "one\nbad \xFF byte\none\n");
  const std::string from = "--format raw --file " + path("texts") + " -o " + path("out");
  const Outcome stopped = embed(from);
  EXPECT_EQ(stopped.exit, 1);
  EXPECT_NE(stopped.err.find("line 2: "), std::string::npos) << stopped.err;
  EXPECT_EQ(names(), std::vector<std::string>{"texts"});
  EXPECT_EQ(embed(from + " --on-error skip").exit, 1);
  const std::string skipped = read_all(path("out"));
  EXPECT_EQ(skipped.substr(0, skipped.size() / 2), skipped.substr(skipped.size() / 2));
  EXPECT_EQ(embed(from + " --on-error zero").exit, 1);
  EXPECT_EQ(read_all(path("out")), skipped.substr(0, skipped.size() / 2) + std::string(skipped.size() / 2, '\0') +
                                       skipped.substr(skipped.size() / 2));
}

TEST_F(EmbedFiles, AFullDiskLeavesTheOldFile) {
  const Outcome full = embed("one -o /dev/full");
  EXPECT_EQ(full.exit, 1);
  EXPECT_NE(full.err.find("cannot write '/dev/full': No space left on device"), std::string::npos) << full.err;
  EXPECT_NE(shell(embed_ + "one >/dev/full").err.find("standard output"), std::string::npos);
  EXPECT_NE(shell(embed_ + "one --format npy >/dev/full").err.find("No space"), std::string::npos);
  folder_.write("out", "old");
  EXPECT_EQ(shell("ulimit -f 0; trap '' XFSZ; " + embed_ + "one -o " + path("out")).exit, 1);
  EXPECT_EQ(read_all(path("out")), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"out"});
}

// It reads what never comes, and is told to end.
TEST_F(EmbedFiles, ASignalLeavesNothing) {
  for (const auto& [name, exit] : {std::pair("INT", 130), std::pair("TERM", 143)}) {
    const Outcome o =
        shell("mkfifo " + path("fifo") + "; (exec 3>" + path("fifo") + "; echo one >&3; sleep 20) & feeder=$!; " +
              // a job in the background of a script ignores SIGINT; env resets that
              "env --default-signal=INT " + embed_ + "--file " + path("fifo") + " -o " + path("out") +
              " & job=$!; while ! ls " + path("") + " | grep -q tmp; do sleep 0.05; done; sleep 0.3; kill -" + name +
              " $job; wait $job; code=$?; kill $feeder; exit $code");
    EXPECT_EQ(o.exit, exit) << o.err;
    EXPECT_NE(o.err.find("lathe: "), std::string::npos) << o.err;
    EXPECT_EQ(names(), std::vector<std::string>{"fifo"});
    std::filesystem::remove(path("fifo"));
  }
}

TEST_F(EmbedFiles, AReaderThatLeavesEndsItQuietly) {
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "one two three\n";
  folder_.write("texts", many);
  const Outcome o = shell(embed_ + "--file " + path("texts") + " | head -n 1 | wc -l");
  EXPECT_EQ(o.out, "1\n");
  EXPECT_EQ(o.err, "");
}

// The pipe stays open until the first answer is there.
TEST_F(EmbedFiles, LinesOfAPipeAreAnsweredAsTheyCome) {
  const Outcome o = shell("mkfifo " + path("in") + " " + path("out") + "; timeout 60 " + embed_ + "<" + path("in") +
                          " >" + path("out") + " & exec 3>" + path("in") + " 4<" + path("out") +
                          "; echo one >&3; read -r line <&4; echo \"$line\"; exec 3>&-; wait");
  ASSERT_EQ(lines_of(o).size(), 1u) << o.err;
  EXPECT_EQ(lines_of(o)[0]["index"], 0);
}

TEST_F(EmbedFiles, LongTextsAreCutChunkedOrRefused) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "one ";
  const std::string from = "--max-tokens 12 '" + text + "' one";
  const Outcome cut = embed(from);
  EXPECT_EQ(cut.exit, 0);
  EXPECT_EQ(lines_of(cut)[0]["truncated"], true);
  EXPECT_EQ(lines_of(cut)[1]["truncated"], false);
  EXPECT_NE(cut.err.find("text 1: truncated from 32 tokens to 12"), std::string::npos) << cut.err;
  EXPECT_EQ(embed(from + " --quiet").err, "");
  const Outcome chunked = embed(from + " --on-overflow chunk --overlap 2");
  EXPECT_EQ(chunked.exit, 0);
  EXPECT_EQ(chunked.err, "");
  EXPECT_EQ(lines_of(chunked)[0]["chunks"], 4);  // 10, then 8 new ones each
  EXPECT_FALSE(lines_of(chunked)[1].contains("chunks"));
  const Outcome refused = embed(from + " --on-overflow error");
  EXPECT_EQ(refused.exit, 1);
  EXPECT_NE(lines_of(refused)[0]["error"].get<std::string>().find("32 tokens, needed: at most 12"), std::string::npos);
  EXPECT_EQ(lines_of(refused)[1]["embedding"], lines_of(cut)[1]["embedding"]);
}

TEST_F(EmbedFiles, ALineTooLongIsReadOver) {
  const Outcome o = shell("{ echo one; head -c 70000000 /dev/zero | tr '\\0' a; echo; echo one; } | " + embed_);
  EXPECT_EQ(o.exit, 1);
  const auto lines = lines_of(o);
  ASSERT_EQ(lines.size(), 3u) << o.err;
  EXPECT_NE(lines[1]["error"].get<std::string>().find("64 MiB"), std::string::npos);
  EXPECT_EQ(lines[0]["embedding"], lines[2]["embedding"]);
}

TEST_F(EmbedFiles, ALimitOfMemorySaysTheLeast) {
  const Outcome o = embed("--max-rss 1M one");
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.err.find("needed: at least "), std::string::npos) << o.err;
  EXPECT_EQ(embed("--max-rss 1.5GiB one").exit, 0);
}

}  // namespace
