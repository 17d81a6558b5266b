#include "worker/hugging_face/stored_numbers.h"

#include "worker/base/assert.h"
#include "worker/model_file/half.h"

#include <cstring>

namespace worker {
namespace {

float as_is(float value) {
    return value;
}

// Little-endian, as this machine is.
template <class From, class To>
std::vector<std::byte> convert(std::span<const std::byte> numbers, float (*widen)(From),
                               To (*narrow)(float)) {
    const std::size_t count = numbers.size() / sizeof(From);
    std::vector<std::byte> converted(count * sizeof(To));
    for (std::size_t i = 0; i < count; ++i) {
        From stored;
        std::memcpy(&stored, numbers.data() + i * sizeof stored, sizeof stored);
        const To wanted = narrow(widen(stored));
        std::memcpy(converted.data() + i * sizeof wanted, &wanted, sizeof wanted);
    }
    return converted;
}

template <class From>
std::vector<std::byte> convert_to(std::uint32_t type, std::span<const std::byte> numbers,
                                  float (*widen)(From)) {
    switch (type) {
        case ggml_f32: return convert(numbers, widen, as_is);
        case ggml_f16: return convert(numbers, widen, half_of_float);
        default: return convert(numbers, widen, bfloat_of_float);
    }
}

}  // namespace

std::uint32_t ggml_type_of(SafeTensorType type) {
    switch (type) {
        case SafeTensorType::f32: return ggml_f32;
        case SafeTensorType::f16: return ggml_f16;
        case SafeTensorType::bf16: return ggml_bf16;
    }
    __builtin_unreachable();
}

std::vector<std::byte> convert_numbers(std::span<const std::byte> numbers, SafeTensorType from,
                                       std::uint32_t to) {
    WORKER_ASSERT(to == ggml_f32 || to == ggml_f16 || to == ggml_bf16);
    switch (from) {
        case SafeTensorType::f32: return convert_to(to, numbers, as_is);
        case SafeTensorType::f16: return convert_to(to, numbers, float_of_half);
        case SafeTensorType::bf16: return convert_to(to, numbers, float_of_bfloat);
    }
    __builtin_unreachable();
}

}  // namespace worker
