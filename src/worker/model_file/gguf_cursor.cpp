#include "worker/model_file/gguf_cursor.h"

#include "worker/base/quantities.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace worker {

float GgufCursor::f32() {
    return std::bit_cast<float>(u32());
}

double GgufCursor::f64() {
    return std::bit_cast<double>(u64());
}

std::string GgufCursor::text(std::uint64_t length) {
    if (length > bytes_left()) fail_at_end(length);
    if (!ok()) return {};
    std::string value(static_cast<std::size_t>(length), '\0');
    if (!take(reinterpret_cast<std::byte*>(value.data()), value.size())) return {};
    return value;
}

void GgufCursor::skip(std::uint64_t bytes) {
    if (bytes > bytes_left()) fail_at_end(bytes);
    if (ok()) position_ += bytes;
}

void GgufCursor::fail(ErrorCode code, const std::string& message) {
    if (ok()) error_ = Error{code, fmt::format("{}: {}", source_.name(), message)};
}

void GgufCursor::fail_at_end(std::uint64_t count) {
    if (end_ == source_.size()) {
        fail(ErrorCode::model_corrupt,
             fmt::format("the file ends at byte {} where {} more bytes of its header should follow "
                         "byte {}; download it again",
                         end_, count, position_));
    } else {
        fail(ErrorCode::model_corrupt,
             fmt::format("the header claims {} bytes at byte {} and would be longer than {}, "
                         "which no model needs; download it again",
                         count, position_, format_bytes(end_)));
    }
}

std::uint64_t GgufCursor::unsigned_integer(std::size_t bytes) {
    std::array<std::byte, 8> raw{};
    if (!take(raw.data(), bytes)) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;)
        value = value << 8 | std::to_integer<std::uint64_t>(raw[i]);
    return value;
}

bool GgufCursor::take(std::byte* target, std::size_t count) {
    if (count > bytes_left()) fail_at_end(count);
    while (ok() && count > 0) {
        const bool in_block = position_ >= block_begin_ && position_ < block_begin_ + block_size_;
        if (!in_block && !fill()) break;
        const auto from = static_cast<std::size_t>(position_ - block_begin_);
        const std::size_t part = std::min(count, block_size_ - from);
        std::memcpy(target, block_.data() + from, part);
        target += part;
        count -= part;
        position_ += part;
    }
    return ok();
}

bool GgufCursor::fill() {
    const std::uint64_t wanted = std::min<std::uint64_t>(block_.size(), bytes_left());
    const auto got =
        source_.read_at(position_, std::span(block_).first(static_cast<std::size_t>(wanted)));
    if (!got) {
        error_ = got.error();
    } else if (*got == 0) {
        fail(ErrorCode::model_corrupt,
             "the file became shorter while it was read; is it still "
             "being written?");
    } else {
        block_begin_ = position_;
        block_size_ = *got;
    }
    return ok();
}

}  // namespace worker
