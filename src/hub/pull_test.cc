#include "hub/pull.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <filesystem>
#include <thread>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "base/test_files.h"
#include "formats/model_files.h"
#include "hub/fake_server.h"
#include "hub/file_lock.h"

namespace lathe::hub {
namespace {

namespace fs = std::filesystem;
using testing::FakeHub;

std::string git_blob(const std::string& bytes) {
  const std::string all = "blob " + std::to_string(bytes.size()) + '\0' + bytes;
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int length = 0;
  EVP_Digest(all.data(), all.size(), digest, &length, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

class PullTest : public ::testing::Test {
 protected:
  PullTest() : folder_("pull") {
    for (size_t i = 0; i < 300'000; ++i) weights_ += static_cast<char>(i * 2654435761u >> 13);
    add("config.json", "{}");
    add("tokenizer.json", "{\"a\": 1}");
    add("1_Pooling/config.json", "{\"p\": 1}");
    add("modules.json", R"([{"path":""},{"path":"1_Pooling"},{"path":"2_Normalize"}])");
    add("pytorch_model.bin", "never wanted");
    add("README.md", "nor this");
    hub_.files["model.safetensors"] = {weights_, sha256_hex(weights_), true};
  }
  void add(const std::string& path, const std::string& bytes) { hub_.files[path] = {bytes, git_blob(bytes), false}; }

  PullOptions options() const {
    PullOptions options;
    options.remote = {
        .endpoint = hub_.url(), .name = "org/name", .revision = "main", .token = {}, .retries = 3, .retry_ms = 1};
    options.cache = cache();
    return options;
  }
  std::string cache() const { return folder_.path("hub"); }
  std::string root() const { return cache() + "/models--org--name"; }
  std::string snapshot() const { return root() + "/snapshots/" + FakeHub::kCommit; }

  Pulled pulled(const PullOptions& options) const {
    const auto result = pull(options, {});
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? *result : Pulled{};
  }
  void expect_error(const PullOptions& options, const std::string& words, Code code) const {
    const auto result = pull(options, {});
    EXPECT_EQ(result.status().code(), code) << result.status().message();
    EXPECT_NE(result.status().message().find(words), std::string::npos) << result.status().message();
  }
  std::string text(const std::string& path) const { return *read_file(path, 1 << 30); }

  FakeFolder folder_;
  FakeHub hub_;
  std::string weights_;
};

TEST_F(PullTest, WritesTheCacheAsHuggingFaceHubDoes) {
  const Pulled result = pulled(options());
  EXPECT_EQ(result.snapshot, snapshot());
  EXPECT_EQ(result.files, (std::vector<std::string>{"1_Pooling/config.json", "config.json", "model.safetensors",
                                                    "modules.json", "tokenizer.json"}));
  EXPECT_EQ(result.received, result.bytes);
  EXPECT_EQ(text(root() + "/refs/main"), FakeHub::kCommit);
  EXPECT_EQ(fs::read_symlink(snapshot() + "/model.safetensors"), "../../blobs/" + sha256_hex(weights_));
  EXPECT_EQ(fs::read_symlink(snapshot() + "/1_Pooling/config.json"), "../../../blobs/" + git_blob("{\"p\": 1}"));
  EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
  EXPECT_TRUE(fs::exists(cache() + "/.locks/models--org--name/" + sha256_hex(weights_) + ".lock"));
  EXPECT_EQ(*hub_snapshot("org/name", cache()), snapshot());
  EXPECT_EQ(resolve_model("org/name", cache())->weights, snapshot() + "/model.safetensors");
  // Nothing else is left there.
  EXPECT_EQ(std::distance(fs::directory_iterator(root() + "/blobs"), {}), 5);
}

TEST_F(PullTest, WhatIsThereIsNotAskedForAgain) {
  pulled(options());
  const size_t before = hub_.hub().requests().size();
  EXPECT_EQ(pulled(options()).received, 0);
  EXPECT_EQ(hub_.hub().requests().size(), before + 1);  // the listing
  // Another commit with the same contents: the blobs are linked.
  fs::remove(snapshot() + "/model.safetensors");
  EXPECT_EQ(pulled(options()).received, 0);
  EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
}

TEST_F(PullTest, ABrokenConnectionIsGoneOnWith) {
  hub_.drops = 6;
  const Pulled result = pulled(options());
  EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
  EXPECT_EQ(result.received, result.bytes);  // no byte came twice
  EXPECT_EQ(hub_.drops, 0);
  const auto requests = hub_.store().requests("GET", "model.safetensors");
  ASSERT_EQ(requests.size(), 7u);
  EXPECT_EQ(requests[1].from, 150'000);
  EXPECT_EQ(requests[2].from, 225'000);
}

TEST_F(PullTest, AnInterruptedRunIsGoneOnWithByTheNext) {
  const std::string incomplete = "hub/models--org--name/blobs/" + sha256_hex(weights_) + ".incomplete";
  folder_.write(incomplete, weights_.substr(0, 200'000));
  EXPECT_LT(pulled(options()).received, 110'000);
  EXPECT_EQ(hub_.store().requests("GET", "").front().from, 200'000);
  EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
  EXPECT_FALSE(fs::exists(folder_.path(incomplete)));
}

TEST_F(PullTest, WrongBytesOfAnEarlierRunAreNoticed) {
  const std::string incomplete = "hub/models--org--name/blobs/" + sha256_hex(weights_) + ".incomplete";
  for (const std::string& left : {std::string(200'000, 'x'), std::string(300'000, 'x'), std::string(300'001, 'x')}) {
    fs::remove_all(cache());
    folder_.write(incomplete, left);
    pulled(options());
    EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
  }
}

TEST_F(PullTest, AServerWithoutRangesSendsTheWholeAgain) {
  hub_.takes_ranges = false;
  hub_.drops = 2;
  pulled(options());
  EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
}

TEST_F(PullTest, WrongContentIsNeverKept) {
  hub_.files["model.safetensors"].bytes[77] ^= 1;
  expect_error(options(), "SHA-256", Code::corrupt);
  EXPECT_FALSE(fs::exists(snapshot() + "/model.safetensors"));
  EXPECT_FALSE(fs::exists(root() + "/refs/main"));  // the name finds no half model
  EXPECT_FALSE(fs::exists(root() + "/blobs/" + sha256_hex(weights_) + ".incomplete"));
  hub_.files["model.safetensors"].bytes[77] ^= 1;
  fs::remove_all(cache());
  hub_.files["config.json"].bytes = "[]";
  expect_error(options(), "git's SHA-1", Code::corrupt);
}

TEST_F(PullTest, TroubleOfTheServerIsWaitedFor) {
  hub_.troubles = 3;
  pulled(options());
  hub_.troubles = 4;
  expect_error(options(), "answers 503", Code::failed);
  hub_.troubles = 0;
  fs::remove_all(cache());
  hub_.hangs_up = true;
  expect_error(options(), "the connection to http://127.0.0.1:", Code::io);
}

TEST_F(PullTest, TheTokenGoesToItsServerAlone) {
  hub_.needed_token = "hf_secret";
  expect_error(options(), "needs a token; give one with HF_TOKEN", Code::failed);
  PullOptions with_token = options();
  with_token.remote.token = "wrong";
  expect_error(with_token, "the token may not read it", Code::failed);
  with_token.remote.token = "hf_secret";
  pulled(with_token);
  ASSERT_FALSE(hub_.store().requests().empty());
  for (const auto& request : hub_.store().requests()) EXPECT_EQ(request.token, "");
  with_token.remote.token = "a\r\nHost: b";
  expect_error(with_token, "control characters", Code::invalid_argument);
  with_token.remote.token = "a";
  with_token.remote.endpoint = "http://mirror.example";
  expect_error(with_token, "clear text", Code::invalid_argument);
}

TEST_F(PullTest, ErrorsSayWhatToDo) {
  PullOptions wrong = options();
  wrong.remote.name = "org/absent";
  expect_error(wrong, "'org/absent': no such model at http://127.0.0.1:", Code::not_found);
  EXPECT_FALSE(fs::exists(cache()));
  wrong.remote.name = "org/gated";
  expect_error(wrong, "is gated: accept its conditions", Code::failed);
  wrong = options();
  wrong.remote.revision = "v9";
  expect_error(wrong, "has no revision 'v9'", Code::not_found);
  wrong.remote.revision = "../x";
  expect_error(wrong, "needed: a branch, a tag or a commit", Code::invalid_argument);
  wrong = options();
  wrong.remote.name = "../../x";
  expect_error(wrong, "needed: a Hugging Face name", Code::invalid_argument);
  for (const char* endpoint : {"", "huggingface.co", "file:///etc", "http://", "http://a@b", "https://a b"}) {
    wrong = options();
    wrong.remote.endpoint = endpoint;
    expect_error(wrong, "the endpoint is", Code::invalid_argument);
  }
  wrong = options();
  wrong.files = {"*.onnx"};
  expect_error(wrong, "'*.onnx' matches none of the model's 7 files", Code::not_found);
  std::string gone;
  {
    gone = testing::FakeServer([](const auto&) { return testing::FakeAnswer{}; }).url();
  }
  wrong = options();
  wrong.remote.endpoint = gone;
  expect_error(wrong, "cannot be reached", Code::io);
  wrong = options();
  wrong.cache = folder_.write("file", "");
  expect_error(wrong, "the folder cannot be made", Code::io);
}

TEST_F(PullTest, HostileAnswersWriteNothing) {
  const std::string sha = std::string(R"({"sha":")") + FakeHub::kCommit + R"(","siblings":[{"rfilename":")";
  for (const char* path :
       {"../../evil", "/etc/evil", "a/../evil", "a//b", "", ".", "a\\\\b", "a\\u0000b", "a\\nb", "a/"}) {
    hub_.listing = sha + path + "\"}]}";
    expect_error(options(), "needed: a path inside the model's folder", Code::corrupt);
  }
  hub_.listing = R"({"sha":"../../x","siblings":[]})";
  expect_error(options(), "needed: a commit of 40 digits", Code::corrupt);
  hub_.listing = "[]";
  expect_error(options(), "needed: a commit", Code::corrupt);
  hub_.listing = std::string(17 << 20, ' ');
  expect_error(options(), "the answer is longer than", Code::corrupt);
  hub_.listing = "";
  for (const char* etag : {"../../evil", "", "a/b", "a.lock"}) {
    hub_.files["config.json"].etag = etag;
    expect_error(options(), "needed: letters and digits", Code::corrupt);
  }
  EXPECT_FALSE(fs::exists(folder_.path("evil")));
  fs::remove_all(cache());
  add("config.json", "{}");
  add("modules.json", R"([{"path":"../.."}])");
  expect_error(options(), "needed: a folder inside the model's", Code::corrupt);
}

TEST_F(PullTest, PatternsChooseOtherFiles) {
  PullOptions some = options();
  some.files = {"*.md", "1_Pooling/*"};
  EXPECT_EQ(pulled(some).files, (std::vector<std::string>{"1_Pooling/config.json", "README.md"}));
  EXPECT_EQ(text(snapshot() + "/README.md"), "nor this");
}

TEST_F(PullTest, OtherRevisionsAndNewNames) {
  hub_.needed_revision = "refs%2Fpr%2F1";
  PullOptions other = options();
  other.remote.revision = "refs/pr/1";
  pulled(other);
  EXPECT_EQ(text(root() + "/refs/refs/pr/1"), FakeHub::kCommit);
  hub_.needed_revision = FakeHub::kCommit;
  other.remote.revision = FakeHub::kCommit;
  pulled(other);
  EXPECT_FALSE(fs::exists(root() + "/refs/" + FakeHub::kCommit));
  other = options();
  hub_.needed_revision = "main";
  other.remote.name = "org/old";  // the listing is redirected
  pulled(other);
  EXPECT_TRUE(resolve_model("org/old", cache()).ok());
}

TEST_F(PullTest, SeveralAtOnceDownloadOnce) {
  std::vector<std::thread> threads;
  std::vector<Pulled> results(4);
  for (Pulled& result : results) threads.emplace_back([&] { result = pulled(options()); });
  for (std::thread& thread : threads) thread.join();
  int64_t received = 0;
  for (const Pulled& result : results) received += result.received;
  EXPECT_EQ(received, results[0].bytes);
  EXPECT_EQ(text(snapshot() + "/model.safetensors"), weights_);
}

TEST_F(PullTest, ALockThatItsHolderRemovesIsTakenAnew) {
  const std::string path = folder_.write("x.lock", "");
  auto held = std::make_unique<FileLock>(*FileLock::acquire(path));
  std::thread other([&] { EXPECT_TRUE(FileLock::acquire(path).ok()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  fs::remove(path);
  held.reset();
  other.join();
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(PullTest, ProgressEndsAtTheWhole) {
  int64_t last = 0, total = 0;
  const auto result = pull(options(), [&](const PullProgress& p) {
    EXPECT_GE(p.at, last);
    EXPECT_LE(p.at, p.total);
    last = p.at;
    total = p.total;
  });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, result->bytes);
}

}  // namespace
}  // namespace lathe::hub
