#include "run/data_build.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "formats/token_shard.h"
#include "platform/team.h"
#include "run/char_table.h"
#include "run/tokenizer_files.h"

namespace lathe::run {
namespace {

constexpr const char* kChars = "chars";
constexpr size_t kPiece = 4 << 20;   // a longer document is cut at a line's end: tokenizers take a text as a whole
constexpr size_t kBatch = 16 << 20;  // bytes of text that the team tokenises at once

Status check(const DataBuildOptions& options) {
  if (options.corpus.files.empty()) return invalid_argument("a text is missing; see 'lathe data build --help'");
  if (options.tokenizer.empty())
    return invalid_argument("--tokenizer is missing, needed: 'chars', a tokenizer's file, or a model");
  if (!(options.validation >= 0 && options.validation < 1))
    return invalid_argument("--validation is " + std::to_string(options.validation) +
                            ", needed: a share from 0 to less than 1");
  return {};
}

std::string source_text(const CorpusOptions& corpus) {
  std::string names;
  for (const std::string& file : corpus.files) {
    if (names.size() > 1000) return names + ", ...";
    names += (names.empty() ? "" : ", ") + std::filesystem::path(file).filename().string();
  }
  return names;
}

// Writes ids and remembers where documents begin.
class ShardMaker {
 public:
  static Result<ShardMaker> create(const DataBuildOptions& options, int64_t vocabulary) {
    auto writer = TokenShardWriter::create(options.output, vocabulary);
    if (!writer) return writer.status();
    if (options.writing) options.writing(writer->file().temporary());
    return ShardMaker(std::move(*writer));
  }

  void begin_document() { begins_.push_back(writer_.count()); }
  Status add(std::span<const int32_t> ids) { return writer_.add(ids); }

  Result<DataBuildReport> finish(TokenShardInfo info, double validation) {
    info.documents = static_cast<int64_t>(begins_.size());
    info.train_count = cut(validation);
    if (Status status = writer_.finish(info); !status.ok()) return status;
    return DataBuildReport{.documents = info.documents,
                           .text_bytes = 0,
                           .vocabulary = info.vocabulary,
                           .train_count = info.train_count,
                           .validation_count = writer_.count() - info.train_count,
                           .id_bytes = info.vocabulary <= 65536 ? 2 : 4};
  }

 private:
  explicit ShardMaker(TokenShardWriter writer) : writer_(std::move(writer)) {}

  // Where the validation part begins: with the next document, if that leaves at least half of what was asked for.
  int64_t cut(double validation) const {
    const int64_t count = writer_.count();
    const auto exact = static_cast<int64_t>(static_cast<double>(count) * (1 - validation));
    if (validation == 0) return count;
    const auto next = std::ranges::lower_bound(begins_, exact);
    return next != begins_.end() && count - *next >= (count - exact) / 2 ? *next : exact;
  }

  TokenShardWriter writer_;
  std::vector<int64_t> begins_;
};

// A piece of a document, as the team tokenises it.
struct Piece {
  std::string text;
  bool begins = false;  // a document
  bool ends = false;
};

// Cuts a document at the ends of lines, where it is long.
void cut_pieces(std::string_view document, std::vector<Piece>& pieces) {
  bool begins = true;
  while (!document.empty()) {
    size_t length = document.size();
    if (length > kPiece) {
      const size_t line = document.rfind('\n', kPiece - 1);
      length = line == std::string_view::npos ? kPiece : line + 1;
      while (length < document.size() && (static_cast<unsigned char>(document[length]) & 0xC0) == 0x80) ++length;
    }
    pieces.push_back({std::string(document.substr(0, length)), begins, length == document.size()});
    document.remove_prefix(length);
    begins = false;
  }
}

class TokenBatches {
 public:
  TokenBatches(const tokenize::Tokenizer& tokenizer, Team& team, ShardMaker& maker)
      : tokenizer_(tokenizer), team_(team), maker_(maker), work_(static_cast<size_t>(team.size())) {}

  int32_t separator() const { return begin_ >= 0 ? begin_ : end_; }

  Status add(std::string_view document) {
    cut_pieces(document, pieces_);
    bytes_ += document.size();
    return bytes_ < kBatch ? Status() : flush();
  }

