#include "worker/model_file/gguf.h"

#include "worker/base/quantities.h"
#include "worker/model_file/gguf_cursor.h"
#include "worker/model_file/gguf_tensors.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace worker {
namespace {

// bytes of one value; 0 where that varies.
constexpr std::uint64_t size_of(GgufType type) {
    switch (type) {
        case GgufType::u8:
        case GgufType::i8:
        case GgufType::boolean: return 1;
        case GgufType::u16:
        case GgufType::i16: return 2;
        case GgufType::u32:
        case GgufType::i32:
        case GgufType::f32: return 4;
        case GgufType::u64:
        case GgufType::i64:
        case GgufType::f64: return 8;
        case GgufType::string:
        case GgufType::array: return 0;
    }
    __builtin_unreachable();
}

std::int64_t saturated(std::uint64_t value) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    return value > static_cast<std::uint64_t>(most) ? most : static_cast<std::int64_t>(value);
}

class HeaderReader {
public:
    explicit HeaderReader(const ByteSource& source)
        : source_(source), cursor_(source, 0, std::min(source.size(), gguf_header_bytes_max)) {}

    Result<GgufHeader> read() {
        read_prelude();
        read_keys();
        read_alignment();
        header_.tensors = read_tensor_table(cursor_, tensor_count_);
        if (!cursor_.ok()) return fail(*cursor_.error());
        if (auto placed = place_tensors(source_, cursor_.position(), header_); !placed)
            return fail(placed.error());
        return std::move(header_);
    }

private:
    void corrupt(const std::string& what) {
        cursor_.fail(ErrorCode::model_corrupt, what + "; download the file again");
    }

    void read_prelude();
    void read_keys();
    void read_alignment();
    std::optional<GgufType> read_type(const std::string& key);
    GgufValue read_value(const std::string& key, GgufType type);
    std::int64_t read_integer(GgufType type);
    GgufArray read_array(const std::string& key);
    void skip_strings(std::uint64_t count);

    const ByteSource& source_;
    GgufCursor cursor_;
    GgufHeader header_;
    std::uint64_t tensor_count_ = 0;
    std::uint64_t key_count_ = 0;
    std::uint64_t text_bytes_ = 0;  // kept so far
};

void HeaderReader::read_prelude() {
    const std::string magic = cursor_.text(4);
    if (cursor_.ok() && (magic == "lmgg" || magic == "fmgg" || magic == "tjgg")) {
        cursor_.fail(ErrorCode::model_unsupported,
                     "the file has the GGML format of before GGUF; get the model as GGUF");
    } else if (cursor_.ok() && magic != "GGUF") {
        cursor_.fail(ErrorCode::model_corrupt,
                     fmt::format("the file begins with \"{}\" and not with \"GGUF\"; it is no GGUF "
                                 "model, or its download is broken",
                                 printable(magic)));
    }
    header_.version = cursor_.u32();
    if (cursor_.ok() && header_.version != 0 && (header_.version & 0xffff) == 0) {
        cursor_.fail(ErrorCode::model_unsupported,
                     "the file is big-endian GGUF; get the little-endian one");
    }
    if (cursor_.ok() && header_.version != 2 && header_.version != 3) {
        cursor_.fail(ErrorCode::model_unsupported,
                     fmt::format("GGUF version {} is not supported, 2 and 3 are; convert the model "
                                 "with a current llama.cpp",
                                 header_.version));
    }
    tensor_count_ = cursor_.u64();
    key_count_ = cursor_.u64();
    if (key_count_ > gguf_keys_max)
        corrupt(fmt::format("the header claims {} keys at byte 16", key_count_));
    if (tensor_count_ > gguf_tensors_max)
        corrupt(fmt::format("the header claims {} tensors at byte 8", tensor_count_));
}

void HeaderReader::read_keys() {
    for (std::uint64_t i = 0; i < key_count_ && cursor_.ok(); ++i) {
        const std::uint64_t at = cursor_.position();
        const std::uint64_t length = cursor_.u64();
        if (cursor_.ok() && (length == 0 || length > gguf_key_bytes_max))
            corrupt(fmt::format("key {} at byte {} has a name of {} bytes", i, at, length));
        const std::string key = cursor_.text(length);
        // A zero byte would make it another key to a library that reads names up to there.
        if (cursor_.ok() && key.find('\0') != std::string::npos)
            corrupt(fmt::format("the name of key {} at byte {} holds a zero byte", i, at));
        if (cursor_.ok() && header_.contains(key))
            corrupt(fmt::format("key \"{}\" at byte {} is there twice", printable(key), at));
        const auto type = read_type(key);
        if (!type) return;
        GgufValue value = read_value(key, *type);
        if (cursor_.ok()) header_.values.emplace(key, std::move(value));
    }
}

