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
    const std::size_t blocks =
        rows_.block_at((rows_max + group_rows - 1) / group_rows * group_rows, 0);
    if (integers_) {
        values_ = AlignedBuffer(blocks * block_depth);
        scales_ = AlignedBuffer(2 * blocks * sizeof(float));
        sums_ = AlignedBuffer(2 * blocks * sizeof(std::int32_t));
        rows_.values = reinterpret_cast<std::int8_t*>(values_.data());
        rows_.scales = reinterpret_cast<float*>(scales_.data());
        rows_.scaled_sums = rows_.scales + blocks;
        rows_.sums[0] = reinterpret_cast<std::int32_t*>(sums_.data());
        rows_.sums[1] = rows_.sums[0] + blocks;
    }
    if (floats_) {
        float_values_ = AlignedBuffer(blocks * block_depth * sizeof(float));
        rows_.floats = reinterpret_cast<float*>(float_values_.data());
    }
}

void RowBuffer::write(const ProductKernels& kernels, const float* x, std::uint32_t count,
                      std::uint32_t row, std::uint32_t first) const {
    if (integers_) kernels.quantize(x, count, rows_, row, first);
    if (!floats_) return;
    for (std::uint32_t i = 0; i < count; i += block_depth)
        std::copy_n(x + i, block_depth,
                    rows_.floats + rows_.block_at(row, first + i) * block_depth);
}

}  // namespace cpu
