#pragma once

#include "worker/base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace worker {

// Bytes that can be read at any offset: a file, or memory in tests. Never mapped: a file that
// somebody cuts short while we read is then a short read and not a SIGBUS.
class ByteSource {
public:
    virtual ~ByteSource() = default;

    // What messages call it. Fit for one line.
    virtual const std::string& name() const = 0;

    // bytes, as it was when the source was opened.
    virtual std::uint64_t size() const = 0;

    // Reads up to `target.size()` bytes from `offset` on; fewer only at the end.
    // Errors: model_unreadable.
    virtual Result<std::size_t> read_at(std::uint64_t offset,
                                        std::span<std::byte> target) const = 0;
};

// Bytes that stay the caller's.
class MemorySource final : public ByteSource {
public:
    MemorySource(std::string name, std::span<const std::byte> bytes)
        : name_(std::move(name)), bytes_(bytes) {}

    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return bytes_.size(); }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> target) const override;

private:
    std::string name_;
    std::span<const std::byte> bytes_;
};

// Opens a regular file; a FIFO, socket or device is refused without ever waiting for it.
// Errors: model_not_found, model_unreadable with the remedy, model_corrupt when it is empty.
Result<std::unique_ptr<ByteSource>> open_file(const std::filesystem::path& path);

}  // namespace worker
