// Texts to train on, document by document: text files and JSON lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::run {

struct CorpusOptions {
  std::vector<std::string> files;
  std::string format{};        // text or jsonl; empty: by each file's name (.jsonl and .ndjson are JSON lines)
  std::string field = "text";  // of JSON lines
  std::string document_end{};  // what stands between two documents of a text file; empty: a file is one
};

// Calls `visit` with every document that is not empty, in order, and with the bytes of all files read so far. Stops at
// the first error, its own or the visitor's. `document` is valid during the call only.
Status visit_documents(const CorpusOptions& options,
                       const std::function<Status(std::string_view document, int64_t done)>& visit);

// Bytes of all files, or an error that names the one that cannot be read.
Result<int64_t> corpus_bytes(const CorpusOptions& options);

}  // namespace lathe::run
