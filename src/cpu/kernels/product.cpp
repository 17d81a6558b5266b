#include "cpu/kernels/product.h"

#include "cpu/kernels/quantize.h"
#include "cpu/kernels/tile_product.h"
#include "worker/base/assert.h"

#include <cstdlib>

namespace cpu {
namespace {

using IntegerKernels = KernelTable<IntegerGroup> (*)(TileFormat);
using FloatKernels = KernelTable<FloatGroup> (*)(TileFormat);

template <IntegerKernels Integers, FloatKernels Floats>
void multiply_by_kernels(const TileProduct& product) {
    const TileFormat format = product.matrix.format();
    if (is_float(format))
        multiply_by_groups(product, Floats(format));
    else
        multiply_by_groups(product, Integers(format));
}

template <void (*Multiply)(const TileProduct&)>
void multiply(const PackedMatrix& matrix, Range tiles, const Rows& rows, Range which, float* out,
              std::size_t out_stride) {
    WORKER_ASSERT(rows.depth == matrix.depth());
    Multiply({.matrix = matrix,
              .tiles = tiles,
              .rows = rows,
              .which = which,
              .out = out,
              .out_stride = out_stride});
}

template <void (*Quantize)(const RowBlocks&)>
void quantize(const float* x, std::uint32_t count, const Rows& rows, std::uint32_t row,
              std::uint32_t first) {
    Quantize(
        {.x = x, .rows = rows, .first = rows.block_at(row, first), .count = count / block_depth});
}

constexpr ProductKernels portable{quantize<quantize_portable>, multiply<multiply_portable>};
#if defined(__x86_64__)
constexpr ProductKernels avx2{
    quantize<quantize_avx2>,
    multiply<multiply_by_kernels<integer_kernels_avx2, float_kernels_avx2>>};
constexpr ProductKernels avx512{
    quantize<quantize_avx512>,
    multiply<multiply_by_kernels<integer_kernels_avx512, float_kernels_avx512>>};
#endif

}  // namespace

const ProductKernels& product_kernels(Isa isa) {
    switch (isa) {
        case Isa::portable: return portable;
#if defined(__x86_64__)
        case Isa::avx2: return avx2;
        case Isa::avx512: return avx512;
#else
        case Isa::avx2:
        case Isa::avx512: break;
#endif
    }
    std::abort();  // `available` does not name it here.
}

}  // namespace cpu
