// The header of a SafeTensors file, read and checked. What a header says is only a claim: the
// reader neither crashes on it nor allocates by it.
#pragma once

#include "worker/base/result.h"
#include "worker/model_file/byte_source.h"

#include <cstdint>
#include <string>
#include <vector>

namespace worker {

// Bounds. The first is the format's own; the others are several times what published models need,
// and keep the reader below 64 MiB.
inline constexpr std::uint64_t safetensors_header_bytes_max = 100'000'000;
inline constexpr std::size_t safetensors_tensors_max = 65536;
inline constexpr std::size_t safetensors_name_bytes_max = 512;
inline constexpr std::size_t safetensors_dimensions_max = 8;

// How the numbers of a weight are stored.
enum class SafeTensorType : std::uint8_t { f32, f16, bf16 };

constexpr std::uint64_t bytes_of(SafeTensorType type) {
    return type == SafeTensorType::f32 ? 4 : 2;
}

struct SafeTensor {
    std::string name;
    SafeTensorType type;
    std::vector<std::uint64_t> shape;  // elements, slowest dimension first; a scalar has none
    std::uint64_t offset;              // of its bytes, from the start of the file
    std::uint64_t bytes;
};

// Reads a SafeTensors header and checks that it is consistent with itself and with the file's
// size: the tensors fill all that follows the header, without overlaps or holes. Gives the weights
// in the order of their bytes; tensors of integers are checked like all others and left out, since
// models carry them as constants (BERT's "embeddings.position_ids").
// Errors: model_corrupt, model_unsupported (a type of weights, named), model_unreadable; one line.
// Source: safetensors, README.md "Format", and `Metadata::validate` in src/tensor.rs.
Result<std::vector<SafeTensor>> read_safetensors_header(const ByteSource& source);

}  // namespace worker
