#pragma once

#include "worker/base/result.h"
#include "worker/model_file/byte_source.h"

#include <cstdint>
#include <string>
#include <vector>

namespace worker {

// What a SafeTensors header says of one tensor, unchecked but for its form.
struct SafeTensorEntry {
    std::string name;
    std::string type;  // "BF16"
    std::vector<std::uint64_t> shape;
    std::uint64_t begin;  // half-open, from the end of the header
    std::uint64_t end;
};

// Parses the JSON of a header, which lies from byte 8 on, piece by piece: what a header could say
// beside tensors (`__metadata__`) is never in memory. As strict as `parse_json`.
// Requires: `header_bytes` lie inside of the source. Errors: model_corrupt, model_unreadable.
Result<std::vector<SafeTensorEntry>> read_safetensors_entries(const ByteSource& source,
                                                              std::uint64_t header_bytes);

}  // namespace worker
