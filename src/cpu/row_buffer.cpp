#include "cpu/row_buffer.h"

#include <algorithm>

namespace cpu {

RowBuffer::RowBuffer(std::uint32_t rows_max, std::uint32_t depth,
                     std::span<const PackedMatrix* const> readers) {
    for (const PackedMatrix* matrix : readers) {
        if (matrix->columns() == 0) continue;
        (matrix->reads_integers() ? integers_ : floats_) = true;
    }
    rows_.depth = depth;
    const std::size_t count = std::size_t{rows_max} * depth;
    if (integers_) {
        values_ = AlignedBuffer(count);
        scales_ = AlignedBuffer(count / block_depth * sizeof(float));
        sums_ = AlignedBuffer(count / block_depth * sizeof(std::int32_t));
        rows_.values = reinterpret_cast<std::int8_t*>(values_.data());
        rows_.scales = reinterpret_cast<float*>(scales_.data());
        rows_.sums = reinterpret_cast<std::int32_t*>(sums_.data());
    }
    if (floats_) {
        float_values_ = AlignedBuffer(count * sizeof(float));
        rows_.floats = reinterpret_cast<float*>(float_values_.data());
    }
}

void RowBuffer::write(const ProductKernels& kernels, const float* x, std::uint32_t count,
                      std::uint32_t row, std::uint32_t first) const {
    if (integers_) kernels.quantize(x, count, rows_, row, first);
    if (floats_) std::copy_n(x, count, rows_.floats + std::size_t{row} * rows_.depth + first);
}

}  // namespace cpu
