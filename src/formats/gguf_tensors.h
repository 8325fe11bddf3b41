// The tensors of a GGUF file: their descriptions, checked against each other and against the data.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/gguf_cursor.h"
#include "lathe/status.h"
#include "tensor/tensor_view.h"

namespace lathe {

// `count` descriptions from the cursor on; behind them, at the next multiple of `alignment`, the data begin.
Result<std::vector<TensorView>> read_gguf_tensors(GgufCursor& cursor, uint64_t count, uint64_t alignment);

// What stands for a type in files; nothing where GGUF has no such type.
std::optional<uint32_t> gguf_type_number(DType dtype);

}  // namespace lathe