void HeaderReader::read_alignment() {
    constexpr std::string_view key = "general.alignment";
    if (!header_.contains(key)) return;
    const std::int64_t alignment = header_.integer(key).value_or(0);
    const bool power_of_two =
        alignment > 0 && std::has_single_bit(static_cast<std::uint64_t>(alignment));
    if (!power_of_two || alignment > std::numeric_limits<std::uint32_t>::max()) {
        corrupt(fmt::format("general.alignment is {}, which is no power of two", alignment));
    } else if (alignment < 32) {
        // The CPU backend of ggml aborts on mapped tensors that are aligned to less.
        cursor_.fail(ErrorCode::model_unsupported,
                     fmt::format("general.alignment is {}, and 32 or more is supported; convert "
                                 "the model again",
                                 alignment));
    } else {
        header_.alignment = static_cast<std::uint32_t>(alignment);
    }
}

std::optional<GgufType> HeaderReader::read_type(const std::string& key) {
    const std::uint64_t at = cursor_.position();
    const std::uint32_t type = cursor_.u32();
    if (cursor_.ok() && type > static_cast<std::uint32_t>(GgufType::f64)) {
        corrupt(
            fmt::format("key \"{}\" has the unknown type {} at byte {}", printable(key), type, at));
    }
    if (!cursor_.ok()) return {};
    return static_cast<GgufType>(type);
}

std::int64_t HeaderReader::read_integer(GgufType type) {
    switch (type) {
        case GgufType::u8: return cursor_.u8();
        case GgufType::i8: return static_cast<std::int8_t>(cursor_.u8());
        case GgufType::u16: return cursor_.u16();
        case GgufType::i16: return static_cast<std::int16_t>(cursor_.u16());
        case GgufType::u32: return cursor_.u32();
        case GgufType::i32: return static_cast<std::int32_t>(cursor_.u32());
        case GgufType::u64: return saturated(cursor_.u64());
        case GgufType::i64: return static_cast<std::int64_t>(cursor_.u64());
        default: return cursor_.u8() != 0;  // boolean; any other byte than 0 is true
    }
}

GgufValue HeaderReader::read_value(const std::string& key, GgufType type) {
    switch (type) {
        case GgufType::f32: return {type, static_cast<double>(cursor_.f32())};
        case GgufType::f64: return {type, cursor_.f64()};
        case GgufType::boolean: return {type, cursor_.u8() != 0};
        case GgufType::array: return {type, read_array(key)};
        case GgufType::string: break;
        default: return {type, read_integer(type)};
    }
    const std::uint64_t length = cursor_.u64();
    if (length > gguf_text_bytes_max) {
        cursor_.skip(length);
        return {type, std::monostate{}};
    }
    text_bytes_ += length;
    if (text_bytes_ > gguf_text_bytes_total_max) {
        corrupt(fmt::format("key \"{}\" makes more than {} of text in the header", printable(key),
                            format_bytes(gguf_text_bytes_total_max)));
    }
    return {type, cursor_.text(length)};
}

GgufArray HeaderReader::read_array(const std::string& key) {
    const std::uint64_t at = cursor_.position();
    const auto type = read_type(key);
    GgufArray array{type.value_or(GgufType::u8), cursor_.u64(), cursor_.position(), {}};
    if (type == GgufType::array) {
        corrupt(fmt::format("key \"{}\" is an array of arrays at byte {}", printable(key), at));
    }
    // Each string has eight bytes of length at least, so this bounds the loops below.
    const std::uint64_t element_bytes = type == GgufType::string ? 8 : size_of(array.type);
    if (cursor_.ok() && array.count > cursor_.bytes_left() / element_bytes) {
        corrupt(
            fmt::format("key \"{}\" claims {} elements at byte {}, more than follow in the "
                        "header",
                        printable(key), array.count, at));
    }
    if (!cursor_.ok()) return array;
    const bool integers =
        type != GgufType::string && type != GgufType::f32 && type != GgufType::f64;
    if (type == GgufType::string) {
        skip_strings(array.count);
    } else if (integers && array.count <= gguf_integers_kept_max) {
        for (std::uint64_t i = 0; i < array.count; ++i)
            array.integers.push_back(read_integer(array.type));
    } else {
        cursor_.skip(array.count * element_bytes);
    }
    return array;
}

void HeaderReader::skip_strings(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count && cursor_.ok(); ++i) cursor_.skip(cursor_.u64());
}

template <class Kind>
const Kind* find(const GgufHeader& header, std::string_view key) {
    const auto found = header.values.find(key);
    return found == header.values.end() ? nullptr : std::get_if<Kind>(&found->second.value);
}

template <class Kind>
std::optional<Kind> copy(const Kind* value) {
    return value ? std::optional<Kind>(*value) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> GgufHeader::integer(std::string_view key) const {
    return copy(find<std::int64_t>(*this, key));
}

std::optional<double> GgufHeader::number(std::string_view key) const {
    return copy(find<double>(*this, key));
}

std::optional<bool> GgufHeader::boolean(std::string_view key) const {
    return copy(find<bool>(*this, key));
}

const std::string* GgufHeader::text(std::string_view key) const {
    return find<std::string>(*this, key);
}

const GgufArray* GgufHeader::array(std::string_view key) const {
    return find<GgufArray>(*this, key);
}

Result<GgufHeader> read_gguf_header(const ByteSource& source) {
    return HeaderReader(source).read();
}

}  // namespace worker
