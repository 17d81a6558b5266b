#include "worker/model_file/gguf_writer.h"

#include "worker/base/assert.h"
#include "worker/model_file/ggml_type.h"
#include "worker/model_file/gguf.h"

#include <bit>
#include <string_view>
#include <type_traits>

namespace worker {
namespace {

constexpr std::uint64_t alignment = 32;  // what readers take where `general.alignment` is missing

constexpr std::uint64_t aligned(std::uint64_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
}

template <class Value>
constexpr GgufType type_of() {
    if constexpr (std::is_same_v<Value, std::uint32_t>) return GgufType::u32;
    if constexpr (std::is_same_v<Value, std::int32_t>) return GgufType::i32;
    if constexpr (std::is_same_v<Value, float>) return GgufType::f32;
    if constexpr (std::is_same_v<Value, bool>) return GgufType::boolean;
    if constexpr (std::is_same_v<Value, std::string>) return GgufType::string;
    return GgufType::array;
}

// Puts little-endian values one behind the other.
class HeaderText {
public:
    void number(std::uint64_t value, std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> 8 * i & 0xff);
    }
    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }

    void value(std::uint32_t value) { u32(value); }
    void value(std::int32_t value) { u32(static_cast<std::uint32_t>(value)); }
    void value(float value) { u32(std::bit_cast<std::uint32_t>(value)); }
    void value(bool value) { number(value ? 1 : 0, 1); }
    void value(const std::string& value) {
        u64(value.size());
        text_ += value;
    }
    template <class Element>
    void value(const std::vector<Element>& elements) {
        u32(static_cast<std::uint32_t>(type_of<Element>()));
        u64(elements.size());
        for (const Element& element : elements) value(element);
    }

    void entry(const GgufEntry& entry) {
        value(entry.key);
        std::visit(
            [&]<class Value>(const Value& content) {
                u32(static_cast<std::uint32_t>(type_of<Value>()));
                value(content);
            },
            entry.value);
    }

    void tensor(const GgufTensorEntry& tensor, std::uint64_t offset) {
        value(tensor.name);
        u32(static_cast<std::uint32_t>(tensor.shape.size()));
        for (const std::uint64_t length : tensor.shape) u64(length);
        u32(tensor.type);
        u64(offset);
    }

    std::string padded() && {
        text_.resize(aligned(text_.size()), '\0');
        return std::move(text_);
    }

private:
    std::string text_ = "GGUF";
};

std::uint64_t bytes_of(const GgufTensorEntry& tensor) {
    const GgmlType* type = find_ggml_type(tensor.type);
    WORKER_ASSERT(type != nullptr);
    std::uint64_t elements = 1;
    for (const std::uint64_t length : tensor.shape) elements *= length;
    return elements / type->block_elements * type->block_bytes;
}

}  // namespace

GgufLayout lay_out_gguf(std::span<const GgufEntry> entries,
                        std::span<const GgufTensorEntry> tensors) {
    HeaderText text;
    text.u32(3);
    text.u64(tensors.size());
    text.u64(entries.size());
    for (const GgufEntry& entry : entries) text.entry(entry);
    GgufLayout layout{};
    std::uint64_t end = 0;  // from the first tensor on
    for (const GgufTensorEntry& tensor : tensors) {
        text.tensor(tensor, end);
        layout.places.push_back({end, bytes_of(tensor)});
        end = aligned(end + layout.places.back().bytes);
    }
    layout.header = std::move(text).padded();
    for (GgufPlace& place : layout.places) place.offset += layout.header.size();
    layout.file_bytes = layout.header.size() + end;
    return layout;
}

}  // namespace worker
