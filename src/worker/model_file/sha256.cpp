#include "worker/model_file/sha256.h"

#include "worker/base/assert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace worker {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    WORKER_ASSERT(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::span<const std::byte> bytes) {
    WORKER_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex() {
    std::array<unsigned char, 32> digest;
    WORKER_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace worker
