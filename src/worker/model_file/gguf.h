// The header of a GGUF file, read and checked without a model library. What a header says is only
// a claim: the reader neither crashes on it nor allocates by it.
#pragma once

#include "worker/base/result.h"
#include "worker/model_file/byte_source.h"
#include "worker/model_file/ggml_type.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace worker {

// Bounds, several times what the largest published models need. Together they keep the reader
// below 64 MiB, and bound what a library that reads the same header afterwards allocates.
inline constexpr std::uint64_t gguf_header_bytes_max = 128u << 20;  // known: below 40 MiB
inline constexpr std::uint64_t gguf_keys_max = 4096;                // known: below 200
inline constexpr std::uint64_t gguf_key_bytes_max = 1024;
inline constexpr std::uint64_t gguf_tensors_max = 65536;  // known: 46,000, experts stored singly
inline constexpr std::uint64_t gguf_tensor_name_bytes_max = 63;  // GGML_MAX_NAME - 1
inline constexpr std::uint64_t gguf_text_bytes_max = 1u << 20;   // longer values are not kept
inline constexpr std::uint64_t gguf_text_bytes_total_max = 16u << 20;
inline constexpr std::uint64_t gguf_integers_kept_max = 512;  // as many as a model has layers

// Source: the GGUF specification (ggml, docs/gguf.md), gguf_metadata_value_type.
enum class GgufType : std::uint32_t {
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    f32,
    boolean,
    string,
    array,
    u64,
    i64,
    f64
};

struct GgufArray {
    GgufType type;
    std::uint64_t count;
    std::uint64_t offset;                // of the first element, from the start of the file
    std::vector<std::int64_t> integers;  // the elements, of a short array of integers or booleans
};

struct GgufValue {
    GgufType type;
    // Integers beyond int64 are its greatest value: no key has a use for them. Nothing for a
    // string that is longer than `gguf_text_bytes_max`.
    std::variant<std::monostate, std::int64_t, double, bool, std::string, GgufArray> value;
};

struct GgufTensor {
    std::string name;
    const GgmlType* type;
    std::uint32_t dimensions;            // 0..4
    std::array<std::uint64_t, 4> shape;  // elements, fastest dimension first; 1 beyond `dimensions`
    std::uint64_t elements;
    std::uint64_t offset;  // of its data, from the start of the file
    std::uint64_t bytes;
};

struct GgufHeader {
    std::uint32_t version = 0;
    std::uint32_t alignment = 32;
    std::map<std::string, GgufValue, std::less<>> values;
    std::vector<GgufTensor> tensors;  // in the order of the file

    // Null or empty when the key is missing or of another kind.
    std::optional<std::int64_t> integer(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;
    std::optional<bool> boolean(std::string_view key) const;
    const std::string* text(std::string_view key) const;
    const GgufArray* array(std::string_view key) const;
    bool contains(std::string_view key) const { return values.find(key) != values.end(); }
};

// Reads a GGUF header of version 2 or 3 and checks that it is consistent with itself and with the
// file's size: every tensor's data lies aligned inside the file, and no two overlap.
// Errors: model_corrupt, model_unsupported, model_unreadable, one line each.
// Source: the GGUF specification (ggml, docs/gguf.md).
Result<GgufHeader> read_gguf_header(const ByteSource& source);

}  // namespace worker
