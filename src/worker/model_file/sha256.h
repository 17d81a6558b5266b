#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace worker {

// SHA-256 of bytes that come one after the other.
class Sha256 {
public:
    Sha256();

    void add(std::span<const std::byte> bytes);
    void add(std::string_view text) { add(std::as_bytes(std::span(text))); }

    // The digest in 64 hexadecimal digits. Requires: not asked before.
    std::string hex();

private:
    struct Freed {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Freed> context_;
};

}  // namespace worker
