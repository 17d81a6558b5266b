#pragma once

#include "worker/model_file/byte_source.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace worker {

// Reads little-endian values one after the other, in blocks. The first failure sticks: every later
// read gives zero and costs nothing, so that a parser asks once per item whether all went well.
class GgufCursor {
public:
    // From `begin` up to `end`, at which the source must not be shorter than `source.size()`.
    GgufCursor(const ByteSource& source, std::uint64_t begin, std::uint64_t end)
        : source_(source), position_(begin), end_(end) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(unsigned_integer(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(unsigned_integer(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(unsigned_integer(4)); }
    std::uint64_t u64() { return unsigned_integer(8); }
    float f32();
    double f64();
    // `length` bytes. Requires: the caller has bounded `length`.
    std::string text(std::uint64_t length);
    void skip(std::uint64_t bytes);

    std::uint64_t position() const { return position_; }
    std::uint64_t bytes_left() const { return end_ - position_; }

    // Puts the source's name before the message. Only the first failure is kept.
    void fail(ErrorCode code, const std::string& message);
    // As `fail`: `count` bytes are wanted where there are no more.
    void fail_at_end(std::uint64_t count);
    const std::optional<Error>& error() const { return error_; }
    bool ok() const { return !error_.has_value(); }

private:
    bool take(std::byte* target, std::size_t count);
    bool fill();
    std::uint64_t unsigned_integer(std::size_t bytes);

    const ByteSource& source_;
    std::uint64_t position_;
    const std::uint64_t end_;
    std::optional<Error> error_;
    // The block that holds `position_`, where it has been read.
    std::array<std::byte, 16384> block_{};
    std::uint64_t block_begin_ = 0;
    std::size_t block_size_ = 0;
};

}  // namespace worker
