#include "vector_writer.h"

#include <fmt/format.h>

#include <bit>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

namespace lathe::cli {
namespace {

class JsonLines : public VectorWriter {
 public:
  using VectorWriter::VectorWriter;

  Status write(const SourceText& source, int64_t index, const run::Embedding& e) override {
    start(source, index);
    fmt::format_to(std::back_inserter(line_), "\"embedding\":[{}],\"tokens\":{},\"truncated\":{}",
                   fmt::join(e.vector, ","), e.tokens, e.truncated);
    if (e.chunks > 1) fmt::format_to(std::back_inserter(line_), ",\"chunks\":{}", e.chunks);
    line_ += "}\n";
    return file_.write(line_);
  }

  Status write_error(const SourceText& source, int64_t index, const std::string& message) override {
    start(source, index);
    if (source.line > 0) fmt::format_to(std::back_inserter(line_), "\"line\":{},", source.line);
    line_ += "\"error\":" + nlohmann::json(message).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    line_ += "}\n";
    return file_.write(line_);
  }

  Status write_zeros() override { return {}; }

 private:
  void start(const SourceText& source, int64_t index) {
    line_ = fmt::format("{{\"index\":{},", index);
    if (!source.id.empty()) line_ += "\"id\":" + source.id + ",";
  }

  std::string line_;
};

class RawFloats : public VectorWriter {
 public:
  RawFloats(int64_t dim, OutputFile file)
      : VectorWriter(std::move(file)), dim_(dim), zeros_(static_cast<size_t>(dim), 0.0f) {}

  Status write(const SourceText&, int64_t, const run::Embedding& e) override { return write_row(e.vector); }
  Status write_error(const SourceText&, int64_t, const std::string&) override { return {}; }
  Status write_zeros() override { return write_row(zeros_); }

 protected:
  static_assert(std::endian::native == std::endian::little);
  Status write_row(std::span<const float> row) {
    ++rows_;
    return file_.write({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
  }

  int64_t dim_, rows_ = 0;
  std::vector<float> zeros_;
};

// The number of rows is known at the end: the header has room for any, and is written once more.
class NumPyArray : public RawFloats {
 public:
  using RawFloats::RawFloats;

  Status begin() override { return file_.write(header()); }
  Status finish() override {
    const Status status = file_.patch(0, header());
    return status.ok() ? file_.commit() : status;
  }

 private:
  static constexpr size_t kHeader = 128;  // a multiple of 64, as the format asks

  std::string header() const {
    std::string text("\x93NUMPY\x01\x00", 8);
    text += static_cast<char>(kHeader - 10);
    text += '\0';
    text += fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows_, dim_);
    text.resize(kHeader - 1, ' ');
    return text + '\n';
  }
};

}  // namespace

std::unique_ptr<VectorWriter> vector_writer(VectorFormat format, int64_t dim, OutputFile file) {
  if (format == VectorFormat::npy) return std::make_unique<NumPyArray>(dim, std::move(file));
  if (format == VectorFormat::raw) return std::make_unique<RawFloats>(dim, std::move(file));
  return std::make_unique<JsonLines>(std::move(file));
}

}  // namespace lathe::cli
