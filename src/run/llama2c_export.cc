#include "run/llama2c_export.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"
#include "formats/hf_config.h"
#include "formats/model_files.h"
#include "models/decoder_config.h"
#include "models/weight_files.h"
#include "tokenize/export_vocab.h"

namespace lathe::run {
namespace {

using models::DecoderConfig;
using models::ExportTensor;
using models::RowOrder;

Status check(const DecoderConfig& c, const std::string& file) {
  const auto wrong = [&](const std::string& what, const std::string& needed) {
    return unsupported(file + ": " + what + ", needed: " + needed + ", as llama2.c has no other");
  };
  if (c.architecture != "llama") return wrong("the architecture is " + c.architecture, "llama");
  if (c.head_dim * c.heads != c.width)
    return wrong("heads have " + std::to_string(c.head_dim) + " elements", std::to_string(c.width / c.heads));
  if (c.qkv_bias || c.out_bias || c.query_key_norm) return wrong("there are biases or norms of heads", "none");
  if (c.global.base != 10000 || c.global.position_scale != 1 || !c.global.factors.empty())
    return wrong("positions have the base " + std::to_string(c.global.base) + " or are stretched", "10000");
  if (std::fabs(c.eps - 1e-5f) > 1e-9f) return wrong("rms_norm_eps is " + std::to_string(c.eps), "1e-05");
  return {};
}

// The tensors in the file's order; queries and keys go from halves to pairs side by side.
Result<std::vector<ExportTensor>> collect(const DecoderConfig& c, const TensorTable& table, bool before_positions) {
  std::vector<ExportTensor> tensors;
  Status status;
  const auto add = [&](const std::string& name, RowOrder order = RowOrder::kept, int64_t heads = 1) {
    const auto found = table.require(name);
    if (!found) {
      if (status.ok()) status = found.status();
      return;
    }
    TensorView target = **found;
    target.dtype = DType::f32;
    target.bytes = {};
    tensors.push_back({.target = target, .source = *found, .order = order, .heads = heads});
  };
  const auto each_layer = [&](const char* name, RowOrder order = RowOrder::kept, int64_t heads = 1) {
    for (size_t i = 0; i < c.layers.size(); ++i)
      add("model.layers." + std::to_string(i) + "." + name + ".weight", order, heads);
  };
  if (!before_positions) {
    if (!c.tied) add("lm_head.weight");
    return status.ok() ? Result<std::vector<ExportTensor>>(std::move(tensors)) : status;
  }
  add("model.embed_tokens.weight");
  each_layer("input_layernorm");
  each_layer("self_attn.q_proj", RowOrder::to_side_by_side, c.heads);
  each_layer("self_attn.k_proj", RowOrder::to_side_by_side, c.kv_heads);
  each_layer("self_attn.v_proj");
  each_layer("self_attn.o_proj");
  each_layer("post_attention_layernorm");
  each_layer("mlp.gate_proj");
  each_layer("mlp.down_proj");
  each_layer("mlp.up_proj");
  add("model.norm.weight");
  return status.ok() ? Result<std::vector<ExportTensor>>(std::move(tensors)) : status;
}

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string header(const DecoderConfig& c) {
  std::string bytes;
  for (const int64_t value : {c.width, c.intermediate, static_cast<int64_t>(c.layers.size()), c.heads, c.kv_heads,
                              c.tied ? c.vocabulary : -c.vocabulary, c.positions})
    append(bytes, static_cast<int32_t>(value));
  return bytes;
}

// Cosines and sines by position, which version 0 still carries though nobody reads them.
std::string positions(const DecoderConfig& c) {
  std::string real, imaginary;
  const int64_t half = c.head_dim / 2;
  for (int64_t p = 0; p < c.positions; ++p)
    for (int64_t i = 0; i < half; ++i) {
      const double angle =
          static_cast<double>(p) * std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
      append(real, static_cast<float>(std::cos(angle)));
      append(imaginary, static_cast<float>(std::sin(angle)));
    }
  return real + imaginary;
}

// The pieces as llama2.c prints them: blanks for SentencePiece's mark.
std::string vocabulary_file(const tokenize::VocabExport& vocab) {
  std::string body;
  int32_t longest = 0;
  for (size_t id = 0; id < vocab.tokens.size(); ++id) {
    std::string piece;
    const std::string& token = vocab.tokens[id];
    for (size_t i = 0; i < token.size();) {
      const bool mark = token.compare(i, 3, "\u2581") == 0;
      piece += mark ? ' ' : token[i];
      i += mark ? 3 : 1;
    }
    if (id == 1 || id == 2) piece = "\n" + piece + "\n";  // as llama2.c's own exporter has them
    longest = std::max(longest, static_cast<int32_t>(piece.size()));
    append(body, vocab.scores[id]);
    append(body, static_cast<int32_t>(piece.size()));
    body += piece;
  }
  std::string bytes;
  append(bytes, longest);
  return bytes + body;
}

Status write_vocabulary(const ModelFiles& files, const Llama2cExportOptions& options, int64_t vocabulary,
                        ExportReport& report) {
  const auto vocab = tokenize::export_vocab(files.config);
  if (!vocab || vocab->model != "llama" || static_cast<int64_t>(vocab->tokens.size()) != vocabulary) {
    report.notes.push_back("no tokenizer.bin is written: llama2.c runs SentencePiece's BPE of the model's size alone");
    return {};
  }
  const auto folder = std::filesystem::path(options.output).parent_path();
  return write_file((folder / "tokenizer.bin").string(), vocabulary_file(*vocab));
}

}  // namespace

Result<ExportReport> export_llama2c(const Llama2cExportOptions& options) {
  const auto files = resolve_model(options.model, "");
  if (!files) return files.status();
  const auto json = HfConfig::open(files->config + "/config.json");
  if (!json) return json.status();
  const auto config = models::read_decoder_config(*json);
  if (!config) return config.status();
  if (Status status = check(*config, json->file()); !status.ok()) return status;
  const auto weights = models::WeightFiles::open(*files);
  if (!weights) return weights.status();
  const auto before = collect(*config, weights->tensors(), true), behind = collect(*config, weights->tensors(), false);
  if (!before || !behind) return before ? behind.status() : before.status();
  auto file = AtomicFile::create(options.output);
  if (!file) return file.status();
  if (options.writing) options.writing(file->temporary());
  ExportReport report;
  report.add(*before);
  report.add(*behind);
  const auto sink = [&](std::span<const std::byte> bytes) {
    report.file_bytes += static_cast<int64_t>(bytes.size());
    return file->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const auto text = [&](const std::string& bytes) { return sink(std::as_bytes(std::span(bytes))); };
  Status status = text(header(*config));
  if (status.ok()) status = write_tensors(*weights, *before, options.threads, options.progress, sink);
  if (status.ok()) status = text(positions(*config));
  if (status.ok() && !behind->empty())
    status = write_tensors(*weights, *behind, options.threads, options.progress, sink);
  if (status.ok()) status = file->commit();
  if (status.ok()) status = write_vocabulary(*files, options, config->vocabulary, report);
  return status.ok() ? Result<ExportReport>(std::move(report)) : status;
}

}  // namespace lathe::run
