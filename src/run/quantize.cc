#include "run/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "formats/gguf_writer.h"
#include "formats/model_files.h"
#include "models/gguf_export.h"
#include "quant/quantize.h"
#include "run/tensor_stream.h"

namespace lathe::run {
namespace {

constexpr uint32_t kQuantizationVersion = 2;  // of ggml's blocks

Status check_types(const QuantizeTypes& types) {
  for (const auto& type : {types.type, types.output, types.embedding})
    if (type && quantizer(*type) == nullptr)
      return invalid_argument(fmt::format(
          "type is {}, needed: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K", dtype_name(*type)));
  if (types.mixed && types.type != DType::q4_k && types.type != DType::q5_k)
    return invalid_argument("a mixture is asked for, needed: q4_k or q5_k as its type");
  return {};
}

// Sets the target's types. Quants that are quantised again are worth a note.
std::vector<std::string> choose_types(const QuantizeTypes& types, models::GgufExport& model) {
  const bool tied = std::ranges::none_of(model.tensors, [](const auto& t) { return t.target.name == "output.weight"; });
  QuantizeRules rules(types, model.layers, tied);
  int64_t again = 0;
  for (models::ExportTensor& tensor : model.tensors) {
    tensor.target.dtype = rules.type_of(tensor.target);
    const int source_block = dtype_info(tensor.source->dtype).block;
    again += source_block > 1 && tensor.target.dtype != tensor.source->dtype ? 1 : 0;
  }
  auto notes = rules.notes();
  if (again > 0)
    notes.push_back(fmt::format("{} tensor{} quantised already and lost something then: better from F16, BF16 or F32",
                                again, again == 1 ? " was" : "s were"));
  model.metadata.add("general.quantization_version", kQuantizationVersion);
  model.metadata.add("general.file_type", rules.file_type());
  return notes;
}

}  // namespace

Result<ExportReport> quantize(const QuantizeOptions& options) {
  if (Status status = check_types(options.types); !status.ok()) return status;
  const auto files = resolve_model(options.model, options.hub);
  if (!files) return files.status();
  auto model = models::export_gguf(*files);
  if (!model) return model.status();
  ExportReport report;
  auto notes = choose_types(options.types, *model);
  report.notes = std::move(model->notes);
  report.notes.insert(report.notes.end(), notes.begin(), notes.end());
  report.add(model->tensors);
  auto writer = GgufWriter::create(options.output, model->metadata, models::targets_of(model->tensors));
  if (!writer) return writer.status();
  if (options.writing) options.writing(writer->temporary());
  report.file_bytes = writer->file_bytes();
  const auto sink = [&](std::span<const std::byte> bytes) { return writer->write(bytes); };
  if (Status status = write_tensors(model->files, model->tensors, options.threads, options.progress, sink);
      !status.ok())
    return status;
  if (Status status = writer->commit(); !status.ok()) return status;
  return report;
}

}  // namespace lathe::run
