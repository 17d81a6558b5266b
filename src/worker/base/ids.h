#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace worker {

// A job inside this process. Callers see a string of their own choice or a generated one.
enum class JobId : std::uint64_t {};

// Source: RFC 9562, section 5.4 (UUID version 4), lower case. Thread: any.
std::string uuid_v4();

// `digits` random lower-case hexadecimal digits. Thread: any.
std::string random_hex(std::size_t digits);

// A uniformly random number, for seeds that the caller left to us. Thread: any.
std::uint64_t random_u64();

// True for the 36-character form 8-4-4-4-12 of hexadecimal digits, of any version.
bool is_uuid(std::string_view text);

}  // namespace worker
