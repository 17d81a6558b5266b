#pragma once

#include "worker/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Writes a file from its beginning to its end, in large pieces. Every failure is
// insufficient_resources: whatever the reason, this file cannot be had, another one perhaps.
class OutputFile {
public:
    // `descriptor` stays the caller's; `name` is what messages call it, fit for one line.
    OutputFile(std::string name, int descriptor);

    Result<void> append(std::span<const std::byte> bytes);
    Result<void> append(std::string_view text) { return append(std::as_bytes(std::span(text))); }
    // Zeros up to a place. Requires: `offset` has not been passed.
    Result<void> fill_up_to(std::uint64_t offset);
    // Hands what is still here to the system.
    Result<void> flush();

    std::uint64_t bytes() const { return flushed_ + pending_.size(); }

private:
    const std::string name_;
    const int descriptor_;
    std::vector<std::byte> pending_;
    std::uint64_t flushed_ = 0;
};

}  // namespace worker
