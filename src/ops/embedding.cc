#include "ops/embedding.h"

#include <algorithm>
#include <string>

#include "ops/share.h"

namespace lathe::ops {

Result<EmbeddingTable> EmbeddingTable::create(const TensorView& tensor) {
  if (tensor.shape.rank() != 2)
    return invalid_argument(tensor.name + " has the shape " + tensor.shape.text() + ", needed: two dimensions");
  EmbeddingTable table;
  table.decode_ = dequantizer(tensor.dtype);
  if (table.decode_ == nullptr)
    return unsupported(tensor.name + " is stored as " + std::string(dtype_name(tensor.dtype)) +
                       ", needed: a type that can be decoded to numbers");
  table.dtype_ = tensor.dtype;
  table.data_ = tensor.bytes.data();
  table.rows_ = tensor.shape[0];
  table.width_ = tensor.shape[1];
  table.row_bytes_ = table.rows_ == 0 ? 0 : static_cast<int64_t>(tensor.bytes.size()) / table.rows_;
  return table;
}

void embed(const Team::Worker& worker, const norm::Variant& kernel, const TextBatch& batch,
           const EmbedOperands& x) noexcept {
  const int64_t width = x.words->width();
  const Share share(worker, batch.tokens());
  float* position = x.position_rows + worker.id() * width;
  norm::Args args = x.norm;
  args.rows = 1;
  args.n = width;
  args.residual = position;
  auto text = std::ranges::upper_bound(batch.offsets, share.begin) - 1;
  for (int64_t t = share.begin; t < share.end; ++t) {
    while (t >= text[1]) ++text;
    float* y = x.y + t * width;
    x.words->decode_row(batch.ids[static_cast<size_t>(t)], y);
    if (x.type != nullptr)
      for (int64_t j = 0; j < width; ++j) y[j] += x.type[j];
    x.positions->decode_row(x.first_position + t - *text, position);
    args.x = y;
    args.y = y;
    kernel.layer_norm(args);
  }
}

void embed_scaled(const Team::Worker& worker, const TextBatch& batch, const EmbeddingTable& words, float scale,
                  float* y) noexcept {
  const Share share(worker, batch.tokens());
  for (int64_t t = share.begin; t < share.end; ++t) {
    float* row = y + t * words.width();
    words.decode_row(batch.ids[static_cast<size_t>(t)], row);
    for (int64_t j = 0; j < words.width(); ++j) row[j] *= scale;
  }
}

void layer_norm(const Team::Worker& worker, const norm::Variant& kernel, norm::Args args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.x += share.begin * args.x_row;
  args.y += share.begin * args.y_row;
  if (args.residual != nullptr) args.residual += share.begin * args.residual_row;
  if (args.sum != nullptr) args.sum += share.begin * args.sum_row;
  kernel.layer_norm(args);
}

}  // namespace lathe::ops
