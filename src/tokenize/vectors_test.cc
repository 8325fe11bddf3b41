// The published vectors: texts and the ids that the reference gives them, from GGUF and from Hugging Face files.
#include <gtest/gtest.h>

#include <sstream>

#include "tokenize/test_data.h"
#include "tokenize/test_gguf.h"
#include "tokenize/tokenizer.h"

namespace lathe::tokenize {
namespace {

struct Vector {
  std::string text;
  std::vector<int32_t> ids;
};

std::vector<Vector> read_vectors(const std::string& name) {
  constexpr std::string_view kMark = "\n__ggml_vocab_test__\n";
  const std::string input = read_test_data("vectors/ggml-vocab-" + name + ".gguf.inp");
  std::istringstream output(read_test_data("vectors/ggml-vocab-" + name + ".gguf.out"));
  std::vector<Vector> vectors;
  for (size_t at = 0; at < input.size();) {
    const size_t end = std::min(input.find(kMark, at), input.size());
    Vector one{input.substr(at, end - at), {}};
    std::string line;
    std::getline(output, line);
    std::istringstream ids(line);
    for (int32_t id; ids >> id;) one.ids.push_back(id);
    vectors.push_back(std::move(one));
    at = end + kMark.size();
  }
  return vectors;
}

void expect_vectors(const std::string& name, const Result<Tokenizer>& tokenizer) {
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  const auto vectors = read_vectors(name);
  EXPECT_EQ(vectors.size(), 46u);
  Workspace work;
  Encoding encoding;
  for (const Vector& vector : vectors) {
    ASSERT_TRUE(tokenizer->encode(vector.text, {.add_special = false}, work, encoding).ok());
    EXPECT_EQ(encoding.ids, vector.ids) << vector.text;
  }
}

struct Case {
  std::string vectors, path;  // in the folder of test data
};
class VectorsTest : public ::testing::TestWithParam<Case> {};

TEST_P(VectorsTest, Match) {
  const auto& [vectors, path] = GetParam();
  LATHE_NEEDS_TEST_DATA(path);
  if (!path.ends_with(".gguf")) return expect_vectors(vectors, Tokenizer::load(test_data(path)));
  const TestGguf file(read_test_data(path));
  expect_vectors(vectors, Tokenizer::from_gguf(path, file.vocab()));
}

INSTANTIATE_TEST_SUITE_P(All, VectorsTest,
                         ::testing::Values(Case{"bert-bge", "vectors/ggml-vocab-bert-bge.gguf"},
                                           Case{"bert-bge", "tokenizers/all-MiniLM-L6-v2/tokenizer.json"},
                                           Case{"bert-bge", "tokenizers/all-MiniLM-L6-v2/vocab.txt"},
                                           Case{"gpt-2", "vectors/ggml-vocab-gpt-2.gguf"},
                                           Case{"gpt-2", "tokenizers/gpt2/tokenizer.json"},
                                           Case{"gpt-2", "tokenizers/gpt2/vocab.json"},
                                           Case{"llama-spm", "vectors/ggml-vocab-llama-spm.gguf"},
                                           Case{"llama-spm", "tokenizers/llama2/tokenizer.model"},
                                           Case{"qwen2", "tokenizers/qwen2"}),
                         [](const auto& test) {
                           std::string name = test.param.path;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace lathe::tokenize
