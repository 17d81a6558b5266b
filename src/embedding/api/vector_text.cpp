#include "embedding/api/vector_text.h"

#include "worker/base/assert.h"

#include <openssl/evp.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace embedding {

static_assert(std::endian::native == std::endian::little);

void append_numbers(std::string& out, std::span<const float> values) {
    constexpr std::size_t longest = 16;  // "-1.1754944e-38,"
    const std::size_t begin = out.size();
    out.resize(begin + 2 + values.size() * longest);
    char* at = out.data() + begin;
    *at++ = '[';
    for (const float value : values) {
        at = std::to_chars(at, at + longest, value).ptr;
        *at++ = ',';
    }
    if (!values.empty()) --at;
    *at++ = ']';
    out.resize(static_cast<std::size_t>(at - out.data()));
}

void append_base64(std::string& out, std::span<const float> values) {
    const std::size_t begin = out.size();
    const std::size_t length = (values.size_bytes() + 2) / 3 * 4;
    out.resize(begin + 1 + length + 1);  // the encoder's zero is where the last quote goes
    const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + begin + 1),
                                        reinterpret_cast<const unsigned char*>(values.data()),
                                        static_cast<int>(values.size_bytes()));
    WORKER_ASSERT(static_cast<std::size_t>(written) == length);
    out[begin] = out.back() = '"';
}

std::vector<float> shortened(std::span<const float> values, std::uint32_t dimensions) {
    const std::span<const float> kept = values.first(dimensions);
    double square = 0;
    for (const float value : kept) square += double{value} * double{value};
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    std::vector<float> scaled;
    scaled.reserve(kept.size());
    for (const float value : kept) scaled.push_back(static_cast<float>(value * scale));
    return scaled;
}

}  // namespace embedding