  Status flush() {
    ids_.resize(std::max(ids_.size(), pieces_.size()));
    std::vector<Status> outcomes(work_.size());
    team_.run([&](Team::Worker& worker) {
      const auto me = static_cast<size_t>(worker.id());
      for (int64_t i = worker.next(); i < static_cast<int64_t>(pieces_.size()); i = worker.next()) {
        const auto at = static_cast<size_t>(i);
        Status status =
            tokenizer_.encode(pieces_[at].text, {.add_special = false, .allow_special = false}, work_[me], ids_[at]);
        if (!status.ok()) outcomes[me] = std::move(status);
      }
    });
    for (const Status& status : outcomes)
      if (!status.ok()) return status;
    for (size_t i = 0; i < pieces_.size(); ++i)
      if (Status status = write(pieces_[i], ids_[i].ids); !status.ok()) return status;
    pieces_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  Status write(const Piece& piece, std::span<const int32_t> ids) {
    if (piece.begins) maker_.begin_document();
    if (piece.begins && begin_ >= 0)
      if (Status status = maker_.add(std::span(&begin_, 1)); !status.ok()) return status;
    if (Status status = maker_.add(ids); !status.ok()) return status;
    const bool closes = piece.ends && begin_ < 0 && end_ >= 0;
    return closes ? maker_.add(std::span(&end_, 1)) : Status();
  }

  const tokenize::Tokenizer& tokenizer_;
  Team& team_;
  ShardMaker& maker_;
  const int32_t begin_ = tokenizer_.special().bos, end_ = tokenizer_.special().eos;
  std::vector<tokenize::Workspace> work_;
  std::vector<Piece> pieces_;
  std::vector<tokenize::Encoding> ids_;
  size_t bytes_ = 0;
};

Result<DataBuildReport> build_tokens(const DataBuildOptions& options, int64_t total) {
  auto files = read_tokenizer_files(options.tokenizer, options.hub);
  if (!files) return files.status();
  const auto tokenizer = tokenizer_of(*files, options.tokenizer);
  if (!tokenizer) return tokenizer.status();
  const auto team = Team::create({.threads = options.threads});
  if (!team) return team.status();
  auto maker = ShardMaker::create(options, tokenizer->vocab_size());
  if (!maker) return maker.status();
  TokenBatches batches(*tokenizer, **team, *maker);
  Status status = visit_documents(options.corpus, [&](std::string_view document, int64_t done) {
    if (options.progress) options.progress(done, total);
    return batches.add(document);
  });
  if (status.ok()) status = batches.flush();
  if (!status.ok()) return status;
  return maker->finish({.source = source_text(options.corpus),
                        .separator = batches.separator(),
                        .vocabulary = tokenizer->vocab_size(),
                        .tokenizer = std::move(*files)},
                       options.validation);
}

// Characters pass twice: to be numbered, and to be written.
Result<DataBuildReport> build_characters(const DataBuildOptions& options, int64_t total) {
  CharTable table;
  int64_t documents = 0;
  Status status = visit_documents(options.corpus, [&](std::string_view document, int64_t done) {
    if (options.progress) options.progress(done / 2, total);
    table.add(document);
    ++documents;
    return Status();
  });
  if (!status.ok()) return status;
  if (documents > 1) table.add("\n");
  table.number();
  auto maker = ShardMaker::create(options, std::max<int64_t>(table.size(), 1));
  if (!maker) return maker.status();
  std::vector<int32_t> ids;
  status = visit_documents(options.corpus, [&](std::string_view document, int64_t done) {
    if (options.progress) options.progress((total + done) / 2, total);
    ids.clear();
    table.encode(document, ids);
    if (documents > 1 && !document.ends_with('\n')) table.encode("\n", ids);
    maker->begin_document();
    return maker->add(ids);
  });
  if (!status.ok()) return status;
  return maker->finish({.source = source_text(options.corpus),
                        .vocabulary = std::max<int64_t>(table.size(), 1),
                        .tokenizer = {{"tokenizer.json", table.tokenizer_json()}}},
                       options.validation);
}

}  // namespace

Result<DataBuildReport> build_data(const DataBuildOptions& options) {
  if (Status status = check(options); !status.ok()) return status;
  const auto total = corpus_bytes(options.corpus);
  if (!total) return total.status();
  auto report = options.tokenizer == kChars ? build_characters(options, *total) : build_tokens(options, *total);
  if (!report) return report.status();
  report->text_bytes = *total;
  return report;
}

}  // namespace lathe::run
