#include "worker/base/ids.h"

#include "worker/base/assert.h"

#include <openssl/rand.h>

#include <array>
#include <cctype>
#include <span>

namespace worker {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void fill_random(std::span<unsigned char> bytes) {
    WORKER_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace

std::string random_hex(std::size_t digits) {
    std::string text(digits, '0');
    fill_random({reinterpret_cast<unsigned char*>(text.data()), text.size()});
    for (char& c : text) c = hex_digits[static_cast<unsigned char>(c) & 0xf];
    return text;
}

std::string uuid_v4() {
    std::string text = random_hex(36);
    for (const std::size_t dash : {8, 13, 18, 23}) text[dash] = '-';
    text[14] = '4';
    text[19] = "89ab"[hex_digits.find(text[19]) & 3];
    return text;
}

std::uint64_t random_u64() {
    std::array<unsigned char, 8> bytes{};
    fill_random(bytes);
    std::uint64_t value = 0;
    for (const unsigned char byte : bytes) value = value << 8 | byte;
    return value;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i])))
            return false;
    }
    return true;
}

}  // namespace worker
