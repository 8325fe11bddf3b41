// Vectors as a command prints them: JSON lines, or an array for other programs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lathe/status.h"
#include "output_file.h"
#include "run/embedder.h"
#include "text_source.h"

namespace lathe::cli {

enum class VectorFormat : uint8_t { jsonl, npy, raw };

class VectorWriter {
 public:
  explicit VectorWriter(OutputFile file) : file_(std::move(file)) {}
  virtual ~VectorWriter() = default;
  VectorWriter(const VectorWriter&) = delete;

  virtual Status begin() { return {}; }
  virtual Status write(const SourceText& source, int64_t index, const run::Embedding& embedding) = 0;
  // In place of a vector; only formats that have words for it can.
  virtual Status write_error(const SourceText& source, int64_t index, const std::string& message) = 0;
  virtual Status write_zeros() = 0;
  virtual Status finish() { return file_.commit(); }
  Status flush() { return file_.flush(); }

 protected:
  OutputFile file_;
};

// jsonl: {"index":0,"id":...,"embedding":[...],"tokens":n,"truncated":false}, the shortest digits that give the same
// floats back; "chunks" where there are several; {"index":0,"line":1,"error":"..."} for a text that failed.
// npy: NumPy's format 1.0, float32 [texts, dim]. raw: the same values without a header. Both little-endian.
std::unique_ptr<VectorWriter> vector_writer(VectorFormat format, int64_t dim, OutputFile file);

}  // namespace lathe::cli
