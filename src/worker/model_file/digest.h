#pragma once

#include "worker/base/result.h"
#include "worker/model_file/byte_source.h"

#include <cstdint>
#include <span>
#include <string>

namespace worker {

// What of a file is a part of its digest.
struct DigestSource {
    const ByteSource* source;
    std::uint64_t header_bytes;
};

// A name for a model's content that does not cost reading all of it: SHA-256, in hexadecimal
// digits, of each file's size, header and last MiB. Errors: model_unreadable.
Result<std::string> digest_of(std::span<const DigestSource> files);

}  // namespace worker
