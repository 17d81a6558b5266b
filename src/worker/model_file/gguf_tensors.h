#pragma once

#include "worker/model_file/gguf.h"
#include "worker/model_file/gguf_cursor.h"

namespace worker {

// Reads `count` entries of the tensor table, each checked by itself; `offset` is still relative to
// the start of the data. Errors: in the cursor.
std::vector<GgufTensor> read_tensor_table(GgufCursor& cursor, std::uint64_t count);

// Makes the offsets relative to the file, whose data begins after `header_bytes`, and checks where
// the data lies. Errors: model_corrupt.
Result<void> place_tensors(const ByteSource& source, std::uint64_t header_bytes,
                           GgufHeader& header);

}  // namespace worker
