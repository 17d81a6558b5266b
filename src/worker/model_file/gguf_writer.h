#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace worker {

// What a key of a GGUF file can hold, as far as we write it.
using GgufWritable =
    std::variant<std::uint32_t, std::int32_t, float, bool, std::string, std::vector<std::uint32_t>,
                 std::vector<std::int32_t>, std::vector<float>, std::vector<std::string>>;

struct GgufEntry {
    std::string key;
    GgufWritable value;
};

// A tensor as the table of a GGUF file describes it.
struct GgufTensorEntry {
    std::string name;
    std::uint32_t type;                // ggml's id
    std::vector<std::uint64_t> shape;  // elements, fastest dimension first
};

// Where in a file a tensor's bytes go. The bytes between two tensors are zero.
struct GgufPlace {
    std::uint64_t offset;  // from the start of the file
    std::uint64_t bytes;
};

// A GGUF file but for its tensors' bytes.
struct GgufLayout {
    std::string header;             // all bytes up to the first tensor's
    std::vector<GgufPlace> places;  // of each tensor, one after the other
    std::uint64_t file_bytes;
};

// Lays a file of version 3 out, aligned to 32 bytes. Requires: the types are ggml's, rows are whole
// blocks of them, and the sizes fit into 64 bits.
// Source: the GGUF specification (ggml, docs/gguf.md).
GgufLayout lay_out_gguf(std::span<const GgufEntry> entries,
                        std::span<const GgufTensorEntry> tensors);

}  // namespace worker
