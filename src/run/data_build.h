// Texts into a file of token ids to train on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lathe/status.h"
#include "run/corpus.h"

namespace lathe::run {

struct DataBuildOptions {
  CorpusOptions corpus{};
  std::string tokenizer;    // as read_tokenizer_files takes it, or "chars"
  std::string hub{};        // the cache of Hugging Face names
  std::string output;       // the file
  double validation = 0.1;  // share of the ids, at the end, that is kept for validation; 0: none
  int threads = 0;          // 0: what the machine recommends
  // Hears the temporary name under which the file is written.
  std::function<void(const std::string&)> writing{};
  // Bytes of text done, of so many. Characters are counted first: they pass twice.
  std::function<void(int64_t done, int64_t total)> progress{};
};

struct DataBuildReport {
  int64_t documents = 0, text_bytes = 0, vocabulary = 0;
  int64_t train_count = 0, validation_count = 0;
  int id_bytes = 0;
};

// Between documents stands the token that begins a text, else the one that ends it, where the tokenizer has either;
// between documents of characters a line feed. The validation part begins with a document where one begins near.
Result<DataBuildReport> build_data(const DataBuildOptions& options);

}  // namespace lathe::run
