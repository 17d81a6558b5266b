#pragma once

#include <cstddef>
#include <memory>

namespace cpu {

// Zeroed memory whose pages appear when first written; in huge pages where the system has them.
// Aligned to 64 bytes at least.
class AlignedBuffer {
public:
    AlignedBuffer() = default;
    // Throws std::bad_alloc.
    explicit AlignedBuffer(std::size_t bytes);
    AlignedBuffer(AlignedBuffer&& other) noexcept;
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
    ~AlignedBuffer();

    std::byte* data() const { return data_; }
    std::size_t size() const { return bytes_; }

private:
    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace cpu
