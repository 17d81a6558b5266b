#pragma once

#include "cpu/kernels/aligned_buffer.h"
#include "cpu/kernels/product.h"
#include "cpu/kernels/rows.h"

#include <cstdint>
#include <span>

namespace cpu {

// Activations in the forms that the matrices which read them need: integers, floats or both.
// Thread: any, for other rows or columns.
class RowBuffer {
public:
    RowBuffer(std::uint32_t rows_max, std::uint32_t depth,
              std::span<const PackedMatrix* const> readers);

    const Rows& rows() const { return rows_; }

    // `count` numbers, a multiple of 32, into a row from column `first`, a multiple of 32, on.
    void write(const ProductKernels& kernels, const float* x, std::uint32_t count,
               std::uint32_t row, std::uint32_t first) const;

    std::uint64_t bytes() const {
        return values_.size() + scales_.size() + sums_.size() + float_values_.size();
    }

private:
    Rows rows_;
    bool integers_ = false;
    bool floats_ = false;
    AlignedBuffer values_;
    AlignedBuffer scales_;
    AlignedBuffer sums_;
    AlignedBuffer float_values_;
};

}  // namespace cpu
